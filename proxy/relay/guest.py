"""A client as the proxy's guest: who it is, what it has here, and how it leaves.

A client that ends its side of the connection may still read: it gets what is owed to it. One that is sent
away, for a protocol error or because its lane died, gets what is due too. Nobody else is disturbed by either.
"""

import functools
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

from proxy.relay.peer import Peer
from proxy.relay.reactor import IN, Reactor
from proxy.session.session import Session, Want
from proxy.telling import tell
from proxy.transport.transport import Transport
from proxy.wire.requests import Frame

if TYPE_CHECKING:
    from proxy.relay.client import Client
    from proxy.relay.lane import Lane
    from proxy.relay.route import Route
    from proxy.relay.shared import SharedLane

Act = TypeVar("Act", bound=Callable[..., None])


def at_own_risk(act: Act) -> Act:
    """A fault of ours in what one client asked for closes that client; whoever called goes on with the
    others."""

    @functools.wraps(act)
    def guarded(self: "Guest", *args: Any) -> None:
        try:
            act(self, *args)
        except Exception:
            tell("-fault", where="a client's turn", client=self.number, exc_info=True)
            self.close()

    return cast(Act, guarded)


class Guest(Peer):
    """What of a client is not about its commands."""

    __slots__ = (
        "answering",
        "ended",
        "gone",
        "host",
        "lane",
        "leaving",
        "number",
        "owed",
        "route",
        "session",
        "settling",
        "since",
        "waiting",
    )

    def __init__(self, reactor: Reactor, transport: Transport, route: "Route", number: int) -> None:
        super().__init__(reactor, transport)
        self.traffic = reactor.counts.clients
        self.route = route
        self.number = number
        self.session = Session(number, route.common)
        self.host = ""  # where it comes from, as it counts for ``limits.clients_per_address``
        self.since = route.now()  # it is here, in seconds of the route's clock
        self.lane: Lane | SharedLane | None = None
        self.owed = 0  # replies, by a shared lane
        self.settling = False  # ``settled`` is to be called when a shared lane owes it nothing any more
        self.waiting: deque[tuple[bytes, Frame]] | None = None  # commands, by name, in the order of arrival
        self.answering: Want | None = None  # nothing is forwarded until this is answered
        self.ended = False  # it will send nothing more
        self.gone = False  # it has closed its side: it cannot be kept waiting by a command that blocks
        self.leaving = False  # closed as soon as it has what is due to it

    @property
    def peer_name(self) -> str:
        """The client's end of the connection, as CLIENT LIST writes it."""
        return self.transport.peer_name

    @property
    def own_lane(self) -> "Lane | None":
        """The lane that nobody else sends down, if it has one."""
        lane = self.lane
        return None if lane is None or lane.shared else lane

    @property
    def is_owed(self) -> bool:
        """A lane owes it a reply."""
        lane = self.lane
        return self.owed > 0 if lane is None or lane.shared else lane.owes

    def peek(self) -> bytes:
        """A byte that it has sent; empty if it has gone. Raises BlockingIOError where there is neither, and
        OSError."""
        seen = self.transport.peek()
        if self.transport.has_more:
            self.reactor.unseen.add(cast("Client", self))
        return seen

    def wait_settled(self) -> None:
        """Have ``settled`` called when nothing is owed to it any more."""
        if self.owed:
            self.settling = True
        elif self.lane is not None and not self.lane.shared:
            self.lane.when_idle(self.settled)

    def settled(self) -> None:
        """Nothing is owed to it any more."""
        self.settling = False
        if self.leaving or (self.ended and not self.waiting):
            if self.leaving or self.answering is None:
                self.leave()
        elif not self.closed:
            self.go_on()

    def end(self) -> None:
        """The client sends nothing more, but may still read: it gets what is owed, then it is closed.

        A client that is subscribed is closed at once, as Redis does: nothing definite is owed to it. So is
        one that is blocked, but only the node knows if it is: see ``go_on``.
        """
        broken = self.gone  # it is not listened to any more: only a broken connection brings us here again
        self.ended = self.gone = True
        self.listen(False)
        if broken or self.session.listening:
            self.close()
        elif self.session.blocked is not None:
            if self.lane is None or self.route.gate.closed:
                self.close()
            else:
                self.go_on()
        elif not self.waiting and (self.answering is None or self.lane is None or self.is_owed):
            self.finish()

    def go_on(self) -> None:
        """Carry out what waits, as far as it may go."""
        raise NotImplementedError

    def finish(self) -> None:
        if self.is_owed:
            self.wait_settled()
        else:
            self.leave()

    def leave(self) -> None:
        """Close as soon as what is due has been given out."""
        self.leaving = True
        self.listen(False)
        if self.is_owed:
            self.wait_settled()
        elif self.unsent is None:
            self.close()

    def read_on(self) -> None:
        """It has read all that it was sent over a shared lane."""
        raise NotImplementedError

    def close(self) -> None:
        """Gone at once, with its lane; idempotent."""
        raise NotImplementedError

    def drained(self) -> None:
        if self.leaving and not self.is_owed:
            self.close()
        elif (lane := self.own_lane) is not None:
            lane.listen(True)
        else:
            self.read_on()

    def _watch(self, events: int) -> None:
        if events != self.events and not self.closed:
            self.reactor.watch_client(self.fd, self.events, events)
            self.events = events
            if events != IN:
                self.route.hoard.add(cast("Client", self))

    def unwatch(self) -> None:
        self.reactor.remove_client(self.fd, self.events)
