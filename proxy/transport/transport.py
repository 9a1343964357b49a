"""The one way to a socket, whatever is spoken over it: receive, peek, send, close, has_more."""

from typing import Any, Protocol


class Transport(Protocol):
    """A non-blocking byte stream. ``receive``, ``peek`` and ``send`` raise BlockingIOError when they would
    block, and OSError when the connection is broken."""

    def fileno(self) -> int: ...

    def receive(self, size: int, /) -> bytes:
        """What is there, so much at most; empty at the end."""

    def peek(self) -> bytes:
        """A byte that can be received, without receiving it; empty at the end."""

    def send(self, data: bytes | memoryview, /) -> int:
        """Send, and return how many bytes are taken. Who tries again offers the same bytes first."""

    def close(self) -> None: ...

    def abort(self) -> None:
        """Close by a reset: what was sent and has not arrived never will."""

    def shutdown(self, how: int, /) -> None: ...
    def getsockname(self) -> Any: ...
    def getpeername(self) -> Any: ...
    def getsockopt(self, level: int, option: int, size: int, /) -> bytes: ...

    @property
    def has_more(self) -> bool:
        """Something can be received of which the kernel, and so epoll, does not know."""

    @property
    def peer_name(self) -> str:
        """The other end, as CLIENT LIST writes it."""
