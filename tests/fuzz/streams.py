"""One connection of trio's kind without a socket: it says its pieces, waits a moment, and ends its side."""

import socket
from collections.abc import Awaitable, Callable
from typing import Any

import trio
from attrs import Factory, define
from trio.testing import MockClock

LEAVES_S = 10.0
FOR_EVER_S = 1000.0
PATIENCE_S = 1.0
"""Of a clock that does not wait: for so long whoever has said all goes on listening."""


@define(eq=False)
class Ends:
    """What is asked of the socket itself."""

    family: int = socket.AF_INET
    closed: bool = False

    def getpeername(self) -> tuple[str, int]:
        return "127.0.0.1", 40000

    def getsockname(self) -> tuple[str, int]:
        return "127.0.0.1", 7379

    def close(self) -> None:
        self.closed = True


@define(eq=False)
class Memory:
    """The proxy's end."""

    pieces: list[bytes]
    heard: bytearray = Factory(bytearray)
    """All that it was sent."""
    socket: Ends = Factory(Ends)

    async def receive_some(self, size: int | None = None) -> bytes:
        await trio.lowlevel.checkpoint()
        if not self.pieces:
            await trio.sleep(PATIENCE_S)
        if self.socket.closed:
            raise trio.ClosedResourceError
        return self.pieces.pop(0) if self.pieces else b""

    async def send_all(self, data: bytes) -> None:
        await trio.lowlevel.checkpoint()
        if self.socket.closed:
            raise trio.ClosedResourceError
        if trio.current_time() > LEAVES_S:  # by then it hears nothing either
            raise trio.BrokenResourceError
        self.heard += data

    async def send_eof(self) -> None:
        await trio.lowlevel.checkpoint()

    async def aclose(self) -> None:
        self.socket.closed = True
        await trio.lowlevel.checkpoint()

    def setsockopt(self, *option: Any) -> None: ...

    async def __aenter__(self) -> "Memory":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


def serve(stream: Memory, receive: Callable[[trio.Nursery], Callable[[Any], Awaitable[None]]]) -> None:
    """Have one connection served to its end, by a clock that jumps."""

    async def run() -> None:
        with trio.move_on_after(FOR_EVER_S) as limit:
            async with trio.open_nursery() as nursery:
                await receive(nursery)(stream)
                nursery.cancel_scope.cancel()
        assert not limit.cancelled_caught, "the connection has ended, and is served for ever"

    trio.run(run, clock=MockClock(autojump_threshold=0))
