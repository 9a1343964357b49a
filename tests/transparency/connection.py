"""One client's connection on one side, read without waiting."""

from __future__ import annotations

import contextlib
import re
import select
import socket
import time

from attrs import define, field

from proxy.wire.encoding import command
from tests.transparency.conversations import Raw, Said
from tests.transparency.frames import Node, Unfinished, frame
from tests.transparency.invalidations import Invalidations
from tests.transparency.monitoring import Overhearing
from tests.transparency.pools import Patience, Ref

LIMIT_SECONDS = 8.0
HALF_LINE = re.compile(rb"\+\d+[.][^\r]*$")


@define(eq=False)
class Connection:
    """What has come and was not looked at yet is in ``data``; ``closed``: the other side has closed."""

    socket: socket.socket
    number: bytes = b""
    """Its id, as CLIENT ID told."""
    data: bytearray = field(factory=bytearray)
    closed: bool = False
    overhearing: Overhearing = field(factory=lambda: Overhearing(set()))
    told: Invalidations | None = None
    """From a switchover on."""

    @classmethod
    def open(cls, port: int) -> Connection:
        opened = socket.create_connection(("127.0.0.1", port), LIMIT_SECONDS)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return cls(opened)

    @property
    def address(self) -> bytes:
        host, port = self.socket.getsockname()
        return b"%s:%d" % (host.encode(), port)

    def send(self, data: bytes) -> None:
        """Send it; that the other side has closed is seen when it is received from."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.socket.sendall(data)

    def collect(self, wait: float = 0.0) -> bool:
        """Take in what has come, or comes within ``wait`` seconds; whether anything did."""
        if self.closed or not select.select([self.socket], [], [], wait)[0]:
            return False
        try:
            got = self.socket.recv(1024 * 1024)
        except ConnectionResetError:
            got = b""
        self.data += got
        self.closed = not got
        self.data = self.overhearing.passed_over(self.data)
        if self.told is not None:
            self.data = bytearray(self.told.without(bytes(self.data), proxied=True))
        return True

    def collect_all(self) -> None:
        """Take in all that has come."""
        while self.collect(1.0 if HALF_LINE.search(self.data) else 0.0):
            pass

    def taken(self) -> bytes:
        """What has come, which is then looked at."""
        came = bytes(self.data)
        self.data.clear()
        return came

    def comes(self, wanted: bytes) -> bool:
        """Wait for these very bytes; False as soon as others have come, or if they do not come."""
        end = time.monotonic() + LIMIT_SECONDS
        while len(self.data) < len(wanted) and wanted.startswith(self.data):
            if not self.collect(0.5) and (self.closed or time.monotonic() > end):
                return False
        return self.data.startswith(wanted)

    def next_frame(self) -> Node | None:
        """Wait for the next frame and take it; None if it does not come, a ValueError for what is none."""
        end = time.monotonic() + LIMIT_SECONDS
        while True:
            try:
                node, length = frame(bytes(self.data))
            except Unfinished:
                if not self.collect(0.5) and (self.closed or time.monotonic() > end):
                    return None
                continue
            del self.data[:length]
            return node

    def next_frames(self, count: int) -> Node | None:
        """So many frames, as if they were one; an error stands for all of them."""
        came: list[Node] = []
        while len(came) < count:
            one = self.next_frame()
            if one is None or one.kind == b"-":
                return one
            came.append(one)
        return Node(b"*", tuple(came))

    def ask(self, *words: bytes | str) -> Node:
        """Say one command where nothing else is going on, and return its reply."""
        self.send(command(*words))
        answer = self.next_frame()
        if answer is None:
            raise AssertionError(f"no answer to {words!r}")
        return answer

    def introduce(self, protocol: int) -> None:
        """Choose the protocol, and learn the id."""
        if protocol == 3:
            self.ask("HELLO", "3")
        self.number = self.ask("CLIENT", "ID").text

    def close(self) -> None:
        self.closed = True
        self.socket.close()


class Circle:
    """The clients of a conversation on one side."""

    def __init__(
        self,
        port: int,
        protocols: tuple[int, ...],
        patient: bool,
        overhearing: Overhearing | None = None,
    ) -> None:
        self.clients = [Connection.open(port) for _ in protocols]
        for client, protocol in zip(self.clients, protocols, strict=True):
            client.introduce(protocol)
            client.overhearing = overhearing or client.overhearing
        self.patient = patient

    @property
    def names(self) -> dict[bytes, bytes]:
        """What stands for whom in replies."""
        numbers = {each.number: b"client %d" % at for at, each in enumerate(self.clients)}
        return numbers | {each.address: b"address %d" % at for at, each in enumerate(self.clients)}

    def rendered(self, said: Said) -> bytes:
        """The bytes of a command on this side."""
        return said.data if isinstance(said, Raw) else command(*map(self._word, said))

    def _word(self, word: bytes | str | Ref | Patience) -> bytes | str:
        match word:
            case Ref("id", client):
                return self.clients[client].number
            case Ref(_, client):
                return self.addresses[client]
            case Patience(milliseconds):
                return "0" if self.patient else "8" if milliseconds else "0.008"
        return word

    @property
    def addresses(self) -> list[bytes]:
        return [each.address for each in self.clients]

    def close(self) -> None:
        for client in self.clients:
            client.close()
