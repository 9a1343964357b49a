"""Answers that come in slices: long lists, metrics, and events as they happen.

Rules:

1. A slice is made while nothing else runs, so it is small; between two of them everybody else has a turn.
2. Events wait in a queue of bounded length. Whoever reads too slowly for it is let go, and may come again:
   a browser's EventSource does so by itself.
3. While nothing happens, a comment every `HEARTBEAT_S` shows that the connection lives.
"""

import json
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import Any

import trio
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from proxy.telling import EVENTS, LEVELS, Told, listen

HEARTBEAT_S = 15.0
WAITING_MAX = 256
"""Events that may wait for one reader."""
EVENT_STREAM = "text/event-stream"
BEGIN = b"retry: 1000\n: baton\n\n"
"""A browser comes again after a second; and the comment has the head of the answer sent at once."""
HEARTBEAT = b":\n\n"


class Slices(Response):
    """An answer whose body comes bit by bit. It ends when the reader goes."""

    def __init__(
        self, slices: AsyncGenerator[bytes], media_type: str, ended: Callable[[], None] | None = None
    ) -> None:
        super().__init__(media_type=media_type)
        del self.headers["content-length"]
        self._slices = slices
        self._ended = ended

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with trio.open_nursery() as nursery, aclosing(self._slices) as slices:
                nursery.start_soon(_until_gone, receive, nursery.cancel_scope)
                await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
                if scope["method"] != "HEAD":
                    async for piece in slices:
                        await send({"type": "http.response.body", "body": piece, "more_body": True})
                nursery.cancel_scope.cancel()
            # Not within the scope: at the end Hypercorn says that the reader is gone, and to be cancelled by
            # that would keep it from closing the connection.
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            if self._ended is not None:
                self._ended()


async def _until_gone(receive: Receive, scope: trio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()


class Listening:
    """The events from now on, in a queue; to be closed."""

    def __init__(self, level: str = "info", switchover_only: bool = False) -> None:
        self._least = LEVELS.index(level)
        self._switchover_only = switchover_only
        self._put, self._take = trio.open_memory_channel[Told](WAITING_MAX)
        self._stop = listen(self._hear)

    def _hear(self, told: Told) -> None:
        known = EVENTS.get(told["event"])
        if known is not None and LEVELS.index(known.level) < self._least:
            return
        if self._switchover_only and "switchover" not in told:
            return
        try:
            self._put.send_nowait(told)
        except trio.WouldBlock:
            self.close()
        except (trio.ClosedResourceError, trio.BrokenResourceError):
            pass

    def close(self) -> None:
        """No more events; what waits may still be taken."""
        self._stop()
        self._put.close()

    def leave(self) -> None:
        """Nobody will take them."""
        self.close()
        self._take.close()

    def waiting(self) -> list[Told]:
        """Those that have come and were not taken."""
        found = []
        try:
            while True:
                found.append(self._take.receive_nowait())
        except (trio.WouldBlock, trio.EndOfChannel):
            return found

    async def take(self) -> Told | None:
        """The next one; None as a heartbeat. EndOfChannel when this reader was too slow."""
        with trio.move_on_after(HEARTBEAT_S):
            return await self._take.receive()
        return None


def as_event(data: Mapping[str, Any], name: str = "") -> bytes:
    """One event of a stream; those without a name are what the proxy told."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return (
        (f"event: {name}\n" if name else "").encode() + b"data: " + text.encode("utf-8", "replace") + b"\n\n"
    )


async def events(level: str) -> AsyncGenerator[bytes]:
    """Whatever is told from now on, until the reader goes or is too slow."""
    listening = Listening(level)
    try:
        yield BEGIN
        while True:
            try:
                told = await listening.take()
            except trio.EndOfChannel:
                return
            yield HEARTBEAT if told is None else as_event(told)
    finally:
        listening.leave()
