"""The console's connections: commands are cut, answered in turn, and a bad connection disturbs nobody.

Rules:

1. A connection's commands run one after the other. What must not be left half done (a switchover) runs in the
   console's own nursery: if whoever asked goes away, only the answer is lost.
2. Nothing that arrives ends the console: a broken request closes its connection, a bug is an error reply and
   a traceback in the log.
3. All is bounded: connections, a request's bytes, the time in which an answer must be taken.
4. Like Redis, it closes on ``POST`` and ``Host:``, so that a web page cannot make a browser send it commands.
"""

import logging
import socket
from collections.abc import Iterator, Sequence

import trio

from proxy.admin.commands import COMMANDS, Usage, ask
from proxy.admin.encoding import Error, Reply, clean, encode
from proxy.admin.handshake import HANDSHAKE, Visitor
from proxy.admin.operator import Operator
from proxy.switchover.errors import SwitchoverError
from proxy.wire.encoding import error
from proxy.wire.requests import BadRequest, RequestCutter, arguments

log = logging.getLogger(__name__)

VISITORS_MAX = 64
REQUEST_MAX = 64 * 1024
"""Bytes."""
TAKE_TIMEOUT_S = 10.0
"""How long an answer may wait for whoever asked to read it."""
LINGER_S = 1.0
"""How long the rest of a broken request is read and dropped: closing on it would take the error away."""


async def serve_console(listeners: Sequence[trio.SocketListener], operator: Operator) -> None:
    """Answer whoever connects, until cancelled."""
    async with trio.open_nursery() as nursery:
        console = _Console(operator, nursery)
        await trio.serve_listeners(console.receive, list(listeners), handler_nursery=nursery)


class _Console:
    def __init__(self, operator: Operator, nursery: trio.Nursery) -> None:
        self._operator = operator
        self._nursery = nursery
        self._visitors = 0
        self._last_id = 0

    async def receive(self, stream: trio.SocketStream) -> None:
        """One connection, from its acceptance to its end."""
        self._visitors += 1
        self._last_id += 1
        visitor = Visitor(self._last_id, _peer(stream))
        try:
            async with stream:
                if self._visitors > VISITORS_MAX:
                    await _say_last(stream, error("ERR max number of clients reached"))
                else:
                    await self._converse(stream, visitor)
        except (trio.BrokenResourceError, trio.TooSlowError):
            log.info("admin: %s has gone or does not read; its connection is closed", visitor.peer)
        except Exception:
            log.exception("admin: %s: its connection is closed", visitor.peer)
        finally:
            self._visitors -= 1

    async def _converse(self, stream: trio.SocketStream, visitor: Visitor) -> None:
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)  # else the vanished fill the places
        cutter = RequestCutter()
        async for chunk in stream:
            try:
                for words in _requests(cutter, bytes(chunk)):
                    reply = await self._answer(visitor, words)
                    with trio.fail_after(TAKE_TIMEOUT_S):
                        await stream.send_all(encode(reply, visitor.protocol))
                    if visitor.leaving:
                        return
            except BadRequest as broken:
                await _say_last(stream, broken.reply())
                return

    async def _answer(self, visitor: Visitor, words: list[str]) -> Reply:
        name, rest = words[0].upper(), words[1:]
        command = COMMANDS.get(name)
        if command is None or not command.carried_through:
            return await self._reply(visitor, name, rest)
        if [word.upper() for word in rest[:1]] not in (["STATUS"], ["HELP"]):
            log.info("admin: %s asks %s", visitor.peer, clean(" ".join([name, *rest])))
        put, take = trio.open_memory_channel[Reply](1)

        async def carry_through() -> None:
            put.send_nowait(await self._reply(visitor, name, rest))

        self._nursery.start_soon(carry_through)
        return await take.receive()

    async def _reply(self, visitor: Visitor, name: str, rest: list[str]) -> Reply:
        """The answer, errors included."""
        try:
            if handshake := HANDSHAKE.get(name):
                return handshake(visitor, rest)
            return await ask(self._operator, name, rest)
        except Usage as usage:
            return Error(f"ERR {usage}")
        except SwitchoverError as undone:
            return Error(f"{undone.kind} {undone}")
        except Exception as bug:
            log.exception("admin: %s failed", clean(name))
            return Error(f"ERR internal: {type(bug).__name__}: {bug}")


def _requests(cutter: RequestCutter, chunk: bytes) -> Iterator[list[str]]:
    """The commands that are whole with `chunk`, as words. Raises BadRequest."""
    if cutter.at_boundary and not (chunk[0] in b"\t\r\n" or 0x20 <= chunk[0] < 0x7F):
        raise BadRequest(f"a command does not begin with byte 0x{chunk[0]:02x}")
    for name, frame in cutter.feed(chunk):
        if name in (b"POST", b"HOST:"):
            raise BadRequest("this is not HTTP")
        yield [word.decode("utf-8", "backslashreplace") for word in arguments(frame)]
    if cutter.held + cutter.wants > REQUEST_MAX:
        raise BadRequest(f"a request is at most {REQUEST_MAX} bytes long")


async def _say_last(stream: trio.SocketStream, reply: bytes) -> None:
    """Send `reply`, then close in a way that lets it arrive."""
    with trio.move_on_after(LINGER_S):
        await stream.send_all(reply)
        await stream.send_eof()
        while await stream.receive_some():
            pass


def _peer(stream: trio.SocketStream) -> str:
    try:
        host, port, *_ = stream.socket.getpeername()
    except OSError:  # it has gone already
        return "somebody"
    return f"{host}:{port}"
