"""A client who goes about his business while others misbehave: each answer is checked, and timed."""

from __future__ import annotations

import threading
import time

import attrs

from tests.baton import BatonProcess
from tests.talking import Talk
from tests.waiting import wait_until

PAUSE_SECONDS = 0.002
PATIENCE_SECONDS = 30.0
NOTICED_SECONDS = 1.5
"""An answer that takes longer was noticed. The machine of the tests has other things to do as well."""


@attrs.define(eq=False)
class Bystander:
    """It counts up a counter of its own, reads it back, and has its tag echoed, one after the other."""

    proxy: BatonProcess
    key: str
    stop: threading.Event = attrs.field(factory=threading.Event)
    rounds: int = 0
    worst: float = 0.0
    """Seconds, of the answer that took the longest."""
    fault: str = ""
    _thread: threading.Thread = attrs.field(init=False)

    @classmethod
    def start(cls, proxy: BatonProcess) -> Bystander:
        self = cls(proxy, f"bystander:{id(proxy)}:{time.monotonic_ns()}")
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._thread.start()
        wait_until(lambda: self.rounds > 5 or self.fault, "the bystander is at it")
        return self

    def _live(self) -> None:
        try:
            talk = Talk(self.proxy.raw(PATIENCE_SECONDS))
            while not self.stop.is_set():
                count, tag = self.rounds + 1, f"{self.key}:{self.rounds}"
                self._ask(talk, ("INCR", self.key), count)
                self._ask(talk, ("GET", self.key), str(count))
                self._ask(talk, ("ECHO", tag), tag)
                self.rounds = count
                self.stop.wait(PAUSE_SECONDS)
        except Exception as fault:
            self.fault = repr(fault)

    def _ask(self, talk: Talk, words: tuple[str, ...], wanted: object) -> None:
        began = time.monotonic()
        got = talk.ask(*words)
        self.worst = max(self.worst, time.monotonic() - began)
        if got != wanted:
            raise AssertionError(f"{words[0]} is answered {got!r}, and not {wanted!r}")

    def goes_on(self, rounds: int = 20) -> None:
        """Wait until it has done some more, unharmed."""
        goal = self.rounds + rounds
        wait_until(lambda: self.rounds >= goal or self.fault, "the bystander goes on")
        assert not self.fault, self.fault

    def finish(self) -> None:
        """Nothing happened to it, and nobody kept it waiting. It may be asked again."""
        self.stop.set()
        self._thread.join(PATIENCE_SECONDS)
        assert not self._thread.is_alive(), "the bystander is not answered"
        assert not self.fault, self.fault
        assert self.worst < NOTICED_SECONDS, f"an answer took {self.worst:.2f} s"
