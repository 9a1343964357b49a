"""What reads at length: scans of large collections, and values that are cached in the client."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import Any

from redis.cache import CacheConfig

from scripts.baton_clients.freshness import Freshness
from scripts.baton_clients.ledger import FIRST_SCANS, SCANNED_DB, UNKNOWN, members

from .program import Program

STEP = 100
CACHES_FROM = (7, 4)


def scans(program: Program, name: str, *, protocol: int) -> None:
    """SCAN, SSCAN, HSCAN and ZSCAN over what never changes: every member is there each time."""
    api = program.client(name, protocol=protocol, db=SCANNED_DB)
    ledger = program.ledger
    everything = members()
    keys = [ledger.key(f"scanned:{member}") for member in everything]
    api.mset(dict.fromkeys(keys, 1))
    api.sadd(ledger.key("set"), *everything)
    api.hset(ledger.key("hash"), mapping=dict.fromkeys(everything, 1))
    api.zadd(ledger.key("zset"), dict.fromkeys(everything, 1))

    def scan_keys() -> Collection[str]:
        return list(api.scan_iter(match=ledger.key("scanned:*"), count=STEP))

    scanners: list[tuple[str, Callable[[], Collection[str]], list[str]]] = [
        ("SCAN", scan_keys, keys),
        ("SSCAN", lambda: list(api.sscan_iter(ledger.key("set"), count=STEP)), list(everything)),
        ("HSCAN", lambda: dict(api.hscan_iter(ledger.key("hash"), count=STEP)), list(everything)),
        ("ZSCAN", lambda: dict(api.zscan_iter(ledger.key("zset"), count=STEP)), list(everything)),
    ]

    def body(number: int) -> None:
        what, scan, expected = scanners[number % len(scanners)]
        found: Any = program.attempt(scan)
        if found is not UNKNOWN:
            ledger.scanned(what, set(expected) - set(found))

    program.loop(body, first=FIRST_SCANS)


def cached(program: Program, name: str) -> None:
    """redis-py's client side caching; below 7.4 the library refuses the server."""
    if program.server_version < CACHES_FROM:
        return
    freshness = Freshness.of(program.ledger, name)
    reader = program.client(f"{name}:reader", protocol=3, cache_config=CacheConfig())
    writer = program.client(f"{name}:writer", protocol=2)

    def write(number: int) -> None:
        key = freshness.keys[number % len(freshness.keys)]
        if program.ask(writer.set, key, number) is not UNKNOWN:
            freshness.wrote(key, number)
        time.sleep(freshness.until_next_write_s())

    def read(number: int) -> None:
        for key in freshness.keys:
            due = freshness.due(key)
            value = program.ask(reader.get, key)
            if value is not UNKNOWN:
                freshness.check(key, due, value)

    program.loop(write, first=FIRST_SCANS)
    program.loop(read)
