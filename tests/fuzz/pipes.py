"""Connections without sockets: what the proxy sends is kept, what it receives is put in by hand."""

from collections import deque
from collections.abc import Iterator
from itertools import count
from typing import Any

from attrs import Factory, define

from proxy.relay.reactor import Reactor, Ready

_NUMBERS = count(1_000_000)


@define(eq=False)
class Pipe:
    """The proxy's end, as a transport; the other end is the rest of it."""

    number: int = Factory(_NUMBERS.__next__)
    coming: deque[bytes] = Factory(deque)
    """What can be received; b"" is the end."""
    broken: bool = False
    """It was reset: receiving fails, and what is sent is lost."""
    offered: bytearray = Factory(bytearray)
    """All that was ever to be sent; for who puts it in."""
    sent: bytearray = Factory(bytearray)
    room: int | None = None
    """Bytes that it takes until ``sent`` is read; None is without a limit."""
    closed: bool = False
    has_more: bool = False

    def fileno(self) -> int:
        return self.number

    def receive(self, size: int, /) -> bytes:
        if self.broken:
            raise ConnectionResetError(104, "Connection reset by peer")
        if not self.coming:
            raise BlockingIOError
        first = self.coming.popleft()
        if not first:
            self.coming.append(first)
        if len(first) > size:
            self.coming.appendleft(first[size:])
        return first[:size]

    def peek(self) -> bytes:
        if not self.coming:
            raise BlockingIOError
        return self.coming[0][:1]

    def send(self, data: bytes | memoryview, /) -> int:
        if self.broken:
            raise BrokenPipeError(32, "Broken pipe")
        taken = len(data) if self.room is None else min(len(data), self.room)
        if self.room is not None:
            if not taken:
                raise BlockingIOError
            self.room -= taken
        self.sent += data[:taken]
        return taken

    def read(self) -> bytes:
        """All that was sent since it was read last."""
        data = bytes(self.sent)
        self.sent.clear()
        return data

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.close()

    def shutdown(self, how: int, /) -> None:
        """Nothing more is sent."""

    def getsockname(self) -> Any:
        return "127.0.0.1", 7000

    def getpeername(self) -> Any:
        return "127.0.0.1", self.number

    @property
    def peer_name(self) -> str:
        return f"127.0.0.1:{self.number}"

    def getsockopt(self, level: int, option: int, size: int, /) -> bytes:
        return bytes(size)


class HandReactor(Reactor):
    """A reactor whose sockets are pipes, and whose turns are taken by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.handlers: dict[int, Ready] = {}
        self.wanted: dict[int, int] = {}
        """Which events each is called for."""

    def add(self, fd: int, handler: Ready) -> None:
        self.handlers[fd] = handler
        self.wanted[fd] = 1

    def watch(self, fd: int, events: int) -> None:
        assert fd in self.handlers, "a socket that is not in the set cannot be watched"
        self.wanted[fd] = events

    def replace(self, fd: int, handler: Ready) -> None:
        assert fd in self.handlers
        self.handlers[fd] = handler

    def remove(self, fd: int) -> None:
        self.handlers.pop(fd, None)
        self.wanted.pop(fd, None)

    def add_client(self, fd: int, handler: Ready) -> None:
        self.add(fd, handler)

    def watch_client(self, fd: int, before: int, events: int) -> None:
        self.watch(fd, events)

    def remove_client(self, fd: int, events: int) -> None:
        self.remove(fd)

    def ready(self, pipe: Pipe, events: int) -> None:
        """Call who waits for this; a fault is not caught, as it is in ``run``."""
        handler = self.handlers.get(pipe.number)
        if handler is not None and (wanted := events & self.wanted[pipe.number]):
            handler.ready(wanted)

    def send_due(self) -> None:
        """The end of a turn."""
        self.busy = False
        while self.due:
            self.due.pop().send_due()


def in_pieces(data: bytes, size: int) -> Iterator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]
