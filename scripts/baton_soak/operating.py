"""The operator: a switchover every few seconds, and now and then a fault between two of them."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable

from attrs import Factory, define

from .book import Book
from .faults import ALLOWED, OTHERS, SWITCHOVERS, Surprise
from .ground import Ground, Outcome
from .samples import Sampler

BUDGET_MS = 10_000
"""Of a switchover that nobody makes hard: on a machine that is busy with other things a hold may be long."""
FAULTS_PER_SWITCHOVER = 0.25
AGAIN_S = 30.0
"""Within which a switchover is asked for anew that was refused, since a replica was not yet in its place."""


@define(eq=False)
class Operator:
    ground: Ground
    book: Book
    sampler: Sampler
    dice: random.Random
    every_s: float
    outcomes: Counter[str] = Factory(Counter)
    """Of switchovers that nobody made hard: each should be done. `promoted` is one whose last steps a node
    did not confirm in time, as when its disk is slow: see `report`."""
    hard: dict[str, Counter[str]] = Factory(dict)
    """Of the others, by what made them so."""
    faults: Counter[str] = Factory(Counter)
    """That are no switchovers."""

    def operate(self, goes_on: Callable[[int], bool]) -> None:
        """Until that says no; it is told how many were done that nobody made hard."""
        while goes_on(self.outcomes["done"]):
            began_s = time.monotonic()
            try:
                if self.dice.random() < FAULTS_PER_SWITCHOVER:
                    self._fault()
                self.ground.until_in_sync()
                self._switch_over()
            except (Surprise, AssertionError) as fault:
                self.book.wrong("operator", "errors", str(fault))
            time.sleep(max(0.0, self.every_s * (0.5 + self.dice.random()) - (time.monotonic() - began_s)))

    def _fault(self) -> None:
        self.ground.look()
        name = self.dice.choice([*SWITCHOVERS, *OTHERS])
        if name in SWITCHOVERS:
            outcome = SWITCHOVERS[name](self.ground, self.dice, self.sampler)
            self.hard.setdefault(name, Counter())[outcome.how] += 1
            if outcome.how not in ALLOWED:
                raise Surprise(f"{name}: {outcome.how} {outcome.why}")
            self._smooth(name, outcome)
        else:
            OTHERS[name](self.ground, self.dice, self.sampler)
            self.faults[name] += 1

    def _switch_over(self) -> None:
        """One that nobody makes hard; the replica that was just frozen or killed may need a moment."""
        candidate = self.dice.choice(self.ground.replicas)
        deadline_s = time.monotonic() + AGAIN_S
        outcome = self.ground.switch_over(candidate, BUDGET_MS)
        while outcome.how in ("refused", "busy") and time.monotonic() < deadline_s:
            self.outcomes["asked for anew"] += 1
            time.sleep(0.2)
            outcome = self.ground.switch_over(candidate, BUDGET_MS)
        self.outcomes[outcome.how] += 1
        self.book.add("operator", operations=1)
        if outcome.how not in ("done", "promoted"):
            raise Surprise(f"a switchover was {outcome.how}: {outcome.why}")
        self.ground.holds_ms.append(outcome.hold_ms)
        self._smooth("a switchover", outcome)
        if self.ground.look() is not candidate:
            raise Surprise(f"{outcome.how}, and {candidate.address} is not the primary")

    def _smooth(self, what: str, outcome: Outcome) -> None:
        if outcome.clients_closed:
            # Who was wronged says so himself; the others are those who never read.
            self.faults["clients closed by switchovers"] += outcome.clients_closed
        if outcome.full_resyncs:
            self.faults["full resyncs"] += outcome.full_resyncs
