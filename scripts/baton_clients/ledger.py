"""What one client program sent, what was acknowledged, what it saw: all that is needed to judge it by.

The same in JavaScript: javascript/ledger.js. A program has one ledger, which its threads or tasks share. It
tells JSON objects on its standard output, one a line, and obeys words on its standard input:

    {"ready": {...}}    every connection is open, all data is laid out, and the work has begun
    stop                no new work; what is under way ends: {"report": {...}}. Connections stay open
    leave               close them, and end

When its standard input ends, so does the program: nobody is left to listen.
"""

from __future__ import annotations

import json
import random
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any, Final

from attrs import Factory, asdict, define, frozen

LAST: Final = 0
"""Sent last of all through a queue, a stream or a channel: its reader may go home. Others count from 1."""
PROBLEMS_KEPT = 12
SCANS_KEPT = 3
"""Problems beyond which a scan that left something out is counted only: one switchover may spoil many."""
SOCKET_TIMEOUT_S: Final = 20.0
"""A reply that takes longer is an error: what hangs is counted, and the run ends."""
SCANNED: Final = 2_000
"""Members of each collection that is scanned."""
SCANNED_DB: Final = 3
FIRST_LOAD: Final = 12
"""Rounds that each loop goes before the program calls itself ready: no first time during a switchover."""
FIRST_SCANS: Final = 4
"""The same for a loop whose rounds are long."""


@frozen
class Place:
    """Where a node keeps numbers: in a list, a zset, a stream (field n), a counter (from 1 to its value)."""

    kind: str
    key: str
    db: int = 0


@define
class History:
    """Numbers sent one after the other. Each acknowledged one must be seen or left in its place, once."""

    name: str
    place: Place | None = None
    ordered: bool = True
    """Whether they are seen in the order in which they were sent; not so with several readers."""
    acknowledged: list[int] = Factory(list)
    unknown: list[int] = Factory(list)
    """Sent, and answered by an error: applied or not."""
    seen: list[int] = Factory(list)

    def followed(self, name: str, *, ordered: bool = True) -> History:
        """The same numbers as another reader sees them."""
        return History(name, None, ordered, self.acknowledged, self.unknown)


class Unknown:
    """In the place of a reply: an error came, and it is counted."""


UNKNOWN: Final = Unknown()


@define
class Ledger:
    program: str
    operations: int = 0
    errors: int = 0
    broken: int = 0
    opened: int = 0
    """Connections that were made."""
    wanted: int = 0
    """Connections that the program has when it is ready; each beyond replaced one that broke."""
    longest_wait_ms: float = 0.0
    missed: int = 0
    """Members that a scan left out though they were there all the time."""
    problems: list[str] = Factory(list)
    histories: list[History] = Factory(list)
    groups: list[tuple[int, str, str]] = Factory(list)
    """Db, stream and consumer group in which nothing may be pending in the end."""
    counts: dict[str, int] = Factory(dict)
    """Lawful events worth telling: EXEC answered nil, values served from a cache."""
    over: threading.Event = Factory(threading.Event)
    lock: threading.Lock = Factory(threading.Lock)

    def key(self, name: str) -> str:
        return f"{self.program}:{name}"

    def history(
        self, name: str, kind: str | None = None, *, key: str | None = None, db: int = 0, ordered: bool = True
    ) -> History:
        place = None if kind is None else Place(kind, self.key(key or name), db)
        return self.follow(History(name, place, ordered))

    def follow(self, history: History) -> History:
        self.histories.append(history)
        return history

    def goes_on(self) -> bool:
        return not self.over.is_set()

    def answered(self, began_s: float, operations: int = 1) -> None:
        waited_ms = (time.monotonic() - began_s) * 1000
        with self.lock:
            self.operations += operations
            self.longest_wait_ms = max(self.longest_wait_ms, waited_ms)

    def count(self, what: str) -> None:
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + 1

    def fault(self, what: str, *, broken: bool = False) -> None:
        with self.lock:
            self.errors += 1
            self.broken += broken
            if len(self.problems) < PROBLEMS_KEPT and what not in self.problems:
                self.problems.append(what)

    def expect(self, what: str, found: Any, expected: Any) -> None:
        """A reply that is not what it must be is an error; one that did not come has been counted as one."""
        if found is not UNKNOWN and found != expected:
            self.fault(f"{what}: {found!r} instead of {expected!r}"[:300])

    def scanned(self, what: str, missing: set[str]) -> None:
        """A scan has ended; these members it never told."""
        with self.lock:
            self.operations += 1
            self.missed += len(missing)
            if missing and len(self.problems) < SCANS_KEPT:
                self.problems.append(f"{what} left out {len(missing)} members, {sorted(missing)[0]} for one")

    def open_one(self) -> None:
        with self.lock:
            self.opened += 1

    def report(self) -> dict[str, Any]:
        with self.lock:
            return {
                "operations": self.operations,
                "errors": self.errors,
                "disconnects": max(self.broken, self.opened - self.wanted),
                "missed": self.missed,
                "longest_wait_ms": self.longest_wait_ms,
                "problems": self.problems,
                "histories": [asdict(history) for history in self.histories],
                "groups": self.groups,
                "counts": self.counts,
            }


def pace_s() -> float:
    """Some milliseconds of something else to do; far less would measure this machine, not Baton."""
    return random.uniform(0.005, 0.035)


def members() -> Sequence[str]:
    """The members of what is scanned."""
    return [f"member-{number}" for number in range(SCANNED)]


def tell(**fact: Any) -> None:
    sys.stdout.write(json.dumps(fact) + "\n")
    sys.stdout.flush()
