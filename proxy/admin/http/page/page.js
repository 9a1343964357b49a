// The page to watch: asks for the status every second, listens to events, and has the rest drawn.

import { Chart } from "./charts.js";
import { $, bytes, clock, lasting, make, say } from "./making.js";
import { gateTold, routeUnknown, showRoute } from "./picture.js";
import { offer } from "./steering.js";
import { showSwitchovers } from "./timeline.js";
import { askForToken, bearing, entering } from "./token.js";

const POLL_MS = 1000;
const PATIENCE_MS = 4000;
const AGAIN_MS = 2000;
const HISTORY = 12;
const EVENTS_MAX = 80;
// After these the status is asked for at once: the primary has moved, or the gate.
const AT_ONCE = new Set(["+swapped", "+switched-over", "+held-by-hand", "+released-by-hand", "+primary", "-primary-moved"]);

const figure = (name) => document.querySelector(`[data-chart=${name}]`);
const charts = {
  commands: new Chart(figure("commands")),
  clients: new Chart(figure("clients"), { least: 5 }),
  lag: new Chart(figure("lag"), { shape: bytes, least: 1024 }),
};
let before = null; // the last status, for rates
let marked = false; // a gate closed since the last point
let listening = null; // what ends the stream of events
let timer = 0;

class TokenWanted extends Error {}

async function fetchJson(path) {
  const answer = await fetch(path, { headers: bearing(), signal: AbortSignal.timeout(PATIENCE_MS) });
  if (answer.status === 401) throw new TokenWanted();
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}`);
  return answer.json();
}

async function poll() {
  clearTimeout(timer);
  const began = performance.now();
  try {
    if (!document.hidden && !entering()) show(await fetchJson("/v1/status"));
  } catch (fault) {
    if (fault instanceof TokenWanted) wanted();
    else lost();
  }
  clearTimeout(timer);
  timer = setTimeout(poll, Math.max(100, POLL_MS - (performance.now() - began)));
}

function show(status) {
  const returned = document.body.dataset.state === "lost" || before === null;
  document.body.dataset.state = "live";
  $("live").dataset.state = "live";
  say($("live"), "live");
  document.title = status.gate.length ? "Held · Baton" : "Baton";
  say($("facts"), `up ${lasting(status.uptime_s)} · ${status.done} switched over`);
  const wrong = [status.draining ? "Draining: no new clients are accepted." : "", status.why].filter(Boolean).join(" ");
  $("trouble").hidden = !wrong;
  delete $("trouble").dataset.state;
  say($("trouble"), wrong);
  showRoute(status);
  offer(status.nodes);
  if (!before || !(Math.abs(status.uptime_s - before.uptime_s) < 0.6 * POLL_MS / 1000)) chart(status);
  if (returned) listen();
  if (returned || goesOn) history();
}

function chart(status) {
  const seconds = before ? status.uptime_s - before.uptime_s : 0;
  const known = seconds > 0 && status.commands >= before.commands;
  charts.commands.add(known ? (status.commands - before.commands) / seconds : null, marked);
  charts.clients.add(status.clients, marked);
  const lags = status.nodes.filter((node) => node.role === "replica" && node.lag_bytes >= 0).map((node) => node.lag_bytes);
  charts.lag.add(lags.length ? Math.max(...lags) : null, marked);
  marked = false;
  before = status;
}

function wanted() {
  document.body.dataset.state = "lost";
  $("live").dataset.state = "lost";
  say($("live"), "token wanted");
  listening?.abort();
  askForToken(poll);
}

function lost() {
  document.body.dataset.state = "lost";
  $("live").dataset.state = "lost";
  say($("live"), "connection lost");
  $("trouble").hidden = false;
  $("trouble").dataset.state = "lost";
  say($("trouble"), "Connection lost: what is shown is old. The page goes on by itself as soon as the proxy answers.");
  document.title = "Connection lost · Baton";
  routeUnknown();
  for (const each of Object.values(charts)) each.add(null);
  if (before) before = { ...before, uptime_s: Infinity };
}

let asking = false, askAgain = false, goesOn = false;

async function history() {
  if (asking) { askAgain = true; return; }
  asking = true;
  try {
    goesOn = showSwitchovers((await fetchJson(`/v1/history?limit=${HISTORY}`)).switchovers);
  } catch { /* the poll tells that the proxy does not answer */ }
  asking = false;
  if (askAgain) { askAgain = false; setTimeout(history, 60); }
}

// An EventSource cannot bear a token, so the stream is read as what it is: lines of data, and an empty one.
async function listen() {
  listening?.abort();
  const mine = listening = new AbortController();
  try {
    const answer = await fetch("/v1/events", { headers: bearing(), signal: mine.signal });
    if (!answer.ok) throw new Error(`/v1/events answered ${answer.status}`);
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let rest = "", part = await reader.read(); !part.done; part = await reader.read()) {
      const blocks = (rest + part.value).split("\n\n");
      rest = blocks.pop();
      for (const block of blocks) if (block.startsWith("data: ")) told(JSON.parse(block.slice(6)));
    }
  } catch { /* it is asked for again below */ }
  setTimeout(() => { if (!mine.signal.aborted) listen(); }, AGAIN_MS);
}

function told(event) {
  if (event.event === "+held") marked = true;
  if (event.event === "+held" || event.event === "+released") gateTold(event);
  if (event.switchover !== undefined) history();
  if (AT_ONCE.has(event.event)) poll();
  const { time, event: name, ...values } = event;
  const text = Object.entries(values).map(([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`).join(" ");
  const list = $("events");
  list.previousElementSibling.hidden = true;
  list.prepend(make("li", {}, make("time", {}, clock(time)), " ", make("b", { className: name.startsWith("-") ? "bad" : "" }, name), ` ${text}`));
  while (list.children.length > EVENTS_MAX) list.lastChild.remove();
}

poll();
