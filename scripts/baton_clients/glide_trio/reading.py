"""What reads at length: scans of large collections."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from scripts.baton_clients.ledger import FIRST_SCANS, SCANNED_DB, UNKNOWN, members

from .program import Program

STEP = 80
Scan = Callable[[Any], Awaitable[Any]]


async def scans(program: Program, name: str, *, protocol: int) -> None:
    """SCAN, SSCAN, HSCAN and ZSCAN over what never changes: every member is there each time."""
    api = await program.client(name, protocol=protocol, db=SCANNED_DB)
    ledger = program.ledger
    everything = members()
    keys = [ledger.key(f"scanned:{member}") for member in everything]
    await api.mset(dict.fromkeys(keys, "1"))
    await api.sadd(ledger.key("set"), list(everything))
    await api.hset(ledger.key("hash"), dict.fromkeys(everything, "1"))
    await api.zadd(ledger.key("zset"), dict.fromkeys(everything, 1.0))
    scanners: list[tuple[str, Scan, int, list[str]]] = [
        ("SCAN", lambda at: api.scan(at, match=ledger.key("scanned:*"), count=STEP), 1, keys),
        ("SSCAN", lambda at: api.sscan(ledger.key("set"), at, count=STEP), 1, list(everything)),
        ("HSCAN", lambda at: api.hscan(ledger.key("hash"), at, count=STEP), 2, list(everything)),
        ("ZSCAN", lambda at: api.zscan(ledger.key("zset"), at, count=STEP), 2, list(everything)),
    ]

    async def body(number: int) -> None:
        what, scan, words, expected = scanners[number % len(scanners)]
        found: set[str] = set()
        cursor: Any = "0"
        while True:
            told = await program.ask(scan, cursor)
            if told is UNKNOWN:
                return
            cursor = told[0]
            found.update(word.decode() for word in told[1][::words])
            if cursor == b"0":
                break
        ledger.scanned(what, set(expected) - found)

    program.loop(body, first=FIRST_SCANS)
