"""Which pictures the page shows, and what is in them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from .drawing import Bar, Line, Panel, Point, draw_lines, draw_panels
from .figures import Figures
from .hold import Scene
from .latency import CASE as ONE_CLIENT
from .memory import CASE as IDLE
from .sizes import FULL
from .ways import ENVOY, HAPROXY, LANES, PRIVATE, REDIS, SHARED, TWEMPROXY, WAYS
from .workloads import GET, GET_PIPELINED, SET, SET_PIPELINED, WORKLOADS

COLOURS: Final = {
    REDIS: "#8c959f",
    SHARED: "#1a7f37",
    PRIVATE: "#4ac26b",
    HAPROXY: "#0969da",
    TWEMPROXY: "#bf8700",
    ENVOY: "#8250df",
}
SHOWN = (GET, GET_PIPELINED, SET, SET_PIPELINED, *WORKLOADS[-4:])


def draw(directory: Path, figures: Figures) -> dict[str, str]:
    """Writes those for which there is something to show: by file name, what each one shows."""
    drawn = {
        "throughput.svg": ("Throughput: requests a second", throughput(figures)),
        "cpu.svg": ("CPU time a request, µs: in the proxy, and in Redis behind it (paler)", cpu(figures)),
        "latency-and-memory.svg": ("Added latency, and the memory of idle clients", rest(figures)),
        "hold.svg": ("The hold of a switchover by the number of clients", hold(figures)),
    }
    directory.mkdir(exist_ok=True)
    for name, (_, picture) in drawn.items():
        if picture:
            (directory / name).write_text(picture)
    return {name: title for name, (title, picture) in drawn.items() if picture}


def panels(title: str, wanted: Sequence[Panel | None]) -> str | None:
    found = [panel for panel in wanted if panel is not None]
    return draw_panels(title, found) if found else None


def panel(
    figures: Figures, title: str, case: str, measures: Sequence[str], whole: str, form: str
) -> Panel | None:
    """A bar for each way, of these measures stacked; `whole` is the measure of all of them."""
    bars = []
    for way in WAYS:
        spread = figures.spread(case, way, whole)
        if spread is not None:
            parts = [figures.middle(case, way, measure) or 0.0 for measure in measures]
            text = form.format(spread.median)
            bars.append(Bar(way, COLOURS[way], parts, text, spread.min, spread.max))
        elif way in figures.cannot.get(case, {}):
            bars.append(Bar(way, COLOURS[way], [], "cannot"))
    return Panel(title, bars) if any(bar.parts for bar in bars) else None


def throughput(figures: Figures) -> str | None:
    speed = "requests_per_s"
    wanted = [panel(figures, one.name, one.name, [speed], speed, "{:,.0f}") for one in SHOWN]
    return panels("Throughput: requests a second", wanted)


def cpu(figures: Figures) -> str | None:
    parts = ["proxy_cpu_us", "redis_cpu_us"]
    wanted = [panel(figures, one.name, one.name, parts, "cpu_us", "{:.1f} µs") for one in SHOWN]
    return panels("CPU time a request", wanted)


def rest(figures: Figures) -> str | None:
    added, each = "added_us", "kib_per_client"
    wanted = [
        panel(figures, "What is added to one client’s round trip", ONE_CLIENT, [added], added, "{:.0f} µs"),
        panel(figures, "Memory of an idle client", IDLE, [each], each, "{:.2f} KiB"),
    ]
    return panels("Latency and memory", wanted)


def hold(figures: Figures) -> str | None:
    lines = []
    for way in LANES:
        for load in ("busy", "idle"):
            points = []
            for clients in FULL.hold_clients:
                case = Scene(clients, load).case
                spread = figures.spread(case, way, "hold_ms")
                if spread is not None:
                    points.append(Point(clients, spread.median, spread.min, spread.max))
            if points:
                lines.append(Line(f"{way}, {load}", COLOURS[way], points, dashed=load == "idle"))
    return draw_lines("The hold by the number of clients", "clients", "hold, ms", lines) if lines else None
