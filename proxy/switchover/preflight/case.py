"""What is judged, and what comes of it."""

from collections.abc import Callable
from typing import TypeAlias

from attrs import frozen

from proxy.switchover.facts import Level, NodeFacts, Probes, Verdict


@frozen
class Terms:
    """On what terms the operator wants this switchover."""

    instance: str
    """This proxy, by the name that its control connections carry after ``baton:``."""
    lanes: int
    """How many connections will be opened to the candidate beforehand."""
    max_lag_bytes: int
    allow_sentinel: bool = False
    announce: tuple[str, int] | None = None
    """The candidate's host and port as the other nodes reach it, where the operator set them."""


@frozen
class Case:
    """One intended switchover, with all that is known."""

    primary: NodeFacts
    candidate: NodeFacts
    others: tuple[NodeFacts, ...]
    probes: Probes
    terms: Terms

    @property
    def both(self) -> tuple[NodeFacts, NodeFacts]:
        return self.primary, self.candidate


@frozen
class Finding:
    """What one check found; `verdict` is "ok", "warn" or "refuse"."""

    name: str
    verdict: Level
    text: str


Check: TypeAlias = Callable[[Case], Verdict]
