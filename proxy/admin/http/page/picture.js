// The route as a picture: clients, gate, nodes, and the wires between them.

import { $, bytes, count, draw, make, many, ms, say } from "./making.js";

const AFTERGLOW_MS = 1200; // how long a hold is shown at least: most are over before the eye could see them
let shown = null;
let holdSeen = 0;
let lastHold = "";

export function showRoute(status) {
  shown = status;
  say($("clients"), count(status.clients));
  say($("lanes"), `${many(status.lanes_shared, "shared lane")}, ${count(status.lanes_private)} private`);
  showGate();
  showNodes(status.nodes);
  wire();
}

export function routeUnknown() {
  shown = null;
  $("gate").dataset.state = "unknown";
  say($("gate-word"), "–");
  say($("gate-why"), "not known");
}

export function gateTold(event) {
  if (event.event === "+held") {
    holdSeen = Date.now();
    lastHold = "";
  }
  if (event.event === "+released") {
    lastHold = `for ${ms(event.hold_ms)}`;
    setTimeout(() => { showGate(); wire(); }, AFTERGLOW_MS + 20);
  }
  showGate();
  wire();
}

const held = () => Boolean(shown && (shown.gate.length || Date.now() - holdSeen < AFTERGLOW_MS));

function showGate() {
  if (!shown) return;
  $("gate").dataset.state = held() ? "held" : "open";
  say($("gate-word"), held() ? "Held" : "Open");
  const reasons = shown.gate.map((reason) => reason.replaceAll("_", " ")).join(", ");
  const waiting = shown.held ? `${many(shown.held, "client")} wait${shown.held === 1 ? "s" : ""}` : "commands wait";
  if (shown.gate.length) say($("gate-why"), `${reasons}: ${waiting}`);
  else if (held()) say($("gate-why"), lastHold || waiting);
  else say($("gate-why"), lastHold ? `last held ${lastHold}` : "commands flow");
}

function showNodes(nodes) {
  const list = $("nodes");
  while (list.children.length > nodes.length) list.lastChild.remove();
  while (list.children.length < nodes.length) {
    list.append(make("li", { className: "node" },
      make("span", { className: "address" }), make("span", { className: "role" }), make("span", { className: "detail" })));
  }
  nodes.forEach((node, at) => {
    const item = list.children[at];
    const [address, role, detail] = item.children;
    item.className = `node${node.leads ? " leads" : ""}${node.silent ? " silent" : ""}`;
    item.dataset.address = node.address;
    say(address, node.address);
    say(role, node.silent ? "silent" : node.role + (node.role === "primary" && !node.leads ? ", not led to" : ""));
    say(detail, detailOf(node));
  });
}

function detailOf(node) {
  if (node.silent) return node.silent;
  const version = node.version ? `version ${node.version}` : "";
  if (node.role === "primary") return [node.leads ? "clients go here" : "", version].filter(Boolean).join(" · ");
  const lag = node.lag_bytes < 0 ? "lag unknown" : node.lag_bytes === 0 ? "no lag" : `${bytes(node.lag_bytes)} behind`;
  return [node.link_up ? lag : `link to ${node.follows} is down`, version].filter(Boolean).join(" · ");
}

export function wire() {
  if (!shown) return;
  const picture = $("picture").getBoundingClientRect();
  const place = (element) => {
    const box = element.getBoundingClientRect();
    return { left: box.left - picture.left, right: box.right - picture.left, top: box.top - picture.top,
      bottom: box.bottom - picture.top, x: (box.left + box.right) / 2 - picture.left, y: (box.top + box.bottom) / 2 - picture.top };
  };
  const group = $("wires").querySelector(":scope > g");
  const crowd = place($("crowd")), gate = place($("gate"));
  const stacked = gate.top >= crowd.bottom;
  const items = [...$("nodes").children];
  const nodes = new Map(items.map((item) => [item.dataset.address, place(item)]));
  const leading = shown.nodes.find((node) => node.leads);
  const paths = [];
  const through = held() ? "wire held" : "wire";
  paths.push([stacked ? line(gate.left + 24, crowd.bottom + 3, gate.left + 24, gate.top - 4) : line(crowd.right + 4, crowd.y, gate.left - 5, gate.y), through]);
  if (leading) {
    const to = nodes.get(leading.address);
    paths.push([stacked ? corner(gate.left + 10, gate.bottom + 3, to.left - 5, to.y) : curve(gate.right + 4, gate.y, to.left - 5, to.y), through]);
  }
  for (const node of shown.nodes) {
    if (node.role !== "replica") continue;
    const source = nodes.get(node.follows) ?? (leading && node !== leading ? nodes.get(leading.address) : undefined);
    if (source) paths.push([bracket(source, nodes.get(node.address)), node.link_up ? "follows" : "follows broken"]);
  }
  const wanted = JSON.stringify(paths);
  if (group.dataset.drawn === wanted) return; // else the flow would begin anew each second
  group.dataset.drawn = wanted;
  group.replaceChildren();
  for (const [d, name] of paths) {
    const follows = name.startsWith("follows");
    group.append(draw("path", { d, class: name, "marker-end": `url(#${follows ? "tip-quiet" : held() ? "tip-held" : "tip"})` }));
    if (!follows) group.append(draw("path", { d, class: "flow", "marker-end": "url(#tip)" }));
  }
}

const line = (x1, y1, x2, y2) => `M${x1} ${y1}L${x2} ${y2}`;
const curve = (x1, y1, x2, y2) => `M${x1} ${y1}C${(x1 + x2) / 2} ${y1} ${(x1 + x2) / 2} ${y2} ${x2} ${y2}`;
const corner = (x1, y1, x2, y2) => `M${x1} ${y1}V${y2 - 10}Q${x1} ${y2} ${x1 + 8} ${y2}L${x2} ${y2}`;

function bracket(from, to) {
  const x1 = from.right + 3, x2 = to.right + 5, out = Math.max(x1, x2) + 34;
  const y1 = from.y + (to.y > from.y ? 6 : -6), y2 = to.y;
  return `M${x1} ${y1}C${out} ${y1} ${out} ${y2} ${x2} ${y2}`;
}

addEventListener("resize", wire);
