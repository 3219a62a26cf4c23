// Makes elements and says times. All text goes in as text: nothing that a client sent is ever markup.

export const byId = (id) => document.getElementById(id);

export const el = (name, attributes = {}, ...children) => fill(document.createElement(name), attributes, children);

const SVG = "http://www.w3.org/2000/svg";
export const svg = (name, attributes = {}, ...children) => fill(document.createElementNS(SVG, name), attributes, children);

const fill = (element, attributes, children) => {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined && value !== null) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
};

// Puts rows in place of those of before. A row whose key and content are as before stays the element that it was,
// so that focus, selection and what is open are kept.
export const renew = (list, items, keyOf, make) => {
  const before = new Map([...list.children].map((row) => [row.dataset.key, row]));
  const rows = items.map((item) => {
    const key = String(keyOf(item));
    const content = JSON.stringify(item);
    const old = before.get(key);
    if (old && old.dataset.content === content) return old;
    const row = make(item, old);
    row.dataset.key = key;
    row.dataset.content = content;
    if (old?.contains(document.activeElement)) {
      const at = [...old.querySelectorAll("button, input, select")].indexOf(document.activeElement);
      queueMicrotask(() => row.querySelectorAll("button, input, select")[at]?.focus());
    }
    return row;
  });
  // Only what differs is touched: an element that is taken out and put in again loses its focus.
  for (const child of [...list.children]) if (!rows.includes(child)) child.remove();
  rows.forEach((row, index) => {
    if (list.children[index] !== row) list.insertBefore(row, list.children[index] ?? null);
  });
};

export const toggle = (label, isOn, change) =>
  el("button", {
    type: "button", role: "switch", "aria-checked": String(isOn), "aria-label": label, class: "switch", onclick: () => change(!isOn),
  });

const pad = (number, width = 2) => String(number).padStart(width, "0");

export const dateText = (seconds) => {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return `${seconds} s`;
  return `${date.getUTCFullYear()}-${pad(date.getUTCMonth() + 1)}-${pad(date.getUTCDate())} ${timeText(seconds)}`;
};

export const timeText = (seconds) => {
  const date = new Date(seconds * 1000);
  return `${pad(date.getUTCHours())}:${pad(date.getUTCMinutes())}:${pad(date.getUTCSeconds())}`;
};

export const spanText = (seconds) => {
  if (seconds < 0) return `-${spanText(-seconds)}`;
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 10) return `${Math.round(seconds * 10) / 10} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const parts = [[Math.floor(whole / 86400), "d"], [Math.floor((whole % 86400) / 3600), "h"], [Math.floor((whole % 3600) / 60), "min"], [whole % 60, "s"]];
  return parts.filter(([number]) => number).slice(0, 2).map(([number, unit]) => `${number} ${unit}`).join(" ");
};
