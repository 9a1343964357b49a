"""The one way to a socket: receive, peek, send, close, has_more.

Plain TCP is the socket itself, so that the hot path pays no call for the abstraction. TLS will be another
class with these; ``has_more`` is for it: bytes that are decrypted already and that epoll does not know
of.
"""

import socket
from typing import Any, Protocol

KEEPALIVE = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 300),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 100),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
)
"""As Redis sets it for its clients by default (``tcp-keepalive 300``)."""


class Transport(Protocol):
    """A non-blocking byte stream. ``receive`` and ``send`` raise BlockingIOError when they would block."""

    def fileno(self) -> int: ...
    def receive(self, size: int, /) -> bytes: ...
    def peek(self) -> bytes: ...
    def send(self, data: bytes | memoryview, /) -> int: ...
    def close(self) -> None: ...
    def shutdown(self, how: int, /) -> None: ...
    def getsockname(self) -> Any: ...
    def getpeername(self) -> Any: ...
    def getsockopt(self, level: int, option: int, size: int, /) -> bytes: ...
    @property
    def has_more(self) -> bool: ...


class Plain(socket.socket):
    """TCP as it is."""

    __slots__ = ()
    has_more = False
    receive = socket.socket.recv

    def peek(self) -> bytes:
        """A byte that can be received, without receiving it; empty at the end."""
        return self.recv(1, socket.MSG_PEEK)

    @classmethod
    def adopt(cls, sock: socket.socket) -> "Plain":
        """Take over a connected socket; the old object is empty afterwards."""
        plain = cls(sock.family, sock.type, sock.proto, fileno=sock.detach())
        plain.setblocking(False)
        return plain

    def prepared(self) -> "Plain":
        """As Redis treats a client: without delay, and aware of a peer whose machine is gone."""
        if self.family in (socket.AF_INET, socket.AF_INET6):
            self.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for option in KEEPALIVE:
                self.setsockopt(*option)
        return self
