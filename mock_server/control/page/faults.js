// Faults: which there are, switched on and off; and a form for another one, of the fields that its kind has.

import { ask, get } from "./api.js";
import { byId, el, renew, toggle } from "./dom.js";

const words = (fault) => Object.entries(fault.action).filter(([name]) => name !== "kind")
  .map(([name, value]) => `${name} ${typeof value === "object" ? JSON.stringify(value) : value}`).join(", ");

const whenText = (fault) => {
  const other = Object.entries(fault.when).filter(([name]) => !["command", "at", "direction"].includes(name)).map(([name, value]) => `${name} ${value}`);
  const where = fault.at === "command" ? (fault.commands === "*" ? "every command" : fault.commands) : fault.at;
  return [where, fault.direction === "request" ? "before it acts" : "after it acted", ...other].join(" · ");
};

export const startFaults = (act) => {
  const form = byId("fault-form");
  let kinds = [];

  const row = (fault) => el("li", { class: fault.paused ? "fault paused" : "fault" },
    toggle(`${fault.action.kind} number ${fault.number}`, !fault.paused, (on) => act(() => ask("PATCH", `faults/${fault.number}`, { paused: !on }))),
    el("div", { class: "grow" },
      el("p", { class: "what" }, el("strong", {}, fault.action.kind), " ", words(fault)),
      el("p", { class: "quiet" }, whenText(fault))),
    el("span", { class: fault.fired ? "struck yes" : "struck", title: `struck ${fault.fired} of ${fault.seen} times` }, `${fault.fired}×`),
    el("button", { type: "button", class: "small", "aria-label": `Remove ${fault.action.kind} number ${fault.number}`, onclick: () => act(() => ask("DELETE", `faults/${fault.number}`)) }, "×"));

  const show = async () => {
    const faults = await get("faults");
    renew(byId("fault-list"), faults, (fault) => fault.number, row);
    byId("faults-count").textContent = faults.length || "";
    byId("no-faults").hidden = faults.length > 0;
    byId("clear-faults").hidden = faults.length === 0;
  };

  const field = (name, schema, isRequired) => {
    if (schema.enum) {
      return el("label", {}, name, el("select", { name: `field-${name}` }, schema.enum.map((one) => el("option", {}, one))));
    }
    const usual = schema.default === undefined ? "" : typeof schema.default === "object" ? JSON.stringify(schema.default) : String(schema.default);
    return el("label", {}, name, el("input", { name: `field-${name}`, required: isRequired, placeholder: isRequired ? "as 2s, 10kB" : usual || "nothing" }));
  };

  const showFields = () => {
    const kind = kinds.find((one) => one.kind === form.elements.kind.value);
    byId("fault-summary").textContent = kind.summary;
    const required = kind.fields.required ?? [];
    byId("fault-fields").replaceChildren(...Object.entries(kind.fields.properties).filter(([name]) => name !== "kind")
      .map(([name, schema]) => field(name, schema, required.includes(name))));
    form.elements.command.placeholder = kind.usual_command === "*" ? "every one; as list_jobs, *_job" : kind.usual_command;
  };

  const showKinds = async () => {
    kinds = (await get("fault-kinds")).filter((one) => one.possible);
    form.elements.kind.replaceChildren(...kinds.map((one) => el("option", { value: one.kind, selected: one.kind === "delay" }, one.kind.replaceAll("_", " "))));
    showFields();
  };

  const read = (text) => {
    try {
      return JSON.parse(text);
    } catch {
      return text;
    }
  };

  form.elements.kind.addEventListener("change", showFields);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const action = { kind: form.elements.kind.value };
    for (const input of byId("fault-fields").querySelectorAll("input, select")) {
      if (input.value !== "") action[input.name.slice(6)] = read(input.value);
    }
    const rule = { action };
    if (form.elements.command.value) rule.command = form.elements.command.value;
    if (form.elements.times.value) rule.times = Number(form.elements.times.value);
    act(async () => {
      await ask("POST", "faults", rule);
      form.closest("details").open = false;
    });
  });
  byId("clear-faults").addEventListener("click", () => act(() => ask("DELETE", "faults")));

  return { faults: show, kinds: showKinds };
};
