"""The gate: open, commands flow; closed, whole commands wait in the proxy while replies still flow.

It is closed for a reason, and open only when no reason is left: a switchover, the lack of a primary, later a
hold by hand or another proxy's switchover. It knows neither clients nor lanes; whoever waits is called when
it opens.
"""

from typing import Protocol


class Waiting(Protocol):
    """Who waits at the gate."""

    @property
    def number(self) -> int: ...
    def gate_opened(self) -> None: ...
    def close(self) -> None: ...


class Gate:
    """One gate a route."""

    def __init__(self) -> None:
        self.closed = False
        self._reasons: dict[str, None] = {}
        self._waiting: dict[Waiting, None] = {}

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it is closed."""
        return tuple(self._reasons)

    def close(self, reason: str) -> None:
        self._reasons[reason] = None
        self.closed = True

    def open(self, reason: str) -> None:
        """Take one reason away. Whoever waits goes on, in the order of arrival, if it was the last."""
        self._reasons.pop(reason, None)
        if self._reasons:
            return
        self.closed = False
        waiting, self._waiting = self._waiting, {}
        for who in waiting:
            who.gate_opened()

    def wait(self, who: Waiting) -> None:
        """Be called when the gate opens."""
        self._waiting[who] = None

    def forget(self, who: Waiting) -> None:
        self._waiting.pop(who, None)

    @property
    def queue(self) -> tuple[Waiting, ...]:
        """Who waits, in the order of arrival."""
        return tuple(self._waiting)
