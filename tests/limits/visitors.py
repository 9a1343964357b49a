"""Whoever comes to a proxy in these tests; all of them are gone with the test."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path

import attrs

from tests.baton import BatonProcess
from tests.servers import RedisServer
from tests.talking import Talk
from tests.waiting import wait_until

FULL = b"-ERR max number of clients reached\r\n"
PING, PONG = b"*1\r\n$4\r\nPING\r\n", b"+PONG\r\n"
Place = BatonProcess | RedisServer | int | Path
"""A port, or the path of a Unix socket."""


@attrs.define(eq=False)
class Visitors:
    """Makes connections."""

    _sockets: list[socket.socket] = attrs.field(factory=list)

    def come(self, place: Place, source: str = "127.0.0.1", first: bytes = b"") -> Talk:
        """Connect, from this address of the loopback, and say something at once."""
        if isinstance(place, Path):
            sock = socket.socket(socket.AF_UNIX)
            sock.settimeout(10)
            self._sockets.append(sock)
            sock.connect(str(place))
        else:
            port = place if isinstance(place, int) else place.port
            sock = socket.create_connection(("127.0.0.1", port), 10, (source, 0))
            self._sockets.append(sock)
        if first:
            with contextlib.suppress(ConnectionError):
                sock.sendall(first)
        return Talk(sock)

    def stay(self, place: Place, count: int, source: str = "127.0.0.1") -> list[Talk]:
        """So many who are let in."""
        talks = [self.come(place, source) for _ in range(count)]
        assert [talk.ask("PING") for talk in talks] == ["PONG"] * count
        return talks

    def is_let_in(self, place: Place, source: str = "127.0.0.1", first: bytes = b"") -> bool:
        """One more is; he goes again."""
        with contextlib.suppress(ConnectionError), self.come(place, source, first + PING).socket as sock:
            return sock.recv(len(PONG)) == PONG
        return False

    def wait_let_in(self, place: Place, source: str = "127.0.0.1") -> None:
        wait_until(lambda: self.is_let_in(place, source), "there is room again")

    def close(self) -> None:
        for sock in self._sockets:
            sock.close()
