// Follows a mock server and shows how it stands: which part has changed is told by the server, the part is asked for anew.

import { Problem, ask, follow, get, keepToken } from "./api.js";
import { startClock } from "./clock.js";
import { byId, el } from "./dom.js";
import { startFaults } from "./faults.js";
import { startJobs } from "./jobs.js";
import { startPeople } from "./people.js";
import { startTranscript } from "./transcript.js";

const RETRY_MS = 1000;
const SHOWN_MS = 8000;

const say = (text) => {
  const note = el("p", {}, text, el("button", { type: "button", "aria-label": "Dismiss", onclick: () => note.remove() }, "×"));
  byId("problems").append(note);
  setTimeout(() => note.remove(), SHOWN_MS);
};

// Does something that may go wrong, and says so.
const act = async (work) => {
  try {
    return await work();
  } catch (problem) {
    if (problem instanceof Problem && problem.status === 401) askToken();
    else say(problem.message);
    return undefined;
  }
};

const askToken = () => {
  const dialog = byId("ask-token");
  if (!dialog.open) dialog.showModal();
};

byId("token-form").addEventListener("submit", (event) => {
  keepToken(event.target.elements.token.value.trim());
  event.target.reset();
  run();
});

const showServer = async () => {
  const server = await get("server");
  document.title = `Mock FLARE server ${server.release} on ${server.host}:${server.admin_port}`;
  byId("title").textContent = `FLARE server ${server.official}`;
  const how = [server.scheme, server.security, `${server.host}:${server.admin_port}`].filter(Boolean).join(" · ");
  byId("facts").replaceChildren(
    how, server.description ? el("span", { class: "description" }, server.description) : "",
    server.running ? "" : el("strong", { class: "down" }, "A client has shut it down."),
  );
  byId("commands").replaceChildren(...Object.keys(server.commands).sort().map((name) => el("option", { value: name })));
  return server;
};

const startServer = async () => {
  const scenarios = byId("server-form").elements.scenario;
  const found = await get("scenarios");
  scenarios.replaceChildren(scenarios.options[0], ...found.map((one) => el("option", { value: one.name, title: one.description }, one.name)));
};

byId("server-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const scenario = event.target.elements.scenario.value;
  act(() => ask("POST", "reset", scenario ? { scenario } : {}));
});
byId("restart").addEventListener("click", () => act(() => ask("POST", "restart")));

const clock = startClock(act);
const parts = {
  server: showServer,
  clock: clock.show,
  ...startJobs(act, clock.now),
  ...startFaults(act),
  ...startPeople(act, clock.now),
  ...startTranscript(act),
};

let started = false;
let before = {};
const onChange = async (now) => {
  // A reset begins everything anew, and what jobs do decides when something comes next.
  const changed = Object.keys(now).filter((part) => now[part] !== before[part]);
  if (changed.includes("jobs") && !changed.includes("clock")) changed.push("clock");
  before = now;
  // The time comes first: bars of jobs that are not over end at it.
  if (changed.includes("clock")) await act(() => parts.clock());
  const others = changed.filter((part) => part !== "clock");
  await Promise.all(others.map((part) => act(() => parts[part]?.(changed.includes("server")))));
};

const live = (word, isGood) => {
  byId("live").textContent = word;
  byId("live").classList.toggle("good", isGood);
};

let running = 0;
const run = async () => {
  const mine = ++running;
  while (mine === running) {
    try {
      if (!started) {
        await startServer();
        await parts.kinds();
        await parts.kits();
        started = true;
      }
      before = {};
      await follow(async (now) => {
        live("live", true);
        await onChange(now);
      });
    } catch (problem) {
      if (problem instanceof Problem && problem.status === 401) {
        live("no token", false);
        askToken();
        return;
      }
    }
    live("not reached", false);
    await new Promise((done) => setTimeout(done, RETRY_MS));
  }
};

run();
