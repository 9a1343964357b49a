"""Values that one client writes and another caches: what is read may lag a little, but never for ever."""

from __future__ import annotations

import random
import time
from typing import Any

from attrs import Factory, define

from .ledger import Ledger

STALE_AFTER_S = 2.0
"""An invalidation may be under way for a moment; a value that was overwritten longer ago must not be read."""
BETWEEN_WRITES_S = (0.3, 0.8)
CACHED_KEYS = 5


@define
class Freshness:
    ledger: Ledger
    keys: list[str]
    written: dict[str, tuple[int, float]] = Factory(dict)
    """What was acknowledged last, and when, in seconds of the monotonic clock."""

    @classmethod
    def of(cls, ledger: Ledger, name: str) -> Freshness:
        return cls(ledger, [ledger.key(f"{name}:{number}") for number in range(CACHED_KEYS)])

    def wrote(self, key: str, number: int) -> None:
        self.written[key] = (number, time.monotonic())

    def due(self, key: str) -> int:
        """The number that whoever reads from now on must see, or a later one."""
        number, acknowledged_s = self.written.get(key, (0, 0.0))
        return number if time.monotonic() - acknowledged_s > STALE_AFTER_S else 0

    def check(self, key: str, due: int, value: Any) -> None:
        self.ledger.count("values read that may be cached")
        if int(value or 0) < due:
            self.ledger.fault(
                f"{key} was read as {value!r}, more than {STALE_AFTER_S} s after {due} was written"
            )

    @staticmethod
    def until_next_write_s() -> float:
        return random.uniform(*BETWEEN_WRITES_S)
