"""What the bench found out: samples by case, way and measure, and all that is derived from them.

A *case* is what was done ("GET 64 B -c 50 -P 1"), a *way* is how it went to Redis ("haproxy"), a *measure* is
what was read ("requests_per_s"; the unit stands last). Its samples stand in the order of the rounds, so a
ratio of two ways is the median of the rounds' ratios, and noise that falls on a whole round falls out of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any, Self

from attrs import Factory, define, frozen

Samples = list[float]


@frozen
class Spread:
    min: float
    median: float
    max: float

    @classmethod
    def of(cls, samples: Iterable[float]) -> Self | None:
        """None for no samples at all."""
        found = list(samples)
        return cls(min(found), median(found), max(found)) if found else None


@define
class Figures:
    samples: dict[str, dict[str, dict[str, Samples]]] = Factory(dict)
    """By case, way and measure."""
    cannot: dict[str, dict[str, str]] = Factory(dict)
    """By case and way: why it cannot be done that way."""

    def note(self, case: str, way: str, **measures: float) -> None:
        place = self.samples.setdefault(case, {}).setdefault(way, {})
        for measure, value in measures.items():
            place.setdefault(measure, []).append(value)

    def note_cannot(self, case: str, way: str, why: str) -> None:
        self.cannot.setdefault(case, {})[way] = why

    def of(self, case: str, way: str, measure: str) -> Samples:
        """Empty if it was not measured."""
        return self.samples.get(case, {}).get(way, {}).get(measure, [])

    def spread(self, case: str, way: str, measure: str) -> Spread | None:
        return Spread.of(self.of(case, way, measure))

    def middle(self, case: str, way: str, measure: str) -> float | None:
        spread = self.spread(case, way, measure)
        return None if spread is None else spread.median

    def ratio(self, case: str, measure: str, way: str, to: str) -> Spread | None:
        """Of two ways, round by round."""
        return ratio(self.of(case, way, measure), self.of(case, to, measure))


def ratio(above: Sequence[float], below: Sequence[float]) -> Spread | None:
    """None where one side was not measured."""
    return Spread.of(one / other for one, other in zip(above, below, strict=False))


@define
class Run:
    """One run of the bench, and the machine that it ran on."""

    rounds: int
    quick: bool
    versions: dict[str, str]
    cpus: int
    load_before: float
    """What the machine was doing in the minute before, as its load average: more than little is noise."""
    skipped: list[str] = Factory(list)
    """Sentences: what could not be measured, and why."""
    failed: list[str] = Factory(list)
    """Sentences: which parts came to no end, and why."""
    figures: Figures = Factory(Figures)

    def as_json(self) -> str:
        told: dict[str, Any] = {
            name: getattr(self, name)
            for name in ("rounds", "quick", "versions", "cpus", "load_before", "skipped", "failed")
        }
        told["cannot"] = self.figures.cannot
        told["measured"] = {
            case: {
                way: {measure: describe(samples) for measure, samples in measures.items()}
                for way, measures in ways.items()
            }
            for case, ways in self.figures.samples.items()
        }
        return json.dumps(told, indent=1)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """KeyError or TypeError if it is no run's JSON."""
        told = json.loads(text)
        samples = {
            case: {
                way: {measure: list(one["samples"]) for measure, one in measures.items()}
                for way, measures in ways.items()
            }
            for case, ways in told.pop("measured").items()
        }
        figures = Figures(samples, told.pop("cannot"))
        return cls(**told, figures=figures)


def describe(samples: Samples) -> dict[str, Any]:
    spread = Spread.of(samples)
    assert spread is not None, "what has a place here was noted at least once"
    return {
        "median": rounded(spread.median),
        "min": rounded(spread.min),
        "max": rounded(spread.max),
        "samples": [rounded(sample) for sample in samples],
    }


def rounded(value: float) -> float:
    """With as many digits as the machine can tell."""
    return float(f"{value:.6g}")
