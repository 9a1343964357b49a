"""What is tried: each pair of processes, each fault between them, ahead of each step of a switchover."""

import itertools
from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

from attrs import frozen

from proxy.switchover.report import STEPS
from tests.faults.faults import FAULTS, TROUBLES, Fault, Trouble

What = TypeVar("What", Fault, Trouble)

PAIRS = ("proxy-primary", "proxy-replica", "replica-primary")
"""By what the nodes were when the switchover began."""
SOON, LATE = 0.12, 1.2
"""Seconds after which it heals, within the budget and beyond it; sooner where the switchover is over."""


@frozen
class Case(Generic[What]):
    """One fault at one time."""

    pair: str
    what: What
    step: str
    seconds: float = LATE

    def __str__(self) -> str:
        return f"{self.what} between {self.pair} ahead of {self.step} for {self.seconds:g} s"


def grid(kinds: Sequence[What]) -> Iterator[Case[What]]:
    """All of it. What only slows things down lasts until the switchover is over."""
    for what, step, pair in itertools.product(kinds, STEPS, PAIRS):
        for seconds in (LATE,) if what.only_slows else (SOON, LATE):
            yield Case(pair, what, step, seconds)


def sample(kinds: Sequence[What], number: int) -> list[Case[What]]:
    """Of one kind two cases, with pairs and steps that are others for the next kind."""
    places = [(2 * number + half, LATE if half else SOON) for half in range(2)]
    what = kinds[number]
    return [
        Case(
            PAIRS[(turn + turn // len(STEPS)) % len(PAIRS)],
            what,
            STEPS[turn % len(STEPS)],
            LATE if what.only_slows else seconds,
        )
        for turn, seconds in places
    ]


ROAD_CASES = list(grid(FAULTS))
WIRE_CASES = list(grid(TROUBLES))
