"""A forwarder ahead of the proxy that breaks one byte of what the proxy says."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Any


class Tamperer:
    """Forwards connections; of what the server says on the first, the byte at ``place`` is changed.

    Places are counted from behind the first line, which is the answer to the test's own CLIENT ID.
    """

    def __init__(self, to: int, place: int) -> None:
        self._to = to
        self._place = place
        self.done = False
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
                far = socket.create_connection(("127.0.0.1", self._to))
                first = not self._sockets
                self._sockets += [near, far]
                self._start(self._pump, near, far)
                self._start(self._tamper if first else self._pump, far, near)

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def _tamper(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            line = b""
            while not line.endswith(b"\r\n"):
                line += source.recv(1)
            sink.sendall(line)
            passed = 0
            while data := source.recv(65536):
                at = self._place - passed
                passed += len(data)
                if 0 <= at < len(data):
                    self.done = True
                    data = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    @staticmethod
    def _start(what: Any, *arguments: Any) -> None:
        threading.Thread(target=what, args=arguments, daemon=True).start()
