"""The places of the story at which harm is done."""

import itertools
from typing import Literal

from attrs import frozen

STEPS = ("warm", "hold", "pause", "converge", "promote", "demote", "swap", "settle")


@frozen
class Place:
    """Before or after a step."""

    when: Literal["before", "after"]
    step: str

    def __str__(self) -> str:
        return f"{self.when}-{self.step}"

    @property
    def number(self) -> int:
        return STEPS.index(self.step)

    @property
    def is_undone(self) -> bool:
        """The edge is not crossed yet."""
        return self.number < STEPS.index("promote") or (self.when, self.step) == ("before", "promote")

    @property
    def is_converged(self) -> bool:
        """The candidate has everything."""
        return self.number > STEPS.index("converge") or (self.when, self.step) == ("after", "converge")


PLACES = [Place(when, step) for step, when in itertools.product(STEPS, ("before", "after"))]  # type: ignore[arg-type]
