"""A replication link that can be stopped for a while: so a hold lasts for as long as a test wants.

The replica follows the primary through a forwarder. While the valve is shut the replica lags, its link counts
as up, and a switchover that has closed the gate waits for it in `converge`.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import attrs

from tests.baton import BatonProcess
from tests.servers import Pair, RedisServer
from tests.waiting import wait_until


class Valve:
    """Forwards connections to one server; what the server says waits while it is shut, and what it is told
    where that is to be caught."""

    def __init__(self, server: RedisServer) -> None:
        self._to = server.port
        self._open = threading.Event()
        self._open.set()
        self._catching: list[tuple[bytes, threading.Event]] = []
        self.caught: list[bytes] = []
        """Which words, as often as they were."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        self._start(self._accept)
        self.port: int = self._listener.getsockname()[1]

    def shut(self) -> None:
        self._open.clear()

    def open(self) -> None:
        self._open.set()

    def catch(self, words: bytes) -> threading.Event:
        """From now on a piece for the server with these words waits, and all behind it; until this is set."""
        self._catching.append((words, let_go := threading.Event()))
        return let_go

    def close(self) -> None:
        self.open()
        for _, let_go in self._catching:
            let_go.set()
        for each in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._to))
                self._sockets += [near, far]
                self._start(self._pump, near, far, False)
                self._start(self._pump, far, near, True)

    def _pump(self, source: socket.socket, sink: socket.socket, valved: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if valved:
                    self._open.wait()
                for words, let_go in () if valved else self._catching:
                    if words in data:
                        self.caught.append(words)
                        let_go.wait()
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    @staticmethod
    def _start(what: Any, *arguments: Any) -> None:
        threading.Thread(target=what, args=arguments, daemon=True).start()


@attrs.define(eq=False)
class ValvedPair:
    """A primary and a replica that follows it through a valve."""

    primary: RedisServer
    replica: RedisServer
    valve: Valve

    @classmethod
    def of(cls, pair: Pair) -> ValvedPair:
        valve = Valve(pair.primary)
        pair.replica.command("REPLICAOF", "127.0.0.1", valve.port)
        wait_until(lambda: pair.replica.info()["master_port"] == valve.port, "the replica follows the valve")
        pair.replica.wait_link_up()
        pair.primary.wait_replicas(1)
        return cls(pair.primary, pair.replica, valve)

    @contextlib.contextmanager
    def hold(self, proxy: BatonProcess, budget_ms: int = 8000) -> Iterator[Future[dict[str, Any]]]:
        """Begin a switchover and stay in its hold; it goes on, and is waited for, where the block ends."""
        self.valve.shut()
        self.primary.command("SET", "valve:lag", "x")
        with ThreadPoolExecutor(1) as pool:
            future = pool.submit(proxy.switchover, None, budget_ms)
            try:
                wait_until(
                    lambda: step(proxy) == "converge" or future.done(), lambda: f"a hold: {step(proxy)}"
                )
                if future.done():
                    future.result()
                yield future
            finally:
                self.valve.open()
                future.exception()


def step(proxy: BatonProcess) -> str:
    """The step of the switchover under way; empty where none is."""
    flat = proxy.admin("SWITCHOVER", "STATUS")
    status = dict(zip(flat[::2], flat[1::2], strict=True))
    return str(status.get("step", "")) if status["state"] == "under way" else ""


def at_gate(proxy: BatonProcess) -> int:
    """How many clients wait at the gate."""
    return int(proxy.admin("INFO", "route")["waiting_clients"])
