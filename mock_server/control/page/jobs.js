// Jobs, newest first, each with its timeline as a bar: a colour a status, a mark for what happened meanwhile.

import { ask, get } from "./api.js";
import { byId, dateText, el, renew, spanText, svg, timeText } from "./dom.js";

const MOST = 100;
const WIDTH = 1000;
const END_WIDTH = 12;
const TICKS = 6;
const REDRAW_MS = 1000;
const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400];
const STATUSES = ["SUBMITTED", "DISPATCHED", "RUNNING", "FINISHED:COMPLETED", "FINISHED:ABORTED", "FINISHED:EXECUTION_EXCEPTION", "FINISHED:CAN_NOT_SCHEDULE"];

const isStatus = (word) => word === "SUBMITTED" || word === "DISPATCHED" || word === "RUNNING" || word.startsWith("FINISHED");
const isOver = (job) => job.status.startsWith("FINISHED");
const classOf = (word) => `is-${word.replace(":", "-").toLowerCase().replaceAll("_", "-")}`;
const wordOf = (status) => status.replace("FINISHED:", "").replaceAll("_", " ").toLowerCase();

export const startJobs = (act, now) => {
  let jobs = [];
  const open = new Set();
  const form = byId("jobs-form");

  const span = () => {
    const begins = jobs.map((job) => job.submitted ?? job.timeline[0]?.time).filter((time) => time !== undefined && time !== null);
    const ends = jobs.map((job) => (isOver(job) ? job.timeline.at(-1)?.time ?? 0 : now()));
    const begin = Math.min(...begins);
    const end = Math.max(...ends, begin + 1);
    return { begin, end: end + (end - begin) * 0.03 };
  };

  const bar = (job, { begin, end }) => {
    const at = (time) => ((time - begin) / (end - begin)) * WIDTH;
    const steps = job.timeline.filter((event) => isStatus(event.what));
    const words = [];
    const shapes = steps.map((step, index) => {
      const following = steps[index + 1];
      const isEnd = !following && step.what.startsWith("FINISHED");
      const until = following ? following.time : isEnd ? step.time : Math.max(now(), step.time);
      const width = isEnd ? END_WIDTH : Math.max(1, at(until) - at(step.time));
      const text = isEnd ? wordOf(step.what) : `${wordOf(step.what)} ${spanText(until - step.time)}`;
      words.push(text);
      return svg("rect", { x: at(step.time), y: 5, width, height: 12, class: classOf(step.what) }, svg("title", {}, `${text}, from ${timeText(step.time)}`));
    });
    const marks = job.timeline.filter((event) => !isStatus(event.what)).map((event) =>
      svg("rect", { x: at(event.time) - 1, y: 2, width: 2.5, height: 18, class: `mark ${event.what === "error" ? "bad" : ""}` },
        svg("title", {}, `${event.what} ${event.detail}, ${timeText(event.time)}`)));
    return svg("svg", { viewBox: `0 0 ${WIDTH} 22`, preserveAspectRatio: "none", role: "img", "aria-label": words.join(", ") || job.status }, shapes, marks);
  };

  const details = (job) => {
    const box = el("div", { class: "details" }, el("p", { class: "quiet" }, "…"));
    act(async () => {
      const found = await get(`jobs/${encodeURIComponent(job.id)}`);
      const past = found.timeline.map((event) =>
        el("li", {}, el("time", {}, dateText(event.time)), el("span", { class: "what" }, event.what), event.detail ? el("span", { class: "quiet" }, event.detail) : ""));
      box.replaceChildren(
        el("p", { class: "facts" }, `${found.id} · ${found.submitter} (${found.org}, ${found.role}) · study ${found.study} · sites ${found.sites.join(", ") || "none yet"} · ${found.has_workspace ? "workspace stored" : "no workspace yet"}`),
        el("div", { class: "acts" },
          el("button", { type: "button", disabled: isOver(found), onclick: () => act(() => ask("POST", `jobs/${encodeURIComponent(job.id)}/abort`)) }, "Abort"),
          el("button", { type: "button", onclick: () => act(() => ask("DELETE", `jobs/${encodeURIComponent(job.id)}`)) }, "Delete")),
        el("ol", { class: "past" }, past),
        el("details", {}, el("summary", {}, "Meta"), el("pre", { tabindex: 0 }, JSON.stringify(found.meta, null, 2))),
      );
    });
    return box;
  };

  const row = (job) => {
    const isOpen = open.has(job.id);
    const button = el("button", { type: "button", class: "name", "aria-expanded": String(isOpen), onclick: () => {
      open.has(job.id) ? open.delete(job.id) : open.add(job.id);
      draw();
    } }, job.name || job.id);
    return el("li", { class: "job" },
      el("div", { class: "line" },
        el("span", { class: "title" }, button, el("span", { class: "quiet by" }, job.submitter)),
        el("span", { class: `chip ${classOf(job.status)}` }, wordOf(job.status)),
        el("span", { class: "bar" })),
      isOpen ? details(job) : null);
  };

  const drawAxis = ({ begin, end }) => {
    const step = STEPS.find((one) => (end - begin) / one <= TICKS) ?? Math.ceil((end - begin) / TICKS / 86400) * 86400;
    const labels = [];
    for (let time = Math.ceil(begin / step) * step; time < end; time += step) {
      const label = el("span", {}, step < 1 ? `${timeText(time)}.${Math.round((time % 1) * 10)}` : step >= 86400 ? dateText(time).slice(5, 10) : timeText(time));
      label.style.left = `${((time - begin) / (end - begin)) * 100}%`;
      labels.push(label);
    }
    byId("axis").replaceChildren(...labels);
  };

  const draw = () => {
    renew(byId("job-list"), jobs.map((job) => ({ ...job, isOpen: open.has(job.id) })), (job) => job.id, row);
    drawBars();
  };

  const drawBars = () => {
    const wanted = jobs.length ? span() : null;
    byId("axis").parentElement.hidden = !wanted;
    if (!wanted) return;
    drawAxis(wanted);
    [...byId("job-list").querySelectorAll(".bar")].forEach((place, index) => place.replaceChildren(bar(jobs[index], wanted)));
  };

  const show = async () => {
    const found = await get("jobs", {
      timeline: true, limit: MOST, status: form.elements.status.value, name: form.elements.name.value,
    });
    jobs = found.jobs;
    byId("jobs-count").textContent = found.found > MOST ? `the newest ${MOST} of ${found.found}` : found.found < found.total ? `${found.found} of ${found.total}` : found.total || "";
    byId("no-jobs").hidden = jobs.length > 0;
    byId("no-jobs").textContent = found.total ? "No job fits." : "No jobs yet. They come from clients, or from the workload of a scenario.";
    const there = new Set(jobs.flatMap((job) => job.timeline.map((event) => event.what)).filter(isStatus));
    byId("legend").replaceChildren(...STATUSES.filter((status) => there.has(status)).concat([...there].filter((status) => !STATUSES.includes(status)))
      .map((status) => el("li", {}, el("span", { class: `swatch ${classOf(status)}` }), wordOf(status))));
    draw();
  };

  form.addEventListener("input", () => act(show));
  form.addEventListener("submit", (event) => event.preventDefault());
  setInterval(() => {
    if (jobs.some((job) => !isOver(job))) drawBars();
  }, REDRAW_MS);

  return { jobs: show };
};
