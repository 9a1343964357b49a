"""Pictures as SVG: panels of bars, and lines over logarithmic axes. Lengths in pixels, y downwards."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from xml.sax.saxutils import escape

from attrs import frozen

FONT = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif"
INK, FAINT, GRID = "#1f2328", "#57606a", "#d0d7de"
MARGIN = 20
PANEL_WIDTH, PANEL_GAP, NAME_WIDTH, FIGURE_WIDTH = 430, 24, 100, 92
BAR_HEIGHT, BAR_STEP, PANEL_HEAD = 14, 21, 30
PANELS_ABREAST = 2
PLOT_WIDTH, PLOT_HEIGHT, PLOT_LEFT = 620, 300, 60


@frozen
class Bar:
    name: str
    colour: str
    parts: Sequence[float]
    """Stacked; empty for what could not be measured."""
    figure: str
    """Written behind it."""
    least: float = 0.0
    most: float = 0.0
    """Of the whole bar, over the rounds; drawn as a thin line."""


@frozen
class Panel:
    title: str
    bars: Sequence[Bar]

    @property
    def height(self) -> int:
        return PANEL_HEAD + BAR_STEP * len(self.bars) + 10


@frozen
class Point:
    x: float
    y: float
    least: float
    most: float


@frozen
class Line:
    name: str
    colour: str
    points: Sequence[Point]
    dashed: bool = False


def write(
    x: float, y: float, what: str, *, fill: str = INK, anchor: str = "start", bold: bool = False
) -> str:
    weight = ' font-weight="600"' if bold else ""
    return f'<text x="{x:.0f}" y="{y:.0f}" fill="{fill}" text-anchor="{anchor}"{weight}>{escape(what)}</text>'


def card(width: float, height: float, title: str, body: Sequence[str]) -> str:
    """An opaque card, so that it reads the same on a light and on a dark page."""
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}"'
    return "\n".join(
        [
            f'{head} width="{width:.0f}" height="{height:.0f}" role="img"',
            f'     font-family="{FONT}" font-size="13">',
            f"  <title>{escape(title)}</title>",
            f'  <rect x="1" y="1" width="{width - 2:.0f}" height="{height - 2:.0f}" rx="10" fill="#ffffff"'
            ' stroke="#8c959f"/>',
            *(f"  {line}" for line in body),
            "</svg>\n",
        ]
    )


def draw_panels(title: str, panels: Sequence[Panel]) -> str:
    """The panels side by side, two in a row, each with a scale of its own that begins at nought."""
    body: list[str] = []
    top = MARGIN
    for first in range(0, len(panels), PANELS_ABREAST):
        row = panels[first : first + PANELS_ABREAST]
        for number, panel in enumerate(row):
            body += draw_panel(MARGIN + number * (PANEL_WIDTH + PANEL_GAP), top, panel)
        top += max(panel.height for panel in row)
    abreast = min(PANELS_ABREAST, len(panels))
    width = 2 * MARGIN + abreast * PANEL_WIDTH + (abreast - 1) * PANEL_GAP
    return card(width, top + MARGIN / 2, title, body)


def draw_panel(left: float, top: float, panel: Panel) -> list[str]:
    longest = max((max(sum(bar.parts), bar.most) for bar in panel.bars), default=0.0)
    scale = (PANEL_WIDTH - NAME_WIDTH - FIGURE_WIDTH) / (longest or 1.0)
    body = [write(left, top + 14, panel.title, bold=True)]
    for number, bar in enumerate(panel.bars):
        y = top + PANEL_HEAD + number * BAR_STEP
        middle = y + BAR_HEIGHT / 2
        x = left + NAME_WIDTH
        body.append(write(x - 8, middle + 4.5, bar.name, fill=FAINT, anchor="end"))
        for place, part in enumerate(bar.parts):
            width = part * scale
            body.append(
                f'<rect x="{x:.1f}" y="{y:.0f}" width="{max(width, 0.5):.1f}" height="{BAR_HEIGHT}"'
                f' fill="{bar.colour}" fill-opacity="{0.45 if place else 1}"/>'
            )
            x += width
        if bar.most > bar.least:
            ends = [left + NAME_WIDTH + value * scale for value in (bar.least, bar.most)]
            body.append(
                f'<path d="M{ends[0]:.1f} {middle} H{ends[1]:.1f}" stroke="{INK}" stroke-width="1.2"/>'
            )
            x = max(x, ends[1])
        body.append(write(x + 6, middle + 4.5, bar.figure))
    return body


def draw_lines(title: str, x_title: str, y_title: str, lines: Sequence[Line]) -> str:
    """Both axes are logarithmic, and as long as whole powers of ten that hold all the points."""
    xs = decades(point.x for line in lines for point in line.points)
    ys = decades(value for line in lines for point in line.points for value in (point.least, point.most))
    top = MARGIN + 24
    bottom = top + PLOT_HEIGHT

    def place(x: float, y: float) -> tuple[float, float]:
        across = (math.log10(x) - math.log10(xs[0])) / (len(xs) - 1)
        up = (math.log10(y) - math.log10(ys[0])) / (len(ys) - 1)
        return PLOT_LEFT + across * PLOT_WIDTH, bottom - up * PLOT_HEIGHT

    body = [write(MARGIN, MARGIN + 8, y_title, bold=True)]
    for x in xs:
        across, _ = place(x, ys[0])
        body.append(f'<path d="M{across:.1f} {top} V{bottom}" stroke="{GRID}"/>')
        body.append(write(across, bottom + 18, f"{x:,.0f}", fill=FAINT, anchor="middle"))
    for y in ys:
        _, down = place(xs[0], y)
        body.append(f'<path d="M{PLOT_LEFT} {down:.1f} h{PLOT_WIDTH}" stroke="{GRID}"/>')
        body.append(write(PLOT_LEFT - 8, down + 4.5, f"{y:g}", fill=FAINT, anchor="end"))
    body.append(write(PLOT_LEFT + PLOT_WIDTH / 2, bottom + 38, x_title, anchor="middle", bold=True))
    for number, line in enumerate(lines):
        dash = ' stroke-dasharray="5 4"' if line.dashed else ""
        path = " L".join("{:.1f} {:.1f}".format(*place(point.x, point.y)) for point in line.points)
        body.append(f'<path d="M{path}" fill="none" stroke="{line.colour}" stroke-width="2"{dash}/>')
        for point in line.points:
            x, y = place(point.x, point.y)
            ends = [place(point.x, value)[1] for value in (point.least, point.most)]
            body.append(f'<path d="M{x:.1f} {ends[0]:.1f} V{ends[1]:.1f}" stroke="{line.colour}"/>')
            body.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{line.colour}"/>')
        key = PLOT_LEFT + PLOT_WIDTH + 24
        y = top + 10 + number * 22
        body.append(f'<path d="M{key} {y} h26" stroke="{line.colour}" stroke-width="2"{dash}/>')
        body.append(write(key + 34, y + 4.5, line.name))
    return card(PLOT_LEFT + PLOT_WIDTH + 230, bottom + 54, title, body)


def decades(values: Iterable[float]) -> list[float]:
    """The powers of ten around the values, two at least."""
    found = [math.log10(value) for value in values]
    first, last = math.floor(min(found)), math.ceil(max(found))
    return [10.0**power for power in range(first, max(last, first + 1) + 1)]
