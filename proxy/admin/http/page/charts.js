// Charts that move: up to three minutes, a point a second, drawn as SVG.

import { count, draw, make, say } from "./making.js";

const POINTS = 180;
const FEW = 60; // so that a page just opened is not an empty one
const WIDTH = 360;
const HEIGHT = 84;
const ROOM = 1.15; // above the highest point

export class Chart {
  // shape: a number as text; least: what the scale shows at least, so that noise about 0 looks like nothing
  constructor(figure, { shape = count, least = 10 } = {}) {
    this.shape = shape;
    this.least = least;
    this.points = [];
    this.now = make("p", { className: "now" }, "–");
    this.svg = draw("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img" });
    this.title = figure.querySelector("figcaption").textContent;
    this.group = draw("g");
    this.area = draw("path", { class: "area" });
    this.line = draw("path", { class: "line" });
    this.marks = draw("g");
    this.group.append(this.area, this.line, this.marks);
    this.svg.append(this.group);
    this.top = make("span");
    this.since = make("span");
    figure.append(this.now, make("div", { className: "plot" }, this.svg),
      make("p", { className: "scale" }, this.since, this.top, make("span", {}, "now")));
  }

  // value: null where it is not known; marked: a switchover happened since the last point
  add(value, marked = false) {
    this.points.push({ value, marked });
    if (this.points.length > POINTS) this.points.shift();
    this.draw();
  }

  draw() {
    const known = this.points.map((point) => point.value).filter((value) => value !== null);
    const shown = Math.min(Math.max(this.points.length, FEW), POINTS);
    const step = WIDTH / (shown - 1);
    say(this.since, shown < 120 ? `${shown} s ago` : `${Math.floor(shown / 60)} min ago`);
    const high = Math.max(0, ...known);
    const scale = (HEIGHT - 3) / (Math.max(high, this.least) * ROOM);
    const x = (at) => WIDTH - (this.points.length - 1 - at) * step;
    const y = (value) => HEIGHT - 1.5 - value * scale;
    let d = "", area = "", begun = null;
    this.points.forEach(({ value }, at) => {
      if (value === null) { if (begun !== null) area += `V${HEIGHT}H${begun}Z`; begun = null; return; }
      const point = `${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
      d += (begun === null ? "M" : "L") + point;
      area += begun === null ? `M${x(at).toFixed(1)} ${HEIGHT}L${point}` : `L${point}`;
      if (begun === null) begun = x(at).toFixed(1);
    });
    if (begun !== null) area += `V${HEIGHT}H${begun}Z`;
    this.line.setAttribute("d", d);
    this.area.setAttribute("d", area);
    this.marks.replaceChildren(...this.points.flatMap(({ marked }, at) =>
      marked ? [draw("line", { class: "mark", x1: x(at), x2: x(at), y1: 0, y2: HEIGHT })] : []));
    const last = this.points.at(-1).value;
    say(this.now, last === null ? "–" : this.shape(last));
    say(this.top, known.length ? `highest ${this.shape(high)}` : "");
    this.svg.setAttribute("aria-label", `${this.title}: now ${this.now.textContent}, ${this.top.textContent} since ${this.since.textContent}`);
    this.slide(step);
  }

  // The newest point comes in from the right within the second until the next one.
  slide(step) {
    const style = this.group.style;
    style.transition = "none";
    style.transform = `translateX(${step}px)`;
    this.group.getBoundingClientRect();
    style.transition = "transform 1s linear";
    style.transform = "translateX(0)";
  }
}
