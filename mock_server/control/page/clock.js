// The time of the server, and its buttons. Between two looks a clock that goes by itself is reckoned.

import { ask, get } from "./api.js";
import { byId, dateText, spanText } from "./dom.js";

const TICK_MS = 500;

export const startClock = (act) => {
  let clock = null;
  let seen = 0;

  const now = () => (clock === null ? Date.now() / 1000 : clock.time + (clock.speed * (performance.now() - seen)) / 1000);

  const draw = () => {
    if (clock === null) return;
    byId("time").textContent = dateText(now());
    const next = clock.next_event;
    const words = next === null ? "Nothing will happen by itself." : `Next event in ${spanText(Math.max(0, next - now()))}.`;
    byId("next").textContent = clock.skew ? `${words} A fault has it ahead by ${spanText(clock.skew)}.` : words;
  };

  const take = (found) => {
    clock = found;
    seen = performance.now();
    const isVirtual = clock.kind === "virtual";
    byId("clock-kind").textContent = clock.kind === "scaled" ? `× ${clock.speed}` : clock.kind;
    byId("clock-form").hidden = !isVirtual;
    byId("clock-hint").hidden = isVirtual;
    byId("clock-form").querySelector("[data-next]").disabled = clock.next_event === null;
    draw();
  };

  const show = async () => take(await get("clock"));
  const move = (body) => act(async () => take(await ask("POST", "clock/advance", body)));

  for (const button of byId("clock-form").querySelectorAll("[data-by]")) {
    button.addEventListener("click", () => move({ by: button.dataset.by }));
  }
  byId("clock-form").querySelector("[data-next]").addEventListener("click", () => move({ to_next_event: true }));
  byId("clock-form").addEventListener("submit", (event) => {
    event.preventDefault();
    move({ by: event.target.elements.by.value });
  });
  byId("make-virtual").addEventListener("click", () => act(() => ask("POST", "reset", { clock: "virtual" })));
  setInterval(draw, TICK_MS);

  return { now, show };
};
