// Switchovers as timelines of their steps, in proportion, with the time in which the gate was closed.

import { $, clock, count, make, ms } from "./making.js";

const ORDER = ["preflight", "warm", "hold", "pause", "converge", "promote", "demote", "swap", "settle"];
const CLOSED = new Set(["hold", "pause", "converge", "promote", "swap"]);
const TONES = { done: "good", "dry run": "blue", "under way": "blue", failed: "bad", promoted: "warn", refused: "warn", "called off": "warn" };
const drawn = new Map(); // by number: what was drawn, so that only what changed is drawn again
const opened = new Map(); // by number: what somebody wants open or closed

// Returns whether one is under way, so that it is worth asking again.
export function showSwitchovers(reports) {
  const list = $("switchovers");
  list.previousElementSibling.hidden = reports.length > 0;
  const items = reports.map((report, at) => {
    const open = opened.get(report.number) ?? at === 0;
    const key = JSON.stringify([report, open]);
    const before = drawn.get(report.number);
    if (before?.key === key) return before.item;
    const item = make("li", { "data-number": report.number }, entry(report, open));
    drawn.set(report.number, { key, item });
    return item;
  });
  for (const number of drawn.keys()) if (!reports.some((report) => report.number === number)) drawn.delete(number);
  if (items.length !== list.children.length || items.some((item, at) => item !== list.children[at])) list.replaceChildren(...items);
  return reports.length > 0 && !["done", "promoted", "dry run", "refused", "called off", "failed"].includes(reports[0].outcome);
}

// When each step began and ended. The swap begins with the demotion and runs beside it.
function spans(report) {
  const found = [];
  let at = 0, promoted = 0;
  for (const name of ORDER) {
    const took = report.steps_ms[name];
    if (took === undefined) {
      if (name === report.step && report.outcome === "under way") found.push({ name, begin: at, end: Math.max(at, report.elapsed_ms), goes: true });
      continue;
    }
    const begin = name === "swap" ? promoted : at;
    found.push({ name, begin, end: begin + took });
    at = Math.max(at, begin + took);
    if (name === "promote") promoted = at;
  }
  return found;
}

function entry(report, open) {
  const steps = spans(report);
  const total = Math.max(0.001, ...steps.map((step) => step.end));
  const outcome = report.outcome.split(":")[0];
  const tone = TONES[outcome] ?? "bad";
  const details = make("details", { className: `over tone-${tone}`, open: open ? "" : false },
    make("summary", {},
      make("span", { className: "what" }, make("span", {}, report.from && report.to ? `${report.from} → ${report.to}` : report.to || "to the best replica"),
        make("span", { className: "when" }, `  ${clock(report.began)}, no. ${report.number}`)),
      make("span", { className: "outcome" }, outcome + (report.hold_ms ? `, held ${ms(report.hold_ms)}` : "")),
      strip(steps, total)),
    gantt(report, steps, total), words(report));
  details.firstChild.addEventListener("click", () => opened.set(report.number, !details.open));
  return details;
}

function strip(steps, total) {
  const bar = make("span", { className: "strip", "aria-hidden": "true" });
  for (const step of steps) {
    if (step.name === "demote") continue; // beside the swap, and for the clients of no account
    bar.append(across(make("i", { className: CLOSED.has(step.name) ? "closed" : "" }), step.begin, step.end, total));
  }
  return bar;
}

function gantt(report, steps, total) {
  const list = make("ol", { className: "steps", "aria-label": `Steps of switchover ${report.number}` });
  let shade = "";
  const hold = steps.find((step) => step.name === "hold");
  if (hold && report.hold_ms) {
    const span = across(make("span", { className: "closed-span" }), hold.begin, Math.min(total, hold.begin + report.hold_ms), total);
    shade = make("li", { className: "spans", "aria-hidden": "true" }, span);
  }
  for (const step of steps) {
    const label = make("span", { className: "ms" }, step.goes ? `${ms(step.end - step.begin)} …` : ms(step.end - step.begin));
    if (step.end / total < 0.72) label.style.left = percent(step.end / total);
    else if (step.begin / total > 0.28) label.style.right = percent(1 - step.begin / total);
    else { label.style.right = percent(1 - step.end / total); label.classList.add("inside"); }
    list.append(make("li", { className: "step" }, make("span", { className: "name" }, step.name),
      make("span", { className: "track" },
        across(make("span", { className: `bar${CLOSED.has(step.name) ? " closed" : ""}` }), step.begin, step.end, total), label)));
  }
  list.append(shade);
  return list;
}

function words(report) {
  const told = make("div", { className: "told" });
  if (report.why) told.append(make("p", {}, make("strong", {}, report.why)));
  if (report.hold_ms) {
    const closed = report.clients_closed ? `${count(report.clients_closed)} closed` : "none closed";
    told.append(make("p", {}, make("strong", {}, `Gate closed for ${ms(report.hold_ms)}. `),
      `${count(report.clients_held)} clients waited, ${count(report.clients_carried)} were carried over, ${closed}.`));
  }
  for (const note of report.notes) told.append(make("p", {}, note));
  return told;
}

const percent = (part) => `${(100 * part).toFixed(3)}%`;

function across(element, begin, end, total) {
  element.style.left = percent(begin / total);
  element.style.width = percent((end - begin) / total);
  return element;
}
