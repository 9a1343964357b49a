"""An innocent client: it counts, one command at a time, while others reach limits beside it."""

from __future__ import annotations

import socket
import threading
import time

import attrs

from tests.talking import Talk
from tests.waiting import wait_until

SLOW_SECONDS = 9.0
"""A reply that takes longer was noticed; other tests may run on this machine."""


@attrs.define(eq=False)
class Innocent:
    """A thread of its own; every reply must be the next number."""

    talk: Talk
    count: int = 0
    slowest: float = 0.0
    fault: BaseException | None = None
    _over: threading.Event = attrs.field(factory=threading.Event)
    _thread: threading.Thread = attrs.field(init=False)

    @classmethod
    def beside(cls, port: int) -> Innocent:
        innocent = cls(Talk(socket.create_connection(("127.0.0.1", port), 20)))
        innocent._thread = threading.Thread(target=innocent._go)
        innocent._thread.start()
        innocent.goes_on()
        return innocent

    def goes_on(self) -> None:
        """It is answered some times from now on."""
        wanted = self.count + 20
        wait_until(lambda: self.count >= wanted or self.fault, "the innocent client is answered")
        self._complain()

    def end(self) -> None:
        self._over.set()
        self._thread.join()
        self.talk.socket.close()
        self._complain()

    def _complain(self) -> None:
        if self.fault is not None:
            raise AssertionError(f"the innocent client noticed: {self.fault!r}") from self.fault
        assert self.slowest < SLOW_SECONDS, f"the innocent client waited for {self.slowest:.1f} s"

    def _go(self) -> None:
        try:
            while not self._over.is_set():
                began = time.monotonic()
                reply = self.talk.ask("INCR", "innocent")
                self.slowest = max(self.slowest, time.monotonic() - began)
                self.count += 1
                assert reply == self.count, reply
                self._over.wait(0.002)
        except BaseException as fault:
            self.fault = fault
