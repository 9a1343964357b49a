"""What is growth and what is noise, told from samples alone: pure functions.

Under load. What is taken goes up and down with who happens to be there, and rises at first, when everything
happens for the first time: the first third of the samples is warm-up and left out. Through the rest goes the
line of Theil and Sen (the median of the slopes between all pairs), which a few wild samples do not turn. What
the line rises over the time that it is drawn for is growth, if it is more than three things: the tolerance of
the measure (more of it where that time is short), a share of its median, and what noise alone would make of a
level line.

In quiet. When everybody has left, it is known what there has to be: see `left_over`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from statistics import median
from typing import Final

from attrs import frozen

WARM_UP: Final = 1 / 3
LEAST = 12
"""Samples behind the warm-up, of which fewer tell nothing."""
PAIRS_MAX = 400
"""Samples through which a line is drawn; of more, medians of neighbours are taken."""

TOLERANCE: Final = {
    "resident": 6144.0,
    "large": 4096.0,
    "blocks": 12000.0,
    "descriptors": 60.0,
    "tasks": 25.0,
    "clients": 40.0,
    "held": 30.0,
    "private": 30.0,
    "shared": 8.0,
    "spare": 20.0,
    "owed": 30.0,
    "scripts": 3.0,
    "nodes' clients": 60.0,
}
"""By how much a measure may rise over the whole run without anybody's asking why. That is much for what must
be gone when all have left (see `left_over`): who is there is left to chance."""
YOUNG_S: Final = 60.0
"""A process grows into its work: over a time as short as this, twice as much is allowed, and over half of it
thrice."""
SLOW_S: Final = {"resident": 600.0}
"""The same of what takes longer. The C library keeps what was once needed for a moment: step by step, as a
moment comes that needs more than all before it, `resident` nears its height (two thirds of it in the
first minute, the rest in a quarter of an hour). What nobody gives back is seen sooner, in `large` and
`blocks`."""
SHARE: Final = 0.04
"""And of its median, for what is many."""
NOISE: Final = 3.0
"""Standard errors of the rise."""


@frozen
class Line:
    """The course of one measure behind the warm-up."""

    median: float
    rise: float
    """From the first to the last of it, along the line."""
    allowed: float
    samples: int

    @property
    def grows(self) -> bool:
        return self.samples >= LEAST and self.rise > self.allowed


def course(name: str, times: Sequence[float], values: Sequence[float]) -> Line:
    """What became of a measure; times in seconds, ascending."""
    start = int(len(times) * WARM_UP)
    times, values = times[start:], values[start:]
    if len(times) < 2:
        return Line(values[0] if values else 0.0, 0.0, 0.0, len(times))
    count = len(times)
    times, values = thinned(times), thinned(values)
    slopes = [
        (later - earlier) / (at - before)
        for (before, earlier), (at, later) in combinations(zip(times, values, strict=True), 2)
    ]
    slope, length = median(slopes), times[-1] - times[0]
    middle = median(values)
    crossing = median(value - slope * at for at, value in zip(times, values, strict=True))
    off = [abs(value - slope * at - crossing) for at, value in zip(times, values, strict=True)]
    # 1.48 times the median deviation is a standard deviation s; a slope's error is s √12 / (T √n).
    noise = NOISE * 1.48 * median(off) * (12 / len(times)) ** 0.5
    tolerance = TOLERANCE[name] * (1 + SLOW_S.get(name, YOUNG_S) / length)
    return Line(middle, slope * length, max(tolerance, SHARE * middle, noise), count)


def thinned(values: Sequence[float]) -> Sequence[float]:
    """At most PAIRS_MAX of them, each the median of its neighbours."""
    step = -(-len(values) // PAIRS_MAX)
    return [median(values[at : at + step]) for at in range(0, len(values), step)]


LARGE_KEPT_KIB: Final = 4096.0
"""What the proxy may have in large pieces more than before anybody came: lanes with their buffers, scripts,
the history of switchovers."""


def left_over(before: Mapping[str, float], after: Mapping[str, float], late: int = 0) -> list[str]:
    """What is there that should not be, of a proxy that everybody has left; `before` anybody came.

    Lanes may be kept for a while for who comes next. Each takes one descriptor, and nothing else may but the
    `late` ones, which are made once, when they are needed first.
    """
    found = [f"{after[name]:g} {name}" for name in ("clients", "held", "private", "owed") if after[name]]
    if after["large"] > before["large"] + LARGE_KEPT_KIB:
        found.append(f"{after['large']:,.0f} KiB in large pieces, where there were {before['large']:,.0f}")
    if after["tasks"] > before["tasks"]:
        found.append(f"{after['tasks']:g} tasks, where there were {before['tasks']:g}")
    there, were = (each["descriptors"] - each["shared"] - each["spare"] for each in (after, before))
    if there > were + late:
        found.append(f"{there:g} descriptors besides lanes, where there were {were:g}")
    return found
