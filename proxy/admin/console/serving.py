"""The console's connections: commands are cut, answered in turn, and a bad connection disturbs nobody.

Rules:

1. A connection's commands run one after the other. What acts (a switchover) runs in the console's own
   nursery: if whoever asked goes away, only the answer is lost.
2. Nothing that arrives ends the console: a broken request closes its connection, a bug is an error reply and
   a traceback in the log.
3. All is bounded: connections (where all places are taken, a stranger gives up his), a request's bytes, the
   time in which an answer must be taken, the time in which one must log in, the events that wait.
4. A long answer is made and sent bit by bit, so that clients go on meanwhile.
5. A viewer is refused, in Redis's words, whatever acts; the table of commands knows what does. Who acts,
   or may not, is told to the audit.
6. Like Redis, it closes on ``POST`` and ``Host:``, so that a web page cannot make a browser send it commands.
"""

import contextlib
import math
import socket
from collections.abc import Iterator, Sequence

import trio

from proxy.admin.console.command import Courtesy, Form
from proxy.admin.console.commands import find, understand
from proxy.admin.console.encoding import Error, Parting, Push, Reply, encode, pieces
from proxy.admin.console.feed import CHANNEL
from proxy.admin.console.syntax import Given, Usage
from proxy.admin.console.visitor import Visitor
from proxy.admin.operator import Operator
from proxy.admin.roles import Brake, Role
from proxy.admin.welcome import NotWelcome, Stream, welcome
from proxy.operation.auditing import audited, denied
from proxy.switchover.errors import SwitchoverError
from proxy.telling import tell
from proxy.transport.contexts import Served
from proxy.transport.naming import peer_of
from proxy.wire.encoding import error
from proxy.wire.requests import BadRequest, RequestCutter, arguments

VISITORS_MAX = 64
REQUEST_MAX = 64 * 1024
"""Bytes."""
PIECE = 16 * 1024
"""Bytes of an answer that are sent at once; then others have their turn."""
TAKE_TIMEOUT_S = 10.0
"""How long an answer, or a piece of a long one, may wait for whoever asked to read it."""
LOGIN_TIMEOUT_S = 60.0
"""How long one who does not know the password may take up a place."""
GATHER_S = 0.02
"""How long events are gathered before they are sent. Sent one by one they would cost a hold of 2 ms, with ten
subscribers, 2 ms more; so they are sent, mostly, when it is over, and no eye sees the difference."""
PROVING = {"AUTH", "HELLO"}
"""By these one may try a password."""
NOT_PERMITTED = "NOPERM User {} has no permissions to run the '{}' command"
"""Redis's own text, of 7.4."""
LINGER_S = 1.0
"""How long the rest of a broken request is read and dropped: closing on it would take the error away."""


async def serve_console(
    listeners: Sequence[trio.SocketListener], operator: Operator, certificate: Served | None = None
) -> None:
    """Answer whoever connects, until cancelled; by TLS alone, where there is a certificate to show."""
    async with trio.open_nursery() as nursery:
        console = _Console(operator, nursery, certificate)
        await trio.serve_listeners(console.receive, list(listeners), handler_nursery=nursery)


class _Console:
    def __init__(self, operator: Operator, nursery: trio.Nursery, certificate: Served | None) -> None:
        self._operator = operator
        self._certificate = certificate
        self._nursery = nursery
        self._present: dict[Visitor, trio.CancelScope] = {}  # in the order in which they came
        self._last_id = 0
        self._brake = Brake(VISITORS_MAX)

    async def receive(self, stream: trio.SocketStream) -> None:
        """One connection, from its acceptance to its end."""
        self._last_id += 1
        visitor = Visitor(self._last_id, peer_of(stream.socket), self._operator, self._brake)
        try:
            async with stream:
                if self._has_room():
                    with trio.CancelScope() as self._present[visitor]:
                        await self._converse(stream, visitor)
                else:
                    tell("-console-closed", peer=visitor.peer, why=f"{VISITORS_MAX} are connected already")
                    if self._certificate is None:  # a handshake for that would be too much
                        await _say_last(stream, error("ERR max number of clients reached"))
        except* NotWelcome:
            pass
        except* (trio.BrokenResourceError, trio.TooSlowError):
            tell("-console-closed", peer=visitor.peer, why="it has gone or does not read")
        except* Exception:
            tell("-fault", where="console", exc_info=True)
        finally:
            visitor.feed.end()
            self._present.pop(visitor, None)

    async def _converse(self, stream: trio.SocketStream, visitor: Visitor) -> None:
        visitor.arriving = self._certificate is not None
        with contextlib.suppress(OSError):  # else the vanished fill the places
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        speaking, visitor.subject = await welcome(stream, self._certificate, "console", visitor.peer)
        visitor.arriving = False
        await _Conversation(speaking, visitor, self._nursery).run()

    def _has_room(self) -> bool:
        """There is a place, or a stranger gives up his: they are not to keep the operator out."""
        if len(self._present) < VISITORS_MAX:
            return True
        stranger = next((visitor for visitor in self._present if not visitor.let_in), None)
        if stranger is None:
            return False
        tell("-console-closed", peer=stranger.peer, why="it had not logged in, and its place was needed")
        self._present.pop(stranger).cancel()
        return True


class _Conversation:
    """One visitor's: what it asks is answered; beside that, a subscriber is sent what happens."""

    def __init__(self, stream: Stream, visitor: Visitor, nursery: trio.Nursery) -> None:
        self._stream = stream
        self._visitor = visitor
        self._nursery = nursery
        self._sending = trio.Lock()
        self._login_by = math.inf

    async def run(self) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._push)
            await self._converse()
            nursery.cancel_scope.cancel()

    async def _converse(self) -> None:
        cutter = RequestCutter()
        while chunk := await self._receive():
            try:
                for words in _requests(cutter, chunk):
                    reply = await self._answer(words[0].upper(), words[1:])
                    try:
                        async with self._sending:
                            await self._send(reply)
                    finally:
                        if isinstance(reply, Parting):
                            reply.deed()
                    if self._visitor.leaving:
                        return
            except BadRequest as broken:
                async with self._sending:
                    await _say_last(self._stream, broken.reply())
                return

    async def _receive(self) -> bytes:
        """Empty at its end, or where it did not log in."""
        if self._visitor.let_in:
            self._login_by = math.inf
        elif self._login_by == math.inf:
            self._login_by = trio.current_time() + LOGIN_TIMEOUT_S
        with trio.move_on_at(self._login_by):
            return bytes(await self._stream.receive_some())
        return b""

    async def _push(self) -> None:
        """Send what happens, if it is subscribed, until cancelled."""
        feed = self._visitor.feed
        while True:
            await feed.wait()
            await trio.sleep(GATHER_S)
            if feed.lost:
                raise trio.TooSlowError
            if not self._visitor.let_in:  # there is a password since, which it has not given
                feed.end()
                continue
            async with self._sending:
                await self._send_bits(self._messages())

    def _messages(self) -> Iterator[bytes]:
        while (event := self._visitor.feed.next()) is not None:
            yield encode(Push(["message", CHANNEL, event]), self._visitor.protocol)

    async def _send(self, reply: Reply) -> None:
        await self._send_bits(pieces(reply, self._visitor.protocol))

    async def _send_bits(self, bits: Iterator[bytes]) -> None:
        piece = b""
        for bit in bits:
            piece += bit
            if len(piece) >= PIECE:
                await self._send_piece(piece)
                piece = b""
        await self._send_piece(piece)

    async def _send_piece(self, piece: bytes) -> None:
        with trio.fail_after(TAKE_TIMEOUT_S):
            await self._stream.send_all(piece)

    async def _answer(self, name: str, words: list[str]) -> Reply:
        """The answer, errors included."""
        try:
            found = find(self._visitor, name)
            if isinstance(found, Error):
                return found
            if isinstance(found, Courtesy):
                if words and name in PROVING:
                    await self._visitor.brake.wait(self._visitor.host)
                return found.answer(self._visitor, words)
            form, given = understand(name, words)
        except Usage as usage:
            return Error(f"ERR {usage}")
        if not form.does_act(given):
            return await self._run(form, given)
        if self._visitor.role is not Role.OPERATOR:
            denied(self._visitor.asker, form.told(given), "a viewer may look, not touch")
            return Error(NOT_PERMITTED.format(self._visitor.user, form.name))
        return await self._carry_through(form, given)

    async def _carry_through(self, form: Form, given: Given) -> Reply:
        put, take = trio.open_memory_channel[Reply](1)

        async def carry() -> None:
            put.send_nowait(await self._run(form, given))

        self._nursery.start_soon(carry)
        return await take.receive()

    async def _run(self, form: Form, given: Given) -> Reply:
        try:
            if not form.does_act(given):
                return await form.run(self._visitor, given)
            with audited(self._visitor.asker, form.told(given), *form.hidden(given)):
                return await form.run(self._visitor, given)
        except Usage as usage:
            return Error(f"ERR {usage}")
        except SwitchoverError as undone:
            return Error(f"{undone.kind} {undone}")
        except Exception as bug:
            tell("-fault", where=f"console {' '.join(form.syntax.verb)}", exc_info=True)
            return Error(f"ERR internal: {type(bug).__name__}: {bug}")


def _requests(cutter: RequestCutter, chunk: bytes) -> Iterator[list[str]]:
    """The commands that are whole with `chunk`, as words. Raises BadRequest."""
    if cutter.at_boundary and not (chunk[0] in b"\t\r\n" or 0x20 <= chunk[0] < 0x7F):
        raise BadRequest(f"a command does not begin with byte 0x{chunk[0]:02x}")
    for name, frame in cutter.feed(chunk):
        if name in (b"POST", b"HOST:"):
            raise BadRequest("this is not HTTP")
        yield [word.decode("utf-8", "surrogateescape") for word in arguments(frame)]
    if cutter.held + cutter.wants > REQUEST_MAX:
        raise BadRequest(f"a request is at most {REQUEST_MAX} bytes long")


async def _say_last(stream: Stream, reply: bytes) -> None:
    """Send `reply`, then close in a way that lets it arrive."""
    with trio.move_on_after(LINGER_S):
        await stream.send_all(reply)
        plain = stream.transport_stream if isinstance(stream, trio.SSLStream) else stream
        await plain.send_eof()
        while await stream.receive_some():
            pass
