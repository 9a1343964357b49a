"""What one client experienced: how much was answered, how long it took, and what went wrong."""

from __future__ import annotations

import heapq
import time
from array import array
from collections.abc import Iterable
from statistics import median

from attrs import Factory, define, frozen

SLOWEST_KEPT = 500
"""Single waits kept with their time, so that those during a switchover can be told from the others."""

PROBLEMS_KEPT = 5
"""Sentences kept of each client; the counts go on."""


@define
class Tally:
    """Counts of one client, written by its one thread.

    Times are seconds of the monotonic clock, which on Linux all processes share.
    """

    who: str
    operations: int = 0
    errors: int = 0
    broken: int = 0
    """Connection errors that redis-py raised."""
    opened: int = 0
    """Connections that were made. redis-py replaces a connection that it finds closed between two commands
    without raising anything, so any beyond the first tells of one that broke."""
    waits_s: array[float] = Factory(lambda: array("d"))
    slowest: list[tuple[float, float]] = Factory(list)
    """A heap of (wait, when it began), the longest ones."""
    problems: list[str] = Factory(list)

    @property
    def disconnects(self) -> int:
        # A break that was raised is followed by a new connection as well: it counts once.
        return max(self.broken, self.opened - 1)

    def answered(self, began_s: float, answers: int = 1) -> None:
        """Something that was asked (or sent) at began_s is here now."""
        wait_s = time.monotonic() - began_s
        self.operations += answers
        self.waits_s.append(wait_s)
        if len(self.slowest) < SLOWEST_KEPT:
            heapq.heappush(self.slowest, (wait_s, began_s))
        else:
            heapq.heappushpop(self.slowest, (wait_s, began_s))

    def fault(self, what: str) -> None:
        self.errors += 1
        self.remember(what)

    def broke(self, what: str) -> None:
        self.broken += 1
        self.remember(what)

    def remember(self, what: str) -> None:
        if len(self.problems) < PROBLEMS_KEPT:
            self.problems.append(f"{self.who}: {what}")


@frozen
class Sum:
    """The tallies of a workload's clients taken together; times in milliseconds."""

    operations: int
    errors: int
    disconnects: int
    max_wait_ms: float
    median_wait_ms: float
    slowest: tuple[tuple[float, float], ...]
    """(wait in ms, when it began in seconds of the monotonic clock), longest first."""
    problems: tuple[str, ...]


def add_up(tallies: Iterable[Tally]) -> Sum:
    tallies = list(tallies)
    waits_s = [wait for tally in tallies for wait in tally.waits_s]
    slowest = heapq.nlargest(SLOWEST_KEPT, (one for tally in tallies for one in tally.slowest))
    return Sum(
        operations=sum(tally.operations for tally in tallies),
        errors=sum(tally.errors for tally in tallies),
        disconnects=sum(tally.disconnects for tally in tallies),
        max_wait_ms=max(waits_s, default=0.0) * 1000,
        median_wait_ms=median(waits_s) * 1000 if waits_s else 0.0,
        slowest=tuple((wait_s * 1000, began_s) for wait_s, began_s in slowest),
        problems=tuple(problem for tally in tallies for problem in tally.problems),
    )
