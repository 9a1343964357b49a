"""What a switchover did, step by step, while it goes on and when it is over."""

import contextlib
from collections.abc import Callable, Iterator, Mapping

from attrs import define, field

STEPS = ("preflight", "warm", "hold", "pause", "converge", "promote", "demote", "swap", "settle")

HELD, RELEASED, ASKING = "held", "released", "asking"
"""What is reached beside the ends of the steps: the gate is closed; it is open again; it is not known whether
the candidate was promoted."""

UNKNOWN = "unknown whether promoted"
"""The outcome while the candidate does not answer after it was told: clients wait, nothing is unpaused."""
DRY_RUN = "dry run"
"""The outcome where nothing was to be moved: what was put up has been taken down again."""
PROMOTED = "promoted"
"""The outcome where the candidate is primary and what comes after failed: the operator should read the
notes."""

OUTCOMES = {"REFUSED": "refused", "CALLEDOFF": "called off", "FAILED": "failed"}
"""By the kind of error, how a switchover ended that was not done."""


def _nobody(reached: str, ms: float) -> None:
    """Whoever does not follow it."""


@define
class Report:
    """Filled in as the story goes on. Times are in milliseconds."""

    clock: Callable[[], float] = field(repr=False)
    progress: Callable[[str, float], None] = field(default=_nobody, repr=False, kw_only=True)
    """Called with the name of a step when it has come to what it is for, and how long it took; beside that
    with HELD, RELEASED and how long the hold was, and ASKING and how long the hold is by then."""
    number: int = 0
    """Of this switchover, since the proxy started."""
    began: float = 0.0
    """In unix seconds."""
    origin: str = ""
    target: str = ""
    outcome: str = "under way"
    kind: str = ""
    """REFUSED, CALLEDOFF or FAILED, where it was not done."""
    why: str = ""
    """Why it was not done."""
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
    _missed: set[str] = field(factory=set)
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
        if step not in self._missed:
            self.progress(step, self.steps_ms[step])

    def miss(self, step: str) -> None:
        """The step will end without an error, but has not come to what it is for."""
        self._missed.add(step)

    def hold(self) -> None:
        """The gate is about to be closed."""
        self._held = self.clock()

    def held(self) -> None:
        """It has been."""
        self.progress(HELD, self.hold_ms)

    def released(self) -> None:
        """The gate has been opened."""
        if self._held is not None and self._released is None:
            self._released = self.clock()
            self.progress(RELEASED, self.hold_ms)

    def asking(self) -> None:
        """It is not known whether the candidate was promoted."""
        if self.outcome != UNKNOWN:
            self.outcome = UNKNOWN
            self.progress(ASKING, self.hold_ms)

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

    def undone(self, kind: str, why: str) -> None:
        """It was not done."""
        self.kind, self.why = kind, why
        self.outcome = f"{kind.lower()}: {why}"

    def told(self) -> Mapping[str, object]:
        """All of it, nested, as JSON can hold it."""
        return {
            "number": self.number,
            "began": round(self.began, 3),
            "outcome": OUTCOMES.get(self.kind, self.outcome),
            "kind": self.kind,
            "why": self.why,
            "step": self.step,
            "from": self.origin,
            "to": self.target,
            "elapsed_ms": round(self.elapsed_ms, 3),
            "hold_ms": round(self.hold_ms, 3),
            "steps_ms": {step: round(self.steps_ms[step], 3) for step in STEPS if step in self.steps_ms},
            "clients_carried": self.clients_carried,
            "clients_closed": self.clients_closed,
            "clients_held": self.clients_held,
            "full_resyncs": self.full_resyncs,
            "notes": list(self.notes),
        }

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
