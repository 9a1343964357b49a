"""What a client's session wants done: commands entered in the ledger and sent, answers waited for, lanes
changed.

A command comes here when it may go. Rules:

1. The gate keeps commands away during a hold, and so does this room: see :meth:`Performer.carry_out`.
2. The lane may be changed between any two commands, when nothing is owed to the client.
"""

from typing import TYPE_CHECKING, cast

from attrs import define

from proxy.relay.guest import Guest, at_own_risk
from proxy.relay.reactor import Reactor
from proxy.relay.transport import Transport
from proxy.session.muting import muted
from proxy.session.replay import transaction
from proxy.session.session import LoadScript, LookUp, Say, Send, SendAndWait, Step, WaitOutside, Want
from proxy.session.sharing import pinned
from proxy.session.table import ask, resume
from proxy.wire.encoding import OK
from proxy.wire.requests import Frame

if TYPE_CHECKING:
    from proxy.relay.client import Client
    from proxy.relay.lane import Lane
    from proxy.relay.route import Route
    from proxy.relay.shared import SharedLane

UNREAD_MAX = 256 * 1024
"""Bytes of replies that a client has not read before its lane is no longer received from."""
HEAVY_SECONDS = 10.0
"""How long a client with large transfers stays on a lane of its own."""
BAD = b""
"""The name under which a protocol error waits for its turn."""


@define(eq=False)
class Elsewhere(Want):
    """Stands for an answer that comes from elsewhere than the lane."""

    silent: bool = False
    blocks: bool = False
    """It is a WAIT: who leaves is waited for no longer, as Redis frees a blocked client that leaves."""


BEHIND = Elsewhere()
"""Stands for all that a client is owed over a connection that was left."""


class Performer(Guest):
    """A client, and what its session wants done."""

    __slots__ = ("heavy_until", "waiting_bytes", "why")

    def __init__(self, reactor: Reactor, transport: Transport, route: "Route", number: int) -> None:
        super().__init__(reactor, transport, route, number)
        self.waiting_bytes = 0
        self.heavy_until = 0.0  # by the route's clock; until then nobody else is to wait for its transfers
        self.why = ""  # it left the shared lane

    def end(self) -> None:
        if isinstance(self.answering, Elsewhere) and self.answering.blocks:
            self.close()
        else:
            super().end()

    def go_on(self) -> None:
        """Carry out what waits, as far as it may go."""
        raise NotImplementedError

    def lane_drained(self) -> None:
        """The lane takes commands again."""
        raise NotImplementedError

    def put_back(self, name: bytes, frame: Frame) -> None:
        """A command that could not go yet is the next one again."""
        raise NotImplementedError

    @at_own_risk
    def bind(self, lane: "Lane") -> None:
        """From now on this lane is the client's. May be done between any two commands; ``reopen`` follows."""
        self.lane = lane
        lane.owner = self
        lane.on_loan = self.route.shares
        lane.mixed = self.session.listening
        self.session.tag = lane.tag
        self.route.apart[cast("Client", self)] = None

    def join(self, lane: "SharedLane") -> None:
        """From now on this lane is the client's and others'."""
        assert not pinned(self.session), "what it set up must not reach others"
        self.lane = lane
        lane.clients += 1
        self.why = ""
        self.route.apart.pop(cast("Client", self), None)

    def part(self) -> None:
        """Leave the shared lane."""
        assert self.lane is not None and self.lane.shared and not self.owed
        self.lane.clients -= 1
        self.lane = None
        self.session.moved = True

    @at_own_risk
    def come_back(self) -> None:
        """The client's own lane owes nothing: go back to the shared one, unless something keeps it here."""
        lane = self.own_lane
        busy = self.waiting or self.answering is not None or self.leaving or self.ended or self.closed
        if lane is None or lane.closed or busy or self.unsent is not None or self.route.gate.closed:
            return
        if lane.owes or self.route.lanes.of(self.session).unfit:
            return
        if self.heavy_until and self.route.now() > self.heavy_until:
            self.heavy_until = 0.0
        if not (self.heavy_until or lane.unsent or pinned(self.session)):
            self.route.lanes.take_back(self, lane)

    @at_own_risk
    def burden(self) -> None:
        """Much is sent to it, or it reads slowly: nobody else is to wait for that."""
        self.heavy_until = self.route.now() + HEAVY_SECONDS
        self.settling = True

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

    @at_own_risk
    def reopen(self) -> None:
        """Open the session's transaction on the lane that it has now. By then everybody has the new lane, so
        that an id in the queue names nobody else."""
        if self.session.transaction is not None and self.lane is not None:
            self.lane.cork()
            for step in transaction(self.session):
                self.do(step)
            self.lane.flush()

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

    @property
    def needs_lane(self) -> bool:
        """It has something going on that does not wait for its next command."""
        session = self.session
        return not self.leaving and bool(
            self.waiting or session.listening or session.blocked or session.tracking
        )

    def carry_out(self, name: bytes, frame: Frame) -> None:
        """Forward a command that may go, and enter in the ledger what it owes."""
        lane = self.lane
        assert lane is not None and not self.route.gate.closed, "the gate keeps commands away"
        if name == BAD:
            assert isinstance(frame, bytes)
            if self.session.quitting:
                return  # nothing behind QUIT is looked at
            bad = Say(frame, close=True)
            self.do(bad if self.session.mute is None else muted(self.session.mute, bad))
        elif self.session.plain and name in self.route.plain:
            lane.forward(self, frame, 1)
        elif name == b"QUIT" and lane.shared:
            self.session.quitting = True
            self.do(Say(OK, close=True))
        else:
            self.session.tag = lane.tag
            if self.route.altered is not None:
                self.route.altered.add(self)
            for step in ask(self.session, name, frame):
                self.do(step)

    def do(self, step: Step) -> None:
        """Carry out one step of the session's."""
        lane = self.lane
        assert lane is not None
        match step:
            case Send(frame, want):
                if want is None:
                    lane.forward(self, frame, 1)
                else:
                    lane.ask(self, frame, want)
            case SendAndWait(frame, want):
                self.answering = want
                blocking = self.session.blocked
                if blocking is not None and blocking.since is None:
                    blocking.since = self.route.now()
                lane.ask(self, frame, want)
            case Say(reply, close):
                lane.say(self, reply)
                if close:
                    self.leave()
            case WaitOutside(words, silent):
                self.answering = Elsewhere(silent, blocks=True)
                self.route.wait_outside(self, words)
            case LookUp(name, frame):
                self.answering = Elsewhere()
                self.route.look_up(self, name, frame)
            case LoadScript():
                self.answering = Elsewhere()
                self.route.load_script(self, step)

    @at_own_risk
    def given(self, how: Want | bytes, piece: bytes, last: bool) -> None:
        """Here is what a shared lane has for the client, and not as it came."""
        if isinstance(how, bytes):
            self.deliver(how)
        elif not self.closed:
            if out := how.take(self.session, piece, last):
                self.deliver(out)
            if last:
                self.answered(how)

    def answered(self, want: Want) -> None:
        """A reply that was looked at is in."""
        if want is not self.answering and not want.withheld:
            return
        if self.session.blocked is not None and self.session.blocked.parked:
            return  # recalled: whoever did that issues it again
        self.answering = None
        for step in want.then(self.session):
            self.do(step)
        if self.answering is None and (self.waiting or self.ended):
            self.go_on()

    @at_own_risk
    def reissue(self) -> None:
        """Issue a parked command again, on the lane that the client has now."""
        if self.session.blocked is not None and not (self.closed or self.gone) and self._has_left():
            self.end()
        if not self.closed and self.lane is not None and (steps := resume(self.session, self.route.now())):
            self.answering = None
            for step in steps:
                self.do(step)
            if self.answering is None:
                self.go_on()  # its time had run out: what came behind it goes on, now or when the gate opens

    @at_own_risk
    def answered_outside(self, reply: bytes) -> None:
        """What a connection of the proxy's own found out for a WAIT."""
        if isinstance(elsewhere := self.answering, Elsewhere) and not self.closed:
            self.answering = None
            if not elsewhere.silent:
                self.deliver(reply)
            self.go_on()

    @at_own_risk
    def looked_up(self, name: bytes, frame: Frame) -> None:
        """What a command needs to be known is known: it goes on, ahead of what waits."""
        if not self.closed:
            self.answering = None
            self.put_back(name, frame)
            self.go_on()

    def _has_left(self) -> bool:
        """Clients are not received from during a hold, and what is popped for one that has gone is lost."""
        try:
            return not self.transport.peek()
        except BlockingIOError:
            return False
        except OSError:
            return True

    def push(self, data: bytes) -> None:
        """Give the client something that no command asked for, between two replies."""
        if self.lane is None:
            self.deliver(data)
        else:
            self.lane.push(self, data)

    def deliver(self, data: bytes) -> None:
        """Give the client what is due to it."""
        if not self.closed:
            self.send(data)
            if self.unsent is not None and self.unsent_bytes > UNREAD_MAX:
                self.route.unread(self)
