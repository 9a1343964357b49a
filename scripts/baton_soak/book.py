"""What was counted, row by row, and the first sentences about what was wrong."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Final

from attrs import Factory, asdict, define

WRONGS: Final = ("errors", "disconnects", "lost", "doubled")
PROBLEMS_KEPT = 40
"""Sentences in all; the counts go on."""


@define
class Row:
    """Clients of one kind taken together."""

    name: str
    clients: int = 0
    """How many there were; those that came and went, each of them."""
    operations: int = 0
    errors: int = 0
    disconnects: int = 0
    lost: int = 0
    doubled: int = 0

    @property
    def clean(self) -> bool:
        return not any(getattr(self, wrong) for wrong in WRONGS)


@define(eq=False)
class Book:
    """Written by many threads."""

    tell: Callable[[str], None] = lambda sentence: None
    """What a problem is told to at once."""
    rows: dict[str, Row] = Factory(dict)
    problems: list[str] = Factory(list)
    _lock: threading.Lock = Factory(threading.Lock)

    def add(self, name: str, **counts: int) -> None:
        """Counts of a row go up."""
        with self._lock:
            row = self.rows.setdefault(name, Row(name))
            for what, count in counts.items():
                setattr(row, what, getattr(row, what) + count)

    def wrong(self, name: str, what: str, sentence: str, count: int = 1) -> None:
        """Something of `WRONGS`."""
        self.add(name, **{what: count})
        self.say(f"{name}: {sentence}")

    def say(self, sentence: str) -> None:
        """A problem that belongs to no row, or is counted in one already."""
        with self._lock:
            if len(self.problems) == PROBLEMS_KEPT:
                return
            self.problems.append(sentence)
        self.tell(sentence)

    def sums(self) -> Row:
        with self._lock:
            rows = list(self.rows.values())
        sums = Row("together")
        for row in rows:
            for what in ("clients", "operations", *WRONGS):
                setattr(sums, what, getattr(sums, what) + getattr(row, what))
        return sums

    def told(self) -> list[Mapping[str, object]]:
        with self._lock:
            return [asdict(row) for row in self.rows.values()]
