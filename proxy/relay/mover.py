"""Which lane a client is on, and how it changes it.

The lane may be changed between any two commands, when nothing is owed to the client: for a private lane of
its own when a command needs one, back to the shared one when nothing keeps it there, and for a lane to
another node in a switchover.
"""

from typing import TYPE_CHECKING, cast

from attrs import define

from proxy.relay.guest import Guest, at_own_risk
from proxy.relay.reactor import Reactor
from proxy.session.session import Want
from proxy.session.sharing import pinned
from proxy.transport.transport import Transport

if TYPE_CHECKING:
    from proxy.relay.client import Client
    from proxy.relay.lane import Lane
    from proxy.relay.route import Route
    from proxy.relay.shared import SharedLane

HEAVY_SECONDS = 10.0
"""How long a client with large transfers stays on a lane of its own."""


@define(eq=False)
class Elsewhere(Want):
    """Stands for an answer that comes from elsewhere than the lane."""

    silent: bool = False
    blocks: bool = False
    """It is a WAIT: who leaves is waited for no longer, as Redis frees a blocked client that leaves."""


BEHIND = Elsewhere()
"""Stands for all that a client is owed over a connection that was left."""


class Mover(Guest):
    """A client that can change its lane."""

    __slots__ = ("heavy_until", "why")

    def __init__(self, reactor: Reactor, transport: Transport, route: "Route", number: int) -> None:
        super().__init__(reactor, transport, route, number)
        self.heavy_until = 0.0  # by the route's clock; until then nobody else is to wait for its transfers
        self.why = ""  # it left the shared lane

    def lane_drained(self) -> None:
        """The lane takes commands again."""
        raise NotImplementedError

    @at_own_risk
    def bind(self, lane: "Lane") -> None:
        """From now on this lane is the client's. May be done between any two commands; ``reopen`` follows."""
        me = cast("Client", self)
        self.lane = lane
        lane.owner = me
        lane.on_loan = self.route.shares
        lane.mixed = self.session.listening
        self.session.tag = lane.tag
        self.route.apart[me] = None

    def join(self, lane: "SharedLane") -> None:
        """From now on this lane is the client's and others'."""
        assert not pinned(self.session), "what it set up must not reach others"
        self.lane = lane
        lane.clients += 1
        self.why = ""
        self.route.apart.pop(cast("Client", self), None)

    def part(self) -> None:
        """Leave the shared lane."""
        lane = self.lane
        assert lane is not None and lane.shared and not self.owed
        lane.forget(cast("Client", self))
        self.lane = None
        self.session.moved = True

    @at_own_risk
    def come_back(self) -> None:
        """The client's own lane owes nothing: go back to the shared one, unless something keeps it here."""
        lane = self.own_lane
        if lane is None or not lane.on_loan:
            return
        busy = self.waiting or self.answering is not None or self.leaving or self.ended or self.closed
        if lane.closed or busy or self.unsent is not None or self.route.gate.closed:
            return
        if lane.owes:
            return
        if self.heavy_until and self.route.now() > self.heavy_until:
            self.heavy_until = 0.0
        me, lanes = cast("Client", self), self.route.lanes
        if not self.route.admission.admit(me):
            return
        shared = lanes.of(self.session)
        if self.heavy_until or lane.unsent or pinned(self.session) or shared.unfit:
            self.why = pinned(self.session) or shared.unfit or self.why
            lanes.forget(me)
        elif shared.closed:
            shared.wait(me)  # that it can be opened is not sure: a password may have been changed since
        else:
            lanes.take_back(me, lane)

    @at_own_risk
    def burden(self) -> None:
        """Much is sent to it, or it reads slowly: nobody else is to wait for that."""
        self.heavy_until = self.route.now() + HEAVY_SECONDS
        if self.owed:  # nothing more is sent over the shared lane
            self.settling = True
            self.listen(False)

    def read_on(self) -> None:
        self.lane_drained()
        if self.lane is not None and self.lane.shared:
            for left in self.lane.left:
                left.listen(True)

    def stay_behind(self) -> None:
        """What it is owed comes over a connection that was left: ahead of it nothing goes down another."""
        self.settling = True
        if self.answering is None:
            self.answering = BEHIND

    @at_own_risk
    def settled(self) -> None:
        if self.answering is BEHIND:
            self.answering = None
        if self.heavy_until and not self.owed and self.lane is not None and self.lane.shared:
            self.part()
        super().settled()

    def move(self, lane: "Lane | None", watch_came: bool = False) -> "Lane":
        """Leave the client's own lane for another, or for one that is opened when it is needed; gives the
        lane left behind."""
        left = self.own_lane
        assert left is not None and not left.owes, "a client moves when nothing is owed to it"
        left.owner = self.lane = None
        self.session.moved = True
        if self.session.watch is not None and (lane is None or not watch_came):
            self.session.watch.lost = True
        if self.session.transaction is not None:
            self.session.transaction.leave_lane()
        if lane is not None:
            self.bind(lane)
        return left
