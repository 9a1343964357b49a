"""What was found: counts, the operator's switchovers, what the proxy took, and whether all that is well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import asdict, frozen

from .book import WRONGS, Row
from .growth import Line
from .samples import Sample

UNCONFIRMED = 0.02
"""Of the switchovers, at most."""


@frozen
class Report:
    what: str
    """In words: of how long, with what."""
    seconds: float
    rows: Sequence[Row]
    outcomes: Mapping[str, int]
    hard: Mapping[str, Mapping[str, int]]
    faults: Mapping[str, int]
    holds_ms: Sequence[float]
    before: Sample
    """Before anybody came."""
    after: Sample
    """When everybody had left."""
    samples: Sequence[Sample]
    lines: Mapping[str, Line]
    problems: Sequence[str]
    """Sentences, a few of those for which a row has a count, and all others."""
    left: Sequence[str]
    """What should not be there any more."""
    others: int
    """Problems that no row counts."""

    @property
    def unconfirmed(self) -> bool:
        """Too many switchovers were carried through, but not to a quiet end."""
        return self.outcomes.get("promoted", 0) > UNCONFIRMED * self.outcomes.get("done", 0)

    @property
    def growing(self) -> list[str]:
        return [name for name, line in self.lines.items() if line.grows]

    @property
    def ok(self) -> bool:
        return not self.failures()

    def failures(self) -> list[str]:
        """In words, with their counts."""
        counts = {wrong: sum(getattr(row, wrong) for row in self.rows) for wrong in WRONGS}
        found = [f"{what} {count:,}" for what, count in counts.items() if count]
        found += [f"{name} grow" if name.endswith("s") else f"{name} grows" for name in self.growing]
        found += [f"left over: {each}" for each in self.left]
        if self.others:
            found.append(f"other problems {self.others}")
        if self.unconfirmed:
            found.append(f"switchovers not confirmed to the end {self.outcomes['promoted']:,}")
        if not self.outcomes.get("done"):
            found.append("no switchover was done")
        if not any(row.operations for row in self.rows):
            found.append("nothing was done")
        return found

    def told(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "ok": self.ok,
            "failures": self.failures(),
            "growing": self.growing,
            **asdict(self, recurse=True),
        }
