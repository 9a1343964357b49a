"""One end of the proxy: a socket in the reactor, and what it could not take yet.

``unsent`` is None as long as everything goes out at once, which is nearly always. While it is a deque, what
is sent is queued: the socket is full, or the peer is corked, so that many small sends become one.
"""

import contextlib
import socket
from collections import deque

from proxy.relay.reactor import IN, OUT, Reactor
from proxy.transport.transport import Transport
from proxy.wire.requests import Frame

RECEIVE = 64 * 1024
"""Bytes asked for at once; more while a long bulk is under way."""
RECEIVE_LONG = 1024 * 1024
JOIN = 64 * 1024
"""Bytes. Queued pieces are sent together up to this."""


class Peer:
    """What clients and lanes have in common."""

    __slots__ = ("closed", "events", "fd", "reactor", "traffic", "transport", "unsent", "unsent_bytes")

    def __init__(self, reactor: Reactor, transport: Transport) -> None:
        self.reactor = reactor
        self.traffic = reactor.counts.nodes
        self.transport = transport
        self.fd = transport.fileno()
        self.unsent: deque[bytes | memoryview] | None = None
        self.unsent_bytes = 0
        self.events = IN
        self.closed = False

    def send(self, data: bytes) -> None:
        """Send, or queue what does not go out now. Never raises: a dead peer shows when it is received
        from."""
        if self.unsent is None:
            try:
                sent = self.transport.send(data)
            except BlockingIOError:
                sent = 0
            except OSError:
                return
            self.traffic.sent += sent
            if sent == len(data):
                return
            self.unsent = deque()
            self.unsent.append(memoryview(data)[sent:])
            self.unsent_bytes = len(data) - sent
            self._watch(self.events | OUT)
        else:
            self.unsent.append(data)
            self.unsent_bytes += len(data)

    def send_frame(self, frame: Frame) -> None:
        """Send a command, whichever way it is kept."""
        if isinstance(frame, bytes):
            self.send(frame)
        else:
            for piece in frame:
                self.send(piece)

    def cork(self) -> None:
        """Queue what is sent from now on; ``flush`` sends it together."""
        if self.unsent is None:
            self.unsent = deque()

    def flush(self) -> None:
        """Send what is queued, as far as it goes."""
        unsent = self.unsent
        if unsent is None:
            return
        try:
            while unsent:
                data = self._joined(unsent)
                sent = self.transport.send(data)
                self.traffic.sent += sent
                self.unsent_bytes -= sent
                if sent < len(data):
                    unsent.appendleft(memoryview(data)[sent:])
                    break
        except BlockingIOError:
            unsent.appendleft(data)
        except OSError:
            unsent.clear()
            self.unsent_bytes = 0
        if unsent:
            self._watch(self.events | OUT)
        else:
            self.unsent = None
            self._watch(self.events & ~OUT)
            self.drained()

    @staticmethod
    def _joined(unsent: deque[bytes | memoryview]) -> bytes | memoryview:
        first = unsent.popleft()
        if not unsent or len(first) >= JOIN:
            return first
        pieces, size = [first], len(first)
        while unsent and size + len(unsent[0]) <= JOIN:
            size += len(unsent[0])
            pieces.append(unsent.popleft())
        return b"".join(pieces) if len(pieces) > 1 else first

    def end_sending(self) -> None:
        """Nothing more will be sent, and the other side is told so; it may still answer."""
        self.flush()
        with contextlib.suppress(OSError):
            self.transport.shutdown(socket.SHUT_WR)

    def drained(self) -> None:
        """Everything has gone out that had to wait."""

    def listen(self, wanted: bool) -> None:
        """Receive, or leave what comes to the kernel, whose window then closes."""
        self._watch(self.events | IN if wanted else self.events & ~IN)

    def _watch(self, events: int) -> None:
        if events != self.events and not self.closed:
            self.events = events
            self.reactor.watch(self.fd, events)

    def unwatch(self) -> None:
        """Leave the reactor."""
        self.reactor.remove(self.fd)

    def shut(self) -> None:
        """Out of the reactor and closed; idempotent."""
        if not self.closed:
            self.closed = True
            self.unwatch()
            self.unsent = None
            with contextlib.suppress(OSError):  # close reports an error that a dead peer caused
                self.transport.close()
