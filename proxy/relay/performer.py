"""What a client's session wants done: commands entered in the ledger and sent, answers waited for.

A command comes here when it may go. The gate keeps commands away during a hold, and so does this room: see
:meth:`Performer.carry_out`.
"""

from typing import TYPE_CHECKING

from proxy.relay.guest import at_own_risk
from proxy.relay.mover import Elsewhere, Mover
from proxy.relay.reactor import Reactor
from proxy.session.learned import LEARNABLE, learn
from proxy.session.muting import muted
from proxy.session.replay import transaction
from proxy.session.session import LoadScript, LookUp, Say, Send, SendAndWait, Step, WaitOutside, Want
from proxy.session.sharing import apart
from proxy.session.table import ask, resume
from proxy.transport.transport import Transport
from proxy.wire.encoding import OK
from proxy.wire.requests import Frame

if TYPE_CHECKING:
    from proxy.relay.route import Route

UNREAD_MAX = 256 * 1024
"""Bytes of replies that a client has not read before its lane is no longer received from."""
BAD = b""
"""The name under which a protocol error waits for its turn."""


class Performer(Mover):
    """A client, and what its session wants done."""

    __slots__ = ("waiting_bytes",)

    def __init__(self, reactor: Reactor, transport: Transport, route: "Route", number: int) -> None:
        super().__init__(reactor, transport, route, number)
        self.waiting_bytes = 0

    def end(self) -> None:
        if isinstance(self.answering, Elsewhere) and self.answering.blocks:
            self.close()
        else:
            super().end()

    def go_on(self) -> None:
        """Carry out what waits, as far as it may go."""
        raise NotImplementedError

    def put_back(self, name: bytes, frame: Frame) -> None:
        """A command that could not go yet is the next one again."""
        raise NotImplementedError

    @at_own_risk
    def reopen(self) -> None:
        """Open the session's transaction on the lane that it has now. By then everybody has the new lane, so
        that an id in the queue names nobody else."""
        if self.session.transaction is not None and self.lane is not None:
            self.lane.cork()
            for step in transaction(self.session):
                self.do(step)
            self.lane.flush()

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
        elif self.session.quitting and lane.shared:
            return  # nothing behind QUIT is looked at
        elif self.session.plain and name in self.route.plain:
            lane.forward(self, frame, 1)
        elif name == b"QUIT" and lane.shared:
            self.session.quitting = True
            self.reactor.counts.answered += 1
            self.do(Say(OK, close=True))
        else:
            self.session.tag = lane.tag
            if self.route.altered is not None:
                self.route.altered.add(self)
            steps = self._asked(name, frame)
            self.reactor.counts.asked(steps, lane.shared)
            for step in steps:
                self.do(step)

    def _asked(self, name: bytes, frame: Frame) -> tuple[Step, ...]:
        session, route = self.session, self.route
        if route.shares:
            apart(session, name, frame, route.plain)  # what it may leave behind is noted
            if name in LEARNABLE:
                return learn(session, route.learned, name, frame, route.now())
        return ask(session, name, frame)

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
                if not lane.shared:
                    self.route.lanes.stays(self)
                blocking = self.session.blocked
                if blocking is not None:
                    if blocking.since is None:
                        blocking.since = self.route.now()
                    if lane in self.route.unblocking:
                        blocking.recalled = True
                        blocking.parked = bool(blocking.newest())
                        if blocking.parked:
                            return
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
            self.owed -= 1
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
            return not self.peek()
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
