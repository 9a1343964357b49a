"""A server's man in the middle, who does with one command in so many what a proxy must never do."""

from __future__ import annotations

import contextlib
import itertools
import re
import socket
import threading
from collections.abc import Callable
from typing import Any

import attrs

RECEIVE = 1024 * 1024
ARRAY = re.compile(rb"\*\d+\r\n")
"""How a command begins."""
Wrong = Callable[["Line", bytes], bool]


@attrs.define(eq=False)
class Line:
    """One connection through it, both ways."""

    near: socket.socket
    far: socket.socket
    swallow: int = 0
    """Lines that the server says and the client is not to hear."""


def twice(line: Line, data: bytes, lines: int = 1) -> bool:
    """The server gets it twice, the client one answer, which has so many lines."""
    line.swallow += lines
    line.far.sendall(data + data)
    return True


def answered_with(reply: bytes) -> Wrong:
    """The client gets an answer, the server nothing."""

    def answer(line: Line, data: bytes) -> bool:
        line.near.sendall(reply)
        return True

    return answer


def closed(line: Line, data: bytes) -> bool:
    line.near.shutdown(socket.SHUT_RDWR)
    return True


def followed_by(more: bytes) -> Wrong:
    """It is passed on, and something more is said to the client."""

    def follow(line: Line, data: bytes) -> bool:
        line.near.sendall(more)
        return False

    return follow


class Tamperer:
    """Forwards connections to a server. Every so many-th command of this name that comes alone meets with
    something wrong."""

    def __init__(self, to: int, name: bytes, every: int, wrong: Wrong) -> None:
        self._to, self._name, self._every, self._wrong = to, name, every, wrong
        self._count = itertools.count(1)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        self.port: int = self._listener.getsockname()[1]
        self._start(self._accept)

    def close(self) -> None:
        for each in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                line = Line(near, socket.create_connection(("127.0.0.1", self._to)))
                self._sockets += [line.near, line.far]
                self._start(self._up, line)
                self._start(self._down, line)

    def _up(self, line: Line) -> None:
        with contextlib.suppress(OSError):
            while data := line.near.recv(RECEIVE):
                meant = self._name in data and len(ARRAY.findall(data)) == 1
                if meant and next(self._count) % self._every == 0 and self._wrong(line, data):
                    continue
                line.far.sendall(data)
            line.far.shutdown(socket.SHUT_WR)

    def _down(self, line: Line) -> None:
        with contextlib.suppress(OSError):
            while data := line.far.recv(RECEIVE):
                while line.swallow and b"\n" in data:
                    _, _, data = data.partition(b"\n")
                    line.swallow -= 1
                line.near.sendall(data)
            line.near.shutdown(socket.SHUT_WR)

    @staticmethod
    def _start(what: Any, *arguments: Any) -> None:
        threading.Thread(target=what, args=arguments, daemon=True).start()
