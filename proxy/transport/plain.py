"""TCP as it is: the socket itself, so that the hot path pays no call for the abstraction. And Unix sockets,
of which the kernel tells less.
"""

import socket
import struct
from time import monotonic as clock
from typing import Self

from proxy.transport.naming import named, peer_of

KEEPALIVE = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 300),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 100),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
)
"""As Redis sets it for its clients by default (``tcp-keepalive 300``)."""
RESET = struct.pack("ii", 1, 0)
"""Of SO_LINGER: closing throws away what has not been acknowledged, and resets."""


class Plain(socket.socket):
    """A connected socket; see :class:`proxy.transport.transport.Transport`."""

    __slots__ = ("announced",)
    announced: str
    """The other end, as a PROXY header told it; empty where none did."""
    has_more = False
    receive = socket.socket.recv

    def peek(self) -> bytes:
        return self.recv(1, socket.MSG_PEEK)

    @property
    def peer_name(self) -> str:
        return self.announced or peer_of(self)

    def abort(self) -> None:
        self.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.close()

    @classmethod
    def adopt(cls, sock: socket.socket) -> Self:
        """Take over a connected socket; the old object is empty afterwards."""
        plain = cls(sock.family, sock.type, sock.proto, fileno=sock.detach())
        plain.setblocking(False)
        plain.announced = ""
        return plain

    def prepared(self) -> Self:
        """As Redis treats a client: without delay, and aware of a peer whose machine is gone."""
        if self.family in (socket.AF_INET, socket.AF_INET6):
            self.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for option in KEEPALIVE:
                self.setsockopt(*option)
        return self


class Local(Plain):
    """A Unix socket. The kernel does not tell when something went over it last, so it remembers that."""

    __slots__ = ("_since",)

    @classmethod
    def adopt(cls, sock: socket.socket) -> Self:
        local = super().adopt(sock)
        local._since = clock()
        return local

    def receive(self, size: int, /) -> bytes:  # type: ignore[override]  # no flags are needed
        data = self.recv(size)
        self._since = clock()
        return data

    def send(self, data: bytes | memoryview, /) -> int:  # type: ignore[override]  # no flags are needed
        sent = super().send(data)
        self._since = clock()
        return sent

    @property
    def peer_name(self) -> str:
        """Clients have no name of their own: as Redis does, the one of the place that they came to."""
        try:
            return self.announced or named(self.getsockname())
        except OSError:
            return "?:0"

    @property
    def idle_seconds(self) -> float:
        """Since something was received or sent."""
        return clock() - self._since
