"""Lists and sorted sets as queues, and streams: workers that block."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from scripts.baton_clients.ledger import FIRST_LOAD, LAST, UNKNOWN, Place, pace_s

from .program import Api, Program

LAST_SCORE = 10**9
"""What comes last out of a sorted set."""


async def list_queue(program: Program, name: str, *, protocol: int, waits_s: float) -> None:
    """A list that BLMOVE takes from; a worker that waits for ever gets little to do."""
    ledger = program.ledger
    producer = await program.client(f"{name}:producer", protocol=protocol)
    worker = await program.client(f"{name}:worker", protocol=5 - protocol, socket_timeout=None)
    key, done = ledger.key(name), ledger.key(f"{name}:done")
    sent = ledger.history(name, "list")
    moved = ledger.follow(sent.followed(f"{name}:done"))
    moved.place = Place("list", done)

    async def push(number: int) -> None:
        program.note(sent, number, await program.ask(producer.rpush(key, number)))
        await asyncio.sleep(pace_s() * (40 if number > FIRST_LOAD and not waits_s else 1))

    async def last() -> None:
        await program.ask(producer.rpush(key, LAST))

    async def work() -> None:
        while True:
            told = await program.attempt(worker.blmove(key, done, waits_s, src="LEFT", dest="RIGHT"))
            if told is UNKNOWN and not ledger.goes_on():
                return
            if told is None or told is UNKNOWN:
                continue
            if int(told) == LAST:
                return
            sent.seen.append(int(told))

    program.loop(push, last=last)
    program.reader(work)


async def sorted_queue(program: Program, name: str, *, protocol: int) -> None:
    """A sorted set that BZPOPMIN takes from."""
    ledger = program.ledger
    producer = await program.client(f"{name}:producer", protocol=protocol)
    worker = await program.client(f"{name}:worker", protocol=protocol, socket_timeout=None)
    key = ledger.key(name)
    sent = ledger.history(name, "zset")

    async def push(number: int) -> None:
        program.note(sent, number, await program.ask(producer.zadd(key, {str(number): number})))

    async def last() -> None:
        await program.ask(producer.zadd(key, {str(LAST_SCORE): LAST_SCORE}))

    async def work() -> None:
        while True:
            told = await program.attempt(worker.bzpopmin([key], timeout=0))
            if told is UNKNOWN and not ledger.goes_on():
                return
            if told is None or told is UNKNOWN:
                continue
            if int(told[1]) == LAST_SCORE:
                return
            sent.seen.append(int(told[1]))

    program.loop(push, last=last)
    program.reader(work)


async def stream(program: Program, name: str, *, protocol: int) -> None:
    """A producer, two workers of a consumer group, and a reader that follows with XREAD."""
    ledger = program.ledger
    producer = await program.client(f"{name}:producer", protocol=protocol)
    key, group = ledger.key(name), "workers"
    await producer.xgroup_create(key, group, id="$", mkstream=True)
    ledger.groups.append((0, key, group))
    sent = ledger.history(name, "stream")
    processed = ledger.follow(sent.followed(f"{name}:processed", ordered=False))
    followed = ledger.follow(sent.followed(f"{name}:followed"))

    async def add(number: int) -> None:
        program.note(sent, number, await program.ask(producer.xadd(key, {"n": number})))

    async def last() -> None:
        for _ in "ab":
            await program.ask(producer.xadd(key, {"n": LAST}))

    async def work(api: Api, consumer: str) -> None:
        while True:
            told = await program.attempt(api.xreadgroup(group, consumer, {key: ">"}, count=3, block=0))
            if told is UNKNOWN and not ledger.goes_on():
                return
            numbers = []
            for entry, fields in entries_of(told):
                ledger.expect("XACK", await program.ask(api.xack(key, group, entry)), 1)
                numbers.append(int(fields["n"]))
            processed.seen += [number for number in numbers if number != LAST]
            if LAST in numbers:
                if numbers.count(LAST) > 1:  # the other's, too
                    await program.ask(api.xadd(key, {"n": LAST}))
                return

    async def follow(api: Api) -> None:
        newest = "0-0"
        while True:
            told = await program.attempt(api.xread({key: newest}, count=100, block=0))
            if told is UNKNOWN and not ledger.goes_on():
                return
            for entry, fields in entries_of(told):
                newest = entry
                if int(fields["n"]) == LAST:
                    return
                followed.seen.append(int(fields["n"]))

    for consumer in "ab":
        api = await program.client(f"{name}:{consumer}", protocol=protocol, socket_timeout=None)
        program.reader(partial(work, api, consumer))
    reader = await program.client(f"{name}:reader", protocol=5 - protocol, socket_timeout=None)
    program.reader(partial(follow, reader))
    program.loop(add, last=last)


def entries_of(reply: Any) -> list[tuple[str, dict[str, str]]]:
    """The entries of the one stream asked for, in RESP2's form or RESP3's."""
    if not reply or reply is UNKNOWN:
        return []
    if isinstance(reply, dict):
        [entries] = reply.values()
        return list(entries[0])
    return list(reply[0][1])
