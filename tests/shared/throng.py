"""Many clients in one thread, of which each knows every answer that it may get.

A client is a program: an iterator of exchanges. An exchange is commands that are sent in one piece, each with
the one reply that it is to get, or with a test of it. The next exchange follows once all replies are there.
"""

from __future__ import annotations

import selectors
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

import attrs
import hiredis

from proxy.wire.encoding import command
from tests.shared.scene import Shared
from tests.talking import RECEIVE
from tests.waiting import wait_until

PATIENCE_SECONDS = 20.0
TURN_SECONDS = 0.05

Told = tuple[Sequence[str | int], Any]
"""A command and the reply that it is to get; a reply that can be called is asked if it is the right one."""
Program = Iterator[Sequence[Told]]


@attrs.define(eq=False)
class Client:
    """One connection and its program."""

    name: str
    connection: Any
    program: Program
    owed: deque[Told] = attrs.field(factory=deque)
    since: float = 0.0
    _reader: hiredis.Reader = attrs.field(
        factory=lambda: hiredis.Reader(notEnoughData=Client, encoding="utf-8", errors="surrogateescape")
    )

    def go_on(self) -> bool:
        """Send the next exchange; false where there is none."""
        exchange = next(self.program, None)
        if exchange is None:
            return False
        self.owed.extend(exchange)
        self.since = time.monotonic()
        self.connection.sendall(b"".join(command(*words) for words, _ in exchange))
        return True

    def receive(self) -> int:
        """Check what has come; an AssertionError tells what came instead."""
        data = self.connection.recv(RECEIVE)
        assert data, f"{self.name} was closed; it is owed {list(self.owed)[:1]}"
        self._reader.feed(data)
        count = 0
        while (reply := self._reader.gets()) is not Client:
            assert self.owed, f"{self.name} is owed nothing, and gets {str(reply)[:200]}"
            words, wanted = self.owed.popleft()
            right = wanted(reply) if callable(wanted) else reply == wanted
            assert right, (
                f"{self.name} wants {str(wanted)[:80]} for {words!r:.80}, and gets {str(reply)[:200]}"
            )
            count += 1
        return count


@attrs.define(eq=False)
class Throng:
    """The clients before one proxy; what went wrong is in `faults`."""

    scene: Shared
    clients: list[Client] = attrs.field(factory=list)
    faults: list[str] = attrs.field(factory=list)
    checked: int = 0
    longest: float = 0.0
    """Seconds that an exchange took."""
    _stop: threading.Event = attrs.field(factory=threading.Event)
    _thread: threading.Thread | None = None

    def add(self, name: str, program: Program) -> None:
        """One more client, before the throng begins."""
        self.clients.append(Client(name, self.scene.connect(), program))

    def __enter__(self) -> Throng:
        self._thread = threading.Thread(target=self._play, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self.finish()

    def finish(self) -> None:
        """Wait until every program has ended, or was stopped between two exchanges."""
        assert self._thread is not None
        self._thread.join()

    def wait_checked(self, count: int) -> None:
        """Wait until so many more replies were right."""
        until = self.checked + count
        wait_until(
            lambda: self.checked >= until or not self._goes_on(),
            lambda: f"the throng goes on: {self.checked} of {until}",
            PATIENCE_SECONDS,
        )
        self.assert_well()
        assert self.checked >= until, f"all programs have ended, with {self.checked} of {until}"

    def assert_well(self) -> None:
        """Nobody got anything but what it was to get."""
        assert not self.faults, "\n".join(self.faults)

    def _goes_on(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _play(self) -> None:
        with selectors.DefaultSelector() as ready:
            for client in self.clients:
                if client.go_on():
                    ready.register(client.connection, selectors.EVENT_READ, client)
            while ready.get_map() and not self.faults:
                for key, _ in ready.select(TURN_SECONDS):
                    self._serve(ready, key.data)
                self._look_for_the_forgotten(ready)

    def _serve(self, ready: selectors.BaseSelector, client: Client) -> None:
        try:
            self.checked += client.receive()
            if not client.owed:
                self.longest = max(self.longest, time.monotonic() - client.since)
                if self._stop.is_set() or not client.go_on():
                    ready.unregister(client.connection)
        except (AssertionError, OSError, hiredis.ProtocolError) as fault:
            self.faults.append(f"{client.name}: {fault}")
            ready.unregister(client.connection)

    def _look_for_the_forgotten(self, ready: selectors.BaseSelector) -> None:
        end = time.monotonic() - PATIENCE_SECONDS
        for key in list(ready.get_map().values()):
            client: Client = key.data
            if client.owed and client.since < end:
                self.faults.append(f"{client.name} was not answered: {client.owed[0]!r:.200}")


def plain(name: str) -> Program:
    """Sets, reads and counts of its own keys, one or several at a time, without an end."""
    number = 0
    while True:
        number += 1
        value = f"{name}:{number}"
        yield [(("SET", f"own:{name}", value), "OK")]
        yield [(("GET", f"own:{name}"), value), (("ECHO", value), value)]
        yield [(("INCR", f"count:{name}"), number), (("PING", value), value), (("GET", f"own:{name}"), value)]


def rounds(program: Program, count: int) -> Program:
    """So many exchanges of it."""
    for _ in range(count):
        yield next(program)


def opened(program: Program, *opening: Told) -> Program:
    """A program with something ahead of it."""
    yield opening
    yield from program
