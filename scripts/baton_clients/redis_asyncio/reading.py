"""What reads at length: scans of large collections."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import redis

from scripts.baton_clients.ledger import FIRST_SCANS, SCANNED_DB, members

from .program import Program

STEP = 50


async def scans(program: Program, name: str, *, protocol: int) -> None:
    """SCAN, SSCAN, HSCAN and ZSCAN over what never changes: every member is there each time."""
    api = await program.client(name, protocol=protocol, db=SCANNED_DB)
    ledger = program.ledger
    everything = members()
    keys = [ledger.key(f"scanned:{member}") for member in everything]
    await api.mset(dict.fromkeys(keys, 1))
    await api.sadd(ledger.key("set"), *everything)
    await api.hset(ledger.key("hash"), mapping=dict.fromkeys(everything, 1))
    await api.zadd(ledger.key("zset"), dict.fromkeys(everything, 1))
    scanners: list[tuple[str, Callable[[], AsyncIterator[Any]], list[str]]] = [
        ("SCAN", lambda: api.scan_iter(match=ledger.key("scanned:*"), count=STEP), keys),
        ("SSCAN", lambda: api.sscan_iter(ledger.key("set"), count=STEP), list(everything)),
        ("HSCAN", lambda: api.hscan_iter(ledger.key("hash"), count=STEP), list(everything)),
        ("ZSCAN", lambda: api.zscan_iter(ledger.key("zset"), count=STEP), list(everything)),
    ]

    async def body(number: int) -> None:
        what, scan, expected = scanners[number % len(scanners)]
        found = set()
        try:
            async for one in scan():
                found.add(one if isinstance(one, str) else one[0])
        except redis.RedisError as error:
            ledger.fault(f"{what}: {error!r}", broken=isinstance(error, redis.ConnectionError))
        else:
            ledger.scanned(what, set(expected) - found)

    program.loop(body, first=FIRST_SCANS)
