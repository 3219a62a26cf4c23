// Who is there: sites, admin sessions, and the startup kits of users.

import { ask, fetchFile, get } from "./api.js";
import { byId, el, renew, timeText, toggle } from "./dom.js";

export const startPeople = (act) => {
  const site = (one) => el("li", {},
    toggle(`${one.name} is connected`, one.connected, (connected) => act(() => ask("PATCH", `sites/${encodeURIComponent(one.name)}`, { connected }))),
    el("div", { class: "grow" }, el("p", { class: "what" }, one.name), el("p", { class: "quiet" }, `${one.org}${one.disabled ? " · disabled" : ""}`)),
    el("button", { type: "button", class: "small", onclick: () => act(() => ask("PATCH", `sites/${encodeURIComponent(one.name)}`, { disabled: !one.disabled })) }, one.disabled ? "Enable" : "Disable"));

  const session = (one) => el("li", {},
    el("div", { class: "grow" },
      el("p", { class: "what" }, one.user),
      el("p", { class: "quiet" }, `${one.role ?? "no role"} · ${one.org} · number ${one.number} · since ${timeText(one.started)} · last command ${timeText(one.last_used)}`)),
    el("button", { type: "button", class: "small", "aria-label": `Expire session ${one.number} of ${one.user}`, onclick: () => act(() => ask("DELETE", `sessions/${one.number}`)) }, "Expire"));

  const download = ({ name, broken }) => act(async () => {
    const query = broken ? `?${new URLSearchParams({ broken })}` : "";
    const address = URL.createObjectURL(await fetchFile(`kits/${encodeURIComponent(name)}${query}`));
    const link = el("a", { href: address, download: broken ? `${name}-${broken}.zip` : `${name}.zip` });
    link.click();
    URL.revokeObjectURL(address);
  });

  const kit = (one) => el("li", {},
    el("div", { class: "grow" }, el("p", { class: "what" }, one.broken ? `${one.name}, broken: ${one.broken}` : one.name), el("p", { class: "quiet path" }, one.path)),
    el("button", { type: "button", class: "small", "aria-label": `Download the kit of ${one.name}${one.broken ? `, broken: ${one.broken}` : ""}`, onclick: () => download(one) }, "Zip"));

  const showSites = async () => {
    const sites = await get("sites");
    renew(byId("site-list"), sites, (one) => one.name, site);
    byId("sites-count").textContent = `${sites.filter((one) => one.connected).length} of ${sites.length} connected`;
  };
  const showSessions = async () => {
    const sessions = await get("sessions");
    renew(byId("session-list"), sessions, (one) => one.number, session);
    byId("sessions-count").textContent = sessions.length || "";
    byId("no-sessions").hidden = sessions.length > 0;
    byId("expire-all").hidden = sessions.length === 0;
  };
  const showKits = async () => renew(byId("kit-list"), await get("kits"), (one) => one.path, kit);

  byId("expire-all").addEventListener("click", () => act(() => ask("DELETE", "sessions")));
  byId("kit-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const { name, org, role } = event.target.elements;
    act(async () => {
      await ask("POST", "kits", { name: name.value, org: org.value, role: role.value });
      event.target.reset();
      event.target.closest("details").open = false;
      await showKits();
    });
  });

  return { sites: showSites, sessions: showSessions, kits: showKits };
};
