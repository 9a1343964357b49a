"""A client: an application's connection, and the way of its commands to a lane.

Theory. Plain commands that arrive whole are counted and go straight down the lane, in one piece, as they
came. All else takes the slow way: it is cut, and each command is asked about in :mod:`proxy.session.table`.
A command waits in the proxy while the gate is closed, while the client has no lane, and behind one that must
be answered first. Rules:

1. What waits is executed in the order of arrival, before anything that arrives later.
2. A client whose waiting commands or undelivered replies outgrow a limit is not received from until they
   shrink.
3. What goes down a lane is told by :mod:`proxy.relay.performer`.
"""

from collections import deque
from typing import TYPE_CHECKING, cast

from proxy.relay.guest import at_own_risk
from proxy.relay.mover import Elsewhere
from proxy.relay.peer import RECEIVE, RECEIVE_LONG
from proxy.relay.performer import BAD, Performer
from proxy.relay.reactor import OUT, Reactor
from proxy.session.learned import LEARNABLE, recall
from proxy.session.sharing import apart, count_whole, ends_script, pinned, whole
from proxy.transport.transport import Transport
from proxy.wire.counting import LONG, count_requests
from proxy.wire.encoding import error
from proxy.wire.requests import BadRequest, Frame, RequestCutter, size_of

if TYPE_CHECKING:
    from proxy.relay.route import Route

WHEN_IDLE = frozenset((b"AUTH", b"HELLO"))
"""From 7.2 on Redis does not tell of a login that fails while it has replies to write (``addAuthErrReply`` in
acl.c), so these go when nothing is owed, or the count would be out of step."""


class Client(Performer):
    """One application's connection."""

    __slots__ = ("cutter",)

    def __init__(self, reactor: Reactor, transport: Transport, route: "Route", number: int) -> None:
        super().__init__(reactor, transport, route, number)
        self.cutter: RequestCutter | None = None
        reactor.add_client(self.fd, self)

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
        self.traffic.received += len(data)
        if self.ended or self.leaving:
            return  # it has broken the protocol: only its end is waited for
        lane = self.lane
        route = self.route
        if (
            lane is not None
            and cutter is None
            and self.session.plain
            and self.waiting is None
            and self.answering is None
            and not route.gate.closed
            and not lane.closed
            and len(data) < LONG
            and (count := count_requests(data, route.plain) or self._whole(data))
        ):
            lane.forward(self, data, count)
            if lane.unsent is not None:
                lane.stop(self)
            return
        self._look(data)

    def _whole(self, data: bytes) -> int:
        """How many commands this is, if it is one whole transaction that may be shared; else 0."""
        shared = self.lane is not None and self.lane.shared and not self.route.stalls.held
        return count_whole(data, self.route.plain) if shared else 0

    def _look(self, data: bytes) -> None:
        """The slow way: command by command."""
        cutter = self.cutter or RequestCutter(self.route.arguments_max)
        self.cutter = None
        most, size = self.route.allowance.command_bytes, len(data) + cutter.held
        lane = self.lane
        if lane is not None:
            lane.cork()
        try:
            for name, frame in cutter.feed(data):
                if size > most and size_of(frame) > most:
                    self._too_long(most)
                    return
                self._take(name, frame)
        except BadRequest as fault:
            self._take(BAD, fault.reply())
            self.ended = True
        else:
            if cutter.held > most:
                self._too_long(most)
            elif not cutter.at_boundary:
                self.cutter = cutter
        finally:
            if lane is not None and not lane.closed:
                lane.flush()
                if lane.unsent is not None:
                    lane.stop(self)
        if self.waiting:
            self.go_on()
        self.route.hoard.notice(self, size)

    def _too_long(self, most: int) -> None:
        """As Redis does at ``client-query-buffer-limit``: it is closed without a word."""
        self.route.let_go(self, "command_bytes", f"a command of more than {most} bytes")

    def _take(self, name: bytes, frame: Frame) -> None:
        if self.waiting is None and self._may_go(name, frame):
            self.carry_out(name, frame)
            return
        if self.waiting is None:
            self.waiting = deque()
        self.waiting.append((name, frame))
        self.waiting_bytes += size_of(frame)
        if self._waits_for_much:
            self.listen(False)

    @property
    def _waits_for_much(self) -> bool:
        allowed = self.route.allowance
        many = self.waiting is not None and len(self.waiting) > allowed.waiting_commands
        return many or self.waiting_bytes > allowed.waiting_bytes

    def _may_go(self, name: bytes, frame: Frame) -> bool:
        """The command may go down the lane that the client has now."""
        lane = self.lane
        if lane is None or lane.closed or self.route.gate.closed:
            return False
        if lane.shared:
            if self.route.stalls.held and name in self.route.stalls.held:
                return False
            return self.answering is None and not (lane.unfit or self._apart(name, frame))
        if self.gone and self.session.blocked is not None:
            return True  # the lane ends with it, whether in step or not
        return self.answering is None and not (name in WHEN_IDLE and lane.owes)

    def _apart(self, name: bytes, frame: Frame, count: int = 0) -> str:
        """Why this command may not go down a shared lane; empty if it may."""
        if self.heavy_until:
            return "large transfers"
        if count or name in (BAD, b"QUIT"):  # a whole transaction, or what the proxy itself answers
            return ""
        return apart(self.session, name, frame, self.route.plain)

    def _get_lane(self) -> bool:
        """Get the lane that the first waiting command needs; True if the client has it now."""
        assert self.waiting
        route, lane = self.route, self.lane
        name, frame = self.waiting[0]
        count = whole(self.waiting, route.plain) if name == b"MULTI" and route.shares else 0
        if not route.shares or (lane is not None and not lane.shared):
            if lane is None:
                route.want_lane(self)
            elif name in WHEN_IDLE and lane.owes:
                lane.forget_idle(self.settled)  # once is enough
                lane.when_idle(self.settled)
            return False
        if lane is None:
            if not route.admission.admit(self):
                return False
            lane = route.lanes.of(self.session)
            self.why = pinned(self.session) or lane.unfit or self._apart(name, frame, count)
            if not self.why:
                self.join(lane)
                return True
            if ends_script(name, frame) and not pinned(self.session):
                self.answering = Elsewhere()
                self.reactor.counts.answered += 1
                route.ask_outside(self, self._next()[1])
                return False
            return self._recall(name, frame) or route.lanes.lend(self)
        if self.answering is not None:
            return False
        if name in route.stalls.held and not pinned(self.session):
            route.stalls.wait(self)
            return False
        why = lane.unfit or self._apart(name, frame, count)
        if not why and lane.closed:
            lane.wait(self)
            return False
        if not why and count:
            lane.forward(self, b"".join(cast(bytes, self._next()[1]) for _ in range(count)), count)
            lane.flush()
            return True
        if self.owed:
            self.settling = True
            return False
        self.part()
        return True

    def refuse(self, fault: Exception) -> None:
        """Answer the first waiting command with what the node said when a lane was to be set up for it."""
        if self.waiting:
            self._next()
            self.reactor.counts.answered += 1
            text = str(fault)
            self.deliver(error(text[text.index("BUSY ") :]))

    def _recall(self, name: bytes, frame: Frame) -> bool:
        """Answer the first waiting command with what the node has just answered to another client."""
        if name not in LEARNABLE or pinned(self.session):
            return False
        answer = recall(self.session, self.route.learned, name, frame, self.route.now())
        if answer is None:
            return False
        if self.route.altered is not None:
            self.route.altered.add(self)
        self._next()
        self.reactor.counts.answered += 1
        self.deliver(answer)
        if self.lane is None and not self.waiting and not self.heavy_until:
            self.join(self.route.lanes.of(self.session))
        return True

    def _next(self) -> tuple[bytes, Frame]:
        assert self.waiting
        name, frame = self.waiting.popleft()
        self.waiting_bytes -= size_of(frame)
        return name, frame

    def put_back(self, name: bytes, frame: Frame) -> None:
        """A command that could not go yet is the next one again."""
        if self.waiting is None:
            self.waiting = deque()
        self.waiting.appendleft((name, frame))
        self.waiting_bytes += size_of(frame)
        self.route.hoard.add(self)

    @at_own_risk
    def go_on(self) -> None:
        """Carry out what waits, as far as it may go."""
        if self.closed or self.leaving:
            return
        if self.waiting:
            if self.route.gate.closed:
                self.route.gate.wait(self)
                return
            while self.waiting and self._carry_on() and self._get_lane():
                pass
        if not self.waiting:
            self.waiting = None
            if self.gone and self.session.blocked is not None and self.lane is not None:
                # The node does what Redis does with a client that has gone: it answers at once or frees it.
                self.session.quitting = True
                self.lane.end_sending()
            elif self.ended:
                self.finish()
            else:
                lane = self.lane
                if lane is None or lane.shared or lane.unsent is None:
                    self.listen(True)
                if lane is not None and lane.shared and lane.unsent is not None:
                    lane.stop(self)
                self.come_back()

    def _carry_on(self) -> bool:
        """Carry out what may go down the present lane; True if something waits for another."""
        waiting, lane = self.waiting, self.lane
        if lane is not None and not lane.closed:
            lane.cork()
            while waiting and self._may_go(waiting[0][0], waiting[0][1]):
                self.carry_out(*self._next())
            if not lane.closed:
                lane.flush()
        return bool(waiting) and not self.closed

    gate_opened = go_on

    def lane_drained(self) -> None:
        """The lane takes commands again."""
        if not (self.ended or self.leaving or self._waits_for_much):
            self.listen(True)

    def close(self) -> None:
        if not self.closed:
            self.shut()
            self.route.forget(self)

    abandon = close
