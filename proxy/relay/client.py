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

import logging
from collections import deque
from typing import TYPE_CHECKING

from proxy.relay.guest import at_own_risk
from proxy.relay.peer import RECEIVE, RECEIVE_LONG
from proxy.relay.performer import BAD, Performer
from proxy.relay.reactor import OUT, Reactor
from proxy.relay.transport import Transport
from proxy.wire.counting import LONG, count_requests
from proxy.wire.requests import BadRequest, Frame, RequestCutter, size_of

if TYPE_CHECKING:
    from proxy.relay.route import Route

log = logging.getLogger("baton")

WAITING_MAX = 1024 * 1024
"""Bytes of commands that wait in the proxy before the client is no longer received from; one command may be
larger."""
REQUEST_MAX = 1024 * 1024 * 1024
"""Bytes of one command; Redis's own ``client-query-buffer-limit``, at which it closes the connection."""


WHEN_IDLE = frozenset((b"AUTH", b"HELLO"))
"""From 7.2 on Redis does not tell of a login that fails while it has replies to write (``addAuthErrReply`` in
acl.c), so these go when nothing is owed, or the count would be out of step."""


class Client(Performer):
    """One application's connection."""

    __slots__ = ("cutter",)

    def __init__(self, reactor: Reactor, transport: Transport, route: "Route", number: int) -> None:
        super().__init__(reactor, transport, route, number)
        self.cutter: RequestCutter | None = None
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
        if self.ended:
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
        cutter = self.cutter or RequestCutter(self.route.arguments_max)
        self.cutter = None
        lane = self.lane
        if lane is not None:
            lane.cork()
        try:
            for name, frame in cutter.feed(data):
                self._take(name, frame)
        except BadRequest as fault:
            self._take(BAD, fault.reply())
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
        if self.waiting is None and self._may_go(name):
            self.carry_out(name, frame)
            return
        if self.waiting is None:
            self.waiting = deque()
        self.waiting.append((name, frame))
        self.waiting_bytes += size_of(frame)
        if self.waiting_bytes > WAITING_MAX:
            self.listen(False)
        if self.route.gate.closed:
            self.route.gate.waited += 1
            self.route.gate.wait(self)
        elif self.lane is None:
            self.route.want_lane(self)
        elif name in WHEN_IDLE and len(self.waiting) == 1:  # behind others, they come to it
            self.lane.when_idle(self.go_on)

    def _may_go(self, name: bytes) -> bool:
        if self.lane is None or self.route.gate.closed:
            return False
        if self.gone and self.session.blocked is not None:
            return True  # the lane ends with it, whether in step or not
        return self.answering is None and not (name in WHEN_IDLE and self.lane.ledger)

    def put_back(self, name: bytes, frame: Frame) -> None:
        """A command that could not go yet is the next one again."""
        if self.waiting is None:
            self.waiting = deque()
        self.waiting.appendleft((name, frame))
        self.waiting_bytes += size_of(frame)

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
            while waiting and self._may_go(waiting[0][0]):
                name, frame = waiting.popleft()
                self.waiting_bytes -= size_of(frame)
                self.carry_out(name, frame)
            if self.lane is not None and not self.lane.closed:
                self.lane.flush()
                if waiting and waiting[0][0] in WHEN_IDLE and self.lane.ledger:
                    self.lane.forget_idle(self.go_on)  # once is enough
                    self.lane.when_idle(self.go_on)
        if not self.waiting:
            self.waiting = None
            if self.gone and self.session.blocked is not None and self.lane is not None:
                # The node does what Redis does with a client that has gone: it answers at once or frees it.
                self.session.quitting = True
                self.lane.end_sending()
            elif self.ended:
                self.finish()
            elif self.lane is not None and self.lane.unsent is None:
                self.listen(True)

    gate_opened = go_on

    def lane_drained(self) -> None:
        """The lane takes commands again."""
        if not self.ended and self.waiting_bytes <= WAITING_MAX:
            self.listen(True)

    def close(self) -> None:
        if not self.closed:
            self.shut()
            self.route.forget(self)

    abandon = close
