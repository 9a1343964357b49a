"""What a switchover did, step by step, while it goes on and when it is over."""

import contextlib
from collections.abc import Callable, Iterator

from attrs import define, field

STEPS = ("preflight", "warm", "hold", "pause", "converge", "promote", "demote", "swap", "settle")

UNKNOWN = "unknown whether promoted"
"""The outcome while the candidate does not answer after it was told: clients wait, nothing is unpaused."""
PROMOTED = "promoted"
"""The outcome where the candidate is primary and what comes after failed: the operator should read the
notes."""


@define
class Report:
    """Filled in as the story goes on. Times are in milliseconds."""

    clock: Callable[[], float] = field(repr=False)
    origin: str = ""
    target: str = ""
    outcome: str = "under way"
    step: str = ""
    """The step that was entered last."""
    steps_ms: dict[str, float] = field(factory=dict)
    moved: bool = False
    """The sessions are on the new primary."""
    clients_carried: int = 0
    clients_closed: int = 0
    clients_held: int = 0
    full_resyncs: int = 0
    notes: list[str] = field(factory=list)
    _began: float = field(init=False)
    _held: float | None = None
    _released: float | None = None
    _ended: float | None = None

    def __attrs_post_init__(self) -> None:
        self._began = self.clock()

    @contextlib.contextmanager
    def at(self, step: str) -> Iterator[None]:
        """Time one step."""
        self.step = step
        began = self.clock()
        try:
            yield
        finally:
            self.steps_ms[step] = (self.clock() - began) * 1000

    def held(self) -> None:
        """The gate has been closed."""
        self._held = self.clock()

    def released(self) -> None:
        """The gate has been opened."""
        if self._held is not None and self._released is None:
            self._released = self.clock()

    @property
    def hold_ms(self) -> float:
        """How long the gate has been closed, so far or in all."""
        if self._held is None:
            return 0.0
        return ((self.clock() if self._released is None else self._released) - self._held) * 1000

    @property
    def elapsed_ms(self) -> float:
        return ((self.clock() if self._ended is None else self._ended) - self._began) * 1000

    def end(self) -> None:
        """It is over, well or not."""
        self._ended = self.clock()

    def flat(self) -> dict[str, str | int]:
        """Names and values for the console."""
        return {
            "outcome": self.outcome,
            "from": self.origin,
            "to": self.target,
            "hold_ms": f"{self.hold_ms:.3f}",
            **{f"steps_ms.{step}": f"{self.steps_ms.get(step, 0.0):.3f}" for step in STEPS},
            "clients_carried": self.clients_carried,
            "clients_closed": self.clients_closed,
            "clients_held": self.clients_held,
            "full_resyncs": self.full_resyncs,
            "notes": "; ".join(self.notes),
        }

    def status(self) -> dict[str, str | int]:
        """Where it stands."""
        return {
            "state": self.outcome,
            "step": self.step,
            "from": self.origin,
            "to": self.target,
            "elapsed_ms": f"{self.elapsed_ms:.0f}",
            "hold_ms": f"{self.hold_ms:.3f}",
            "notes": "; ".join(self.notes),
        }
