"""A client: an application's connection, and the way of its commands to a lane.

Theory. Plain commands that arrive whole are counted and go straight down the lane, in one piece, as they
came. All else takes the slow way: it is cut, and each command is asked about in :mod:`proxy.session.table`.
A command waits in the proxy while the gate is closed, while the client has no lane, and behind one that must
be answered first. Rules:

1. What waits is executed in the order of arrival, before anything that arrives later.
2. A client whose waiting commands or undelivered replies outgrow a limit is not received from until they
   shrink.
3. The session refuses what the gate should have kept away: see :meth:`Client._may_go`.
"""

import logging
from collections import deque
from typing import TYPE_CHECKING

from proxy.relay.guest import Guest, at_own_risk
from proxy.relay.peer import RECEIVE, RECEIVE_LONG
from proxy.relay.reactor import OUT, Reactor
from proxy.relay.transport import Transport
from proxy.session.blocking import Blocking
from proxy.session.replay import transaction
from proxy.session.session import Say, Send, SendAndWait, SendSilently, Step, WaitOutside, Want
from proxy.session.table import SPECIAL, ask, resume
from proxy.wire.counting import LONG, count_requests
from proxy.wire.encoding import command
from proxy.wire.requests import BadRequest, Frame, RequestCutter

if TYPE_CHECKING:
    from proxy.relay.lane import Lane
    from proxy.relay.route import Route

log = logging.getLogger("baton")

WAITING_MAX = 1024 * 1024
"""Bytes of commands that wait in the proxy before the client is no longer received from; one command may be
larger."""
UNREAD_MAX = 256 * 1024
"""Bytes of replies that a client has not read before its lane is no longer received from."""
REQUEST_MAX = 1024 * 1024 * 1024
"""Bytes of one command; Redis's own ``client-query-buffer-limit``, at which it closes the connection."""
SKIP = command("CLIENT", "REPLY", "SKIP")
BAD = b""
"""The name under which a protocol error waits for its turn."""


class Client(Guest):
    """One application's connection."""

    __slots__ = ("answering", "cutter", "waiting_bytes")

    def __init__(self, reactor: Reactor, transport: Transport, route: "Route", number: int) -> None:
        super().__init__(reactor, transport, route, number)
        self.cutter: RequestCutter | None = None
        self.answering: Want | None = None  # nothing is forwarded until this is answered
        self.waiting_bytes = 0
        reactor.add(self.fd, self)

    def ready(self, events: int) -> None:
        if events & OUT:
            self.flush()
            if events == OUT or self.closed:
                return
        cutter = self.cutter
        try:
            data = self.transport.receive(RECEIVE if cutter is None or not cutter.wants else RECEIVE_LONG)
        except BlockingIOError:
            return
        except OSError:
            self.close()
            return
        if not data:
            self.end()
            return
        lane = self.lane
        route = self.route
        if (
            lane is not None
            and cutter is None
            and self.session.plain
            and self.waiting is None
            and self.answering is None
            and not route.gate.closed
            and len(data) < LONG
            and (count := count_requests(data, route.plain))
        ):
            lane.owe(self, count)
            lane.send(data)
            if lane.unsent is not None:
                self.listen(False)
            return
        self._look(data)

    def _look(self, data: bytes) -> None:
        """The slow way: command by command."""
        cutter = self.cutter or RequestCutter()
        self.cutter = None
        lane = self.lane
        if lane is not None:
            lane.cork()
        try:
            for name, frame in cutter.feed(data):
                self._take(name, frame)
        except BadRequest as fault:
            self._take(BAD, fault.reply())
            self.listen(False)
            self.ended = True
        else:
            if cutter.held > REQUEST_MAX:
                log.warning("client %d is closed: a command of more than %d bytes", self.number, REQUEST_MAX)
                self.close()
            elif not cutter.at_boundary:
                self.cutter = cutter
        finally:
            if lane is not None and not lane.closed:
                lane.flush()
                if lane.unsent is not None:
                    self.listen(False)

    def _take(self, name: bytes, frame: Frame) -> None:
        if self.waiting is None and self._may_go():
            self._carry_out(name, frame)
            return
        if self.waiting is None:
            self.waiting = deque()
        self.waiting.append((name, frame))
        self.waiting_bytes += len(frame) if isinstance(frame, bytes) else sum(map(len, frame))
        if self.waiting_bytes > WAITING_MAX:
            self.listen(False)
        if self.route.gate.closed:
            self.route.gate.waited += 1
            self.route.gate.wait(self)
        elif self.lane is None:
            self.route.want_lane(self)

    def _may_go(self) -> bool:
        return self.lane is not None and self.answering is None and not self.route.gate.closed

    @at_own_risk
    def bind(self, lane: "Lane") -> None:
        """From now on this lane is the client's. May be done between any two commands."""
        self.lane = lane
        lane.owner = self
        lane.mixed = self.session.listening
        if self.session.replies == "skip":
            self.do(SendSilently(SKIP))
        if self.session.transaction is not None:
            lane.cork()
            for step in transaction(self.session):
                self.do(step)
            lane.flush()

    def move(self, lane: "Lane | None") -> "Lane":
        """Leave the lane for another, or for one that is opened when it is needed; gives the lane left
        behind."""
        left = self.lane
        assert left is not None and not left.ledger, "a client moves when nothing is owed to it"
        left.owner = self.lane = None
        self.session.moved = True
        self.session.watch_lost = self.session.watching
        if lane is not None:
            self.bind(lane)
        return left

    @property
    def needs_lane(self) -> bool:
        """It has something going on that does not wait for its next command."""
        session = self.session
        return not self.leaving and bool(self.waiting or session.subscriptions or session.blocked)

    @at_own_risk
    def go_on(self) -> None:
        """Carry out what waits, as far as it may go."""
        if self.closed or self.leaving:
            return
        if self.waiting:
            if self.route.gate.closed:
                self.route.gate.wait(self)
                return
            if self.lane is None:
                self.route.want_lane(self)
                return
            self.lane.cork()
            waiting = self.waiting
            while waiting and self._may_go():
                name, frame = waiting.popleft()
                self.waiting_bytes -= len(frame) if isinstance(frame, bytes) else sum(map(len, frame))
                self._carry_out(name, frame)
            if self.lane is not None and not self.lane.closed:
                self.lane.flush()
        if not self.waiting:
            self.waiting = None
            if self.ended:
                self.finish()
            elif self.lane is not None and self.lane.unsent is None:
                self.listen(True)

    gate_opened = go_on

    def _carry_out(self, name: bytes, frame: Frame) -> None:
        """Forward a command that may go, and enter in the ledger what it owes."""
        lane = self.lane
        assert lane is not None and not self.route.gate.closed, "the gate keeps commands away"
        if name == BAD:
            assert isinstance(frame, bytes)
            self.do(Say(frame, close=True))
        elif self.session.plain and name not in SPECIAL:
            self.route.learn(name)
            lane.owe(self, 1)
            lane.send_frame(frame)
        else:
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
                    lane.owe(self, 1)
                else:
                    lane.owe_wanted(self, want)
                    lane.mixed = lane.mixed or want.mixes
                lane.send_frame(frame)
            case SendAndWait(frame, want):
                self.answering = want
                if isinstance(want, Blocking) and want.since is None:
                    want.since = self.route.now()
                lane.owe_wanted(self, want)
                lane.send_frame(frame)
            case SendSilently(frame):
                lane.send_frame(frame)
            case Say(reply, close):
                lane.say(self, reply)
                if close:
                    self.leave()
            case WaitOutside(words):
                self.answering = OUTSIDE
                self.route.wait_outside(self, words)

    def answered(self, want: Want) -> None:
        """A reply that was looked at is in."""
        if want is not self.answering:
            return
        if isinstance(want, Blocking) and want.parked:
            return  # recalled: whoever did that issues it again
        self.answering = None
        for step in want.then(self.session):
            self.do(step)
        if self.answering is None and (self.waiting or self.ended):
            self.go_on()

    @at_own_risk
    def reissue(self) -> None:
        """Issue a parked command again, on the lane that the client has now."""
        if not self.closed and self.lane is not None and (steps := resume(self.session, self.route.now())):
            self.answering = None
            for step in steps:
                self.do(step)
            if self.answering is None:
                self.go_on()  # its time had run out: what came behind it goes on, now or when the gate opens

    @at_own_risk
    def answered_outside(self, reply: bytes) -> None:
        """What a connection of the proxy's own found out for a WAIT."""
        if not self.closed:
            self.answering = None
            self.deliver(reply)
            self.go_on()

    def deliver(self, data: bytes) -> None:
        """Give the client what is due to it."""
        if not self.closed:
            self.send(data)
            if self.unsent is not None and self.unsent_bytes > UNREAD_MAX and self.lane is not None:
                self.route.unread(self, self.lane)

    def lane_drained(self) -> None:
        """The lane takes commands again."""
        if not self.ended and self.waiting_bytes <= WAITING_MAX:
            self.listen(True)

    def close(self) -> None:
        if not self.closed:
            self.shut()
            self.route.forget(self)

    abandon = close


class _Outside(Want):
    """Stands for an answer that comes from elsewhere than the lane."""


OUTSIDE = _Outside()
