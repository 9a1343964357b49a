"""What private and shared lanes have in common: they owe, and tell when they owe nothing, or have died."""

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from proxy.relay.peer import Peer

if TYPE_CHECKING:
    from proxy.relay.ledger import LaneLost


class Connection(Peer):
    """A connection to a node."""

    __slots__ = ("_on_idle", "ledger", "lost", "tag")
    ledger: deque[Any]
    """What it owes, in the order of the commands."""
    lost: "Callable[[LaneLost], None]"
    tag: int
    """Stands for the process at the other end."""
    _on_idle: list[Callable[[], None]] | None

    @property
    def owes(self) -> bool:
        """Something is owed to somebody."""
        return bool(self.ledger)

    def when_idle(self, call: Callable[[], None]) -> None:
        """Call, once, when nothing is owed, or the lane is dead."""
        if self.closed or not self.owes:
            call()
        elif self._on_idle is None:
            self._on_idle = [call]
        else:
            self._on_idle.append(call)

    def forget_idle(self, call: Callable[[], None]) -> None:
        """Take back a ``when_idle`` that has not come true."""
        if self._on_idle is not None and call in self._on_idle:
            self._on_idle.remove(call)

    def idle(self) -> None:
        """Nothing is owed: whoever waited for that is called."""
        calls, self._on_idle = self._on_idle, None
        for call in calls or ():
            call()
