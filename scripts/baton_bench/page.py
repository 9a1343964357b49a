"""The run as docs/performance.md: between two markers everything is written anew, the rest is left alone."""

from __future__ import annotations

import re
from pathlib import Path

from .figures import Run
from .grids import Grid, grids_of
from .pictures import draw
from .table import summary

BEGIN = "<!-- measured: what stands from here on is written by ./scripts/bench --page -->"
END = "<!-- measured: what stands above is written by ./scripts/bench --page -->"

SKELETON = f"""\
# Performance

{BEGIN}
{END}

## What was tried and what it gave

| what | before | after | kept |
| --- | --- | --- | --- |
"""

HEAD = """\
Written by

```sh
./scripts/bench --page docs/performance.md
```

which measures everything in one run, on one machine, over loopback: straight to Redis, through Baton with
shared lanes and with private ones, and through HAProxy (TCP mode), twemproxy and Envoy's redis_proxy, each of
them with one thread and otherwise as it comes. A bit of each is measured in every round, so that the noise
falls on all alike; a ratio is the median of the rounds' ratios. In parentheses: least and most. What makes
the load, the proxy and Redis share the machine: the ratios mean more than the numbers.
"""

BUSY = 0.5
"""Of each CPU, from when on throughput and waits are mostly noise."""

PICTURES_BEFORE = {
    "Throughput of Baton": "throughput.svg",
    "CPU time": "cpu.svg",
    "Latency": "latency-and-memory.svg",
    "Switchovers": "hold.svg",
}
"""By the beginning of the title below which they stand."""


def has_room(path: Path) -> bool:
    """Whether there is no such page yet, or one with the two markers."""
    return not path.exists() or re.search(f"{BEGIN}.*{END}", path.read_text(), re.DOTALL) is not None


def write_page(path: Path, run: Run) -> None:
    """Into a page that has room for it."""
    page = path.read_text() if path.exists() else SKELETON
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    path.write_text(f"{before}{BEGIN}\n\n{measured(path, run)}\n{END}{after}")


def measured(path: Path, run: Run) -> str:
    drawn = draw(path.with_suffix(""), run.figures)
    parts = [HEAD, f"{summary(run)[0].upper()}{summary(run)[1:]}.\n"]
    if run.quick:
        parts.append("**A quick run: it shows that the bench works, no more.**\n")
    if run.load_before > BUSY * run.cpus:
        parts.append(
            "**The machine was busy with something else: what means much is CPU time and memory.**\n"
        )
    if lacking := [*run.skipped, *run.failed]:
        parts.append("\n".join(f"- {sentence[0].upper()}{sentence[1:]}." for sentence in lacking) + "\n")
    for grid in grids_of(run):
        parts.append(f"## {grid.title}\n")
        for beginning, name in PICTURES_BEFORE.items():
            if grid.title.startswith(beginning) and name in drawn:
                parts.append(f"![{drawn[name]}]({path.stem}/{name})\n")
        parts.append(as_markdown(grid))
    return "\n".join(parts)


def as_markdown(grid: Grid) -> str:
    head, *rows = grid.rows
    under = ["---" if number < grid.left else "---:" for number in range(len(head))]
    table = "\n".join(f"| {' | '.join(row)} |" for row in (head, under, *rows))
    notes = "".join(f"\n{note[0].upper()}{note[1:]}.\n" for note in grid.notes)
    return f"{table}\n{notes}"
