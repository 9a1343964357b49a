"""A session before a real node, moved by hand: what the relay does, without a relay."""

import re
import socket
from collections import deque
from collections.abc import Callable

import attrs

from proxy.session.common import Common, Limits
from proxy.session.replay import BLANK, Faults, Score, difference, transaction
from proxy.session.scripts import Scripts
from proxy.session.session import (
    LoadScript,
    LookUp,
    Say,
    Send,
    SendAndWait,
    Session,
    Step,
    WaitOutside,
    Want,
)
from proxy.session.subscriptions import is_confirmation, is_message
from proxy.session.table import ask
from proxy.wire.encoding import command
from proxy.wire.replies import ReplyCutter
from proxy.wire.requests import RequestCutter
from tests.servers import RedisServer


def new_session(limits: Limits | None = None) -> Session:
    return Session(1, Common(Scripts(10, 1000), limits or Limits()))


def nobody_to_look_up() -> None:
    raise AssertionError("nobody is there to be looked up")


@attrs.define(eq=False)
class Conversation:
    """One client's session and its connection to a node."""

    server: RedisServer
    session: Session = attrs.field(factory=new_session)
    lane: socket.socket = attrs.field(default=attrs.Factory(lambda self: self.server.raw(3), takes_self=True))
    outside: list[tuple[bytes, ...]] = attrs.field(factory=list)
    look_up: Callable[[], None] = nobody_to_look_up
    _cutter: ReplyCutter = attrs.field(factory=ReplyCutter)
    _owed: deque[Want | bytes | None] = attrs.field(factory=deque)
    _answering: Want | None = None
    _heard: bytes = b""
    _in_message: bool = False
    _in_reply: bool = False

    def tell(self, *words: bytes | str | int) -> bytes:
        """Send one command; give what the client gets once nothing is owed to it."""
        return self.tell_all(command(*words))

    def tell_all(self, *frames: bytes) -> bytes:
        """Send these without waiting for an answer that the session does not want to wait for."""
        for frame in frames:
            for name, whole in RequestCutter().feed(frame):
                while self._answering is not None:
                    self._hear()
                self.do(ask(self.session, name, whole))
        return self.finish()

    def do(self, steps: tuple[Step, ...] | list[Send]) -> None:
        for step in steps:
            match step:
                case Send(frame, want):
                    self._send(frame, want)
                case SendAndWait(frame, want):
                    self._answering = want
                    self._send(frame, want)
                case Say(reply):
                    self._owed.append(reply)
                case LookUp(name, frame):
                    self.look_up()
                    self.do(ask(self.session, name, frame))
                case LoadScript():
                    raise AssertionError("nobody is there to run errands")
                case WaitOutside(words):
                    self.outside.append(words)
                    self._answering = None
        self._say()

    def finish(self) -> bytes:
        """Give what the client has got, once nothing is owed to it."""
        while self._owed or self._answering is not None:
            self._hear()
        heard, self._heard = self._heard, b""
        return heard

    def message(self) -> bytes:
        """Give the next thing that comes unasked."""
        while not self._heard or self._in_message:
            self._hear()
        return self.finish()

    def move(self, server: RedisServer) -> list[str]:
        """Go on over a new connection, set up as the session is; give what the node would not accept."""
        moved = Conversation(server, self.session)
        faults = Faults()
        steps = difference(BLANK, Score.of(self.session), faults)
        assert steps is not None
        moved.do(steps)
        assert moved.finish() == b""
        moved.do(transaction(self.session))
        assert moved.finish() == b""
        if self.session.watch is not None:
            self.session.watch.lost = True
        self.session.moved = True
        self.server, self.lane, self._cutter = server, moved.lane, moved._cutter
        return faults.texts

    def _send(self, frame: bytes | list[bytes], want: Want | None) -> None:
        self._owed.append(want)
        self.lane.sendall(frame if isinstance(frame, bytes) else b"".join(frame))

    def _say(self) -> None:
        while self._owed and isinstance(made := self._owed[0], bytes):
            self._heard += made
            self._owed.popleft()

    def _hear(self) -> None:
        data = self.lane.recv(65_536)
        assert data, "the node closed the connection"
        for piece, last in self._cutter.feed(data):
            want = self._owed[0] if self._owed else None
            assert not isinstance(want, bytes)
            unasked = is_message(self.session, piece) and (want is None or not is_confirmation(piece))
            if self._in_message or (unasked and not self._in_reply):
                self._heard += piece
                self._in_message = not last
                continue
            self._in_reply = not last
            assert self._owed, f"a reply that nobody asked for: {piece!r}"
            self._heard += piece if want is None else want.take(self.session, piece, last)
            if last and (want is None or want.finished):
                self._owed.popleft()
                self._say()
                if want is not None and want is self._answering:
                    self._answering = None
                    self.do(want.then(self.session))


SEEN = ("db", "name", "resp", "user", "sub", "psub", "multi")


def as_the_node_sees(server: RedisServer, connection: socket.socket) -> dict[str, str]:
    """What CLIENT LIST says about a connection."""
    mine = "addr={}:{} ".format(*connection.getsockname())
    with server.raw() as eye:
        eye.sendall(command("CLIENT", "LIST"))
        said = b""
        while not (whole := list(ReplyCutter().feed(said))) or not whole[-1][1]:
            said += eye.recv(65_536)
    [line] = [line for line in said.decode().splitlines() if mine in line]
    return {field: value for field, value in re.findall(r"([\w-]+)=(\S*)", line) if field in SEEN}
