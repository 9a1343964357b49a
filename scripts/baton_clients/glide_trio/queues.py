"""Lists and sorted sets as queues, and streams: workers that block."""

from __future__ import annotations

from functools import partial
from typing import Any

import glide  # type: ignore[import-not-found]  # it is in the programs' own venv
import trio

from scripts.baton_clients.ledger import FIRST_LOAD, LAST, UNKNOWN, Place, pace_s

from .program import Api, Program

LAST_SCORE = 10**9
"""What comes last out of a sorted set."""


async def list_queue(program: Program, name: str, *, protocol: int, waits_s: float) -> None:
    """A list that BLMOVE takes from; a worker that waits for ever gets little to do."""
    ledger = program.ledger
    producer = await program.client(f"{name}:producer", protocol=protocol)
    worker = await program.client(f"{name}:worker", protocol=5 - protocol)
    key, done = ledger.key(name), ledger.key(f"{name}:done")
    sent = ledger.history(name, "list")
    moved = ledger.follow(sent.followed(f"{name}:done"))
    moved.place = Place("list", done)

    async def push(number: int) -> None:
        program.note(sent, number, await program.ask(producer.rpush, key, [str(number)]))
        await trio.sleep(pace_s() * (40 if number > FIRST_LOAD and not waits_s else 1))

    async def last() -> None:
        await program.ask(producer.rpush, key, [str(LAST)])

    async def work() -> None:
        ends = glide.ListDirection.LEFT, glide.ListDirection.RIGHT
        while True:
            told = await program.attempt(worker.blmove, key, done, *ends, waits_s)
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
    worker = await program.client(f"{name}:worker", protocol=protocol)
    key = ledger.key(name)
    sent = ledger.history(name, "zset")

    async def push(number: int) -> None:
        program.note(sent, number, await program.ask(producer.zadd, key, {str(number): number}))

    async def last() -> None:
        await program.ask(producer.zadd, key, {str(LAST_SCORE): LAST_SCORE})

    async def work() -> None:
        while True:
            told = await program.attempt(worker.bzpopmin, [key], 0)
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
    await producer.xgroup_create(key, group, "$", glide.StreamGroupOptions(make_stream=True))
    ledger.groups.append((0, key, group))
    sent = ledger.history(name, "stream")
    processed = ledger.follow(sent.followed(f"{name}:processed", ordered=False))
    followed = ledger.follow(sent.followed(f"{name}:followed"))

    async def add(number: int) -> None:
        program.note(sent, number, await program.ask(producer.xadd, key, [("n", str(number))]))

    async def last() -> None:
        for _ in "ab":
            await program.ask(producer.xadd, key, [("n", str(LAST))])

    async def work(api: Api, consumer: str) -> None:
        # For ever: to any other limit glide adds half a second, whatever is set, and then gives up.
        options = glide.StreamReadGroupOptions(block_ms=0, count=1)
        while True:
            told = await program.attempt(api.xreadgroup, {key: ">"}, group, consumer, options)
            if told is UNKNOWN and not ledger.goes_on():
                return
            for entry, number in entries_of(told):
                ledger.expect("XACK", await program.ask(api.xack, key, group, [entry]), 1)
                if number == LAST:
                    return
                processed.seen.append(number)

    async def follow(api: Api) -> None:
        newest = "0-0"
        options = glide.StreamReadOptions(block_ms=0, count=100)
        while True:
            told = await program.attempt(api.xread, {key: newest}, options)
            if told is UNKNOWN and not ledger.goes_on():
                return
            for entry, number in entries_of(told):
                newest = entry
                if number == LAST:
                    return
                followed.seen.append(number)

    for consumer in "ab":
        api = await program.client(f"{name}:{consumer}", protocol=protocol)
        program.reader(partial(work, api, consumer))
    reader = await program.client(f"{name}:reader", protocol=5 - protocol)
    program.reader(partial(follow, reader))
    program.loop(add, last=last)


def entries_of(reply: Any) -> list[tuple[str, int]]:
    """The entries of the one stream asked for: each one's id, and its number."""
    if not reply or reply is UNKNOWN:
        return []
    [entries] = reply.values()
    return [(entry.decode(), int(fields[0][1])) for entry, fields in entries.items()]
