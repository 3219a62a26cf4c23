// The transcript: the newest entries that fit the filter, and what comes after them.

import { get } from "./api.js";
import { byId, el } from "./dom.js";

const MOST = 400;
const PAUSE_MS = 150;
const ARROWS = { in: "→", out: "←", none: "" };
const WAYS = { in: "from the client", out: "to the client", none: "" };

const line = (entry) => [
  el("span", { class: "number" }, entry.number),
  el("time", {}, entry.time.slice(11, 23)),
  el("span", { class: "arrow", title: WAYS[entry.direction] }, ARROWS[entry.direction]),
  el("span", { class: "kind" }, entry.kind),
  el("span", { class: "what" }, entry.summary),
  el("span", { class: "user" }, entry.user),
];

const row = (entry) => {
  const summary = el("summary", { class: "line" }, line(entry));
  const details = el("details", {}, summary);
  details.addEventListener("toggle", () => {
    // What nobody opens is not drawn.
    if (details.open && details.children.length === 1) details.append(el("pre", { tabindex: 0 }, JSON.stringify(entry.detail, null, 2)));
  });
  return el("li", { class: `kind-${entry.kind} dir-${entry.direction}` }, details);
};

export const startTranscript = (act) => {
  const form = byId("transcript-form");
  const list = byId("entries");
  let last = 0;
  let turn = Promise.resolve();

  const wanted = () => ({
    kind: [...form.querySelectorAll("[name=kind]:checked")].map((box) => box.value),
    text: form.elements.text.value,
    user: form.elements.user.value,
  });

  const load = async (anew) => {
    const query = wanted();
    const found = query.kind.length ? await get("transcript", { since: anew ? 0 : last, limit: MOST, ...query }) : { last, entries: [], found: 0 };
    if (anew) list.replaceChildren();
    last = found.last;
    list.append(...found.entries.map(row));
    while (list.children.length > MOST) list.firstChild.remove();
    byId("no-entries").hidden = list.children.length > 0;
    byId("transcript-count").textContent = list.children.length ? `${list.children.length}${found.found > MOST ? " of the newest" : ""} shown` : "";
    if (form.elements.follow.checked) list.scrollTop = list.scrollHeight;
  };

  // One after the other: an answer that comes late must not overtake.
  const show = (anew) => {
    turn = turn.then(() => act(() => load(anew === true || last === 0)));
    return turn;
  };

  let pause = 0;
  form.addEventListener("input", (event) => {
    clearTimeout(pause);
    if (event.target.name === "follow") return;
    pause = setTimeout(() => show(true), PAUSE_MS);
  });
  form.addEventListener("submit", (event) => event.preventDefault());

  return { transcript: show };
};
