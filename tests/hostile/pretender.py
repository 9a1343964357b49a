"""What calls itself a Redis and is none, and a Redis whose word is garbled on its way to the proxy."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Any

from tests.servers import RedisServer


class Forwarding:
    """Threads before a listener, and sockets that are closed in the end."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._sockets: list[socket.socket] = []
        self.port: int = self._listener.getsockname()[1]
        self._start(self._accept)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def close(self) -> None:
        for each in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                self._sockets.append(near)
                self._start(self.receive, near)

    def receive(self, near: socket.socket) -> None:
        raise NotImplementedError

    @staticmethod
    def _start(what: Callable[..., None], *arguments: Any) -> None:
        threading.Thread(target=what, args=arguments, daemon=True).start()


class Pretender(Forwarding):
    """It accepts whoever comes, and says `word` to whatever is said; nothing, if that is empty."""

    def __init__(self, word: bytes) -> None:
        self._word = word
        self.met = 0
        super().__init__()

    def receive(self, near: socket.socket) -> None:
        self.met += 1
        with contextlib.suppress(OSError):
            while near.recv(65536):
                if self._word:
                    near.sendall(self._word)


class Garbler(Forwarding):
    """In front of one server. What comes back behind a request in which `trigger` stands is `garbage`, as
    often as `times` says; the server has done what it was asked all the same."""

    def __init__(self, server: RedisServer) -> None:
        self._to = server.port
        self.trigger, self.garbage, self.times = b"", b"", 0
        self.garbled = 0
        self.delay: Callable[[], object] = bool
        """Called before each answer is passed on."""
        super().__init__()

    def arm(self, trigger: bytes, garbage: bytes, times: int = 1) -> None:
        self.garbled, self.garbage, self.times = 0, garbage, times
        self.trigger = trigger

    def receive(self, near: socket.socket) -> None:
        with contextlib.suppress(OSError):
            far = socket.create_connection(("127.0.0.1", self._to))
            self._sockets.append(far)
            owed: list[bytes] = []
            self._start(self._answer, far, near, owed)
            while data := near.recv(65536):
                if self.trigger and self.trigger in data and self.garbled < self.times:
                    owed.append(self.garbage)
                far.sendall(data)
            far.shutdown(socket.SHUT_WR)

    def _answer(self, far: socket.socket, near: socket.socket, owed: list[bytes]) -> None:
        with contextlib.suppress(OSError):
            while data := far.recv(65536):
                self.delay()
                if owed:
                    data = owed.pop()
                    self.garbled += 1
                near.sendall(data)
            near.shutdown(socket.SHUT_WR)
