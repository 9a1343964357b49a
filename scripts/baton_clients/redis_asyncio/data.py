"""Plain data, pipelines, transactions, locks, scripts and functions."""

from __future__ import annotations

import asyncio
from typing import Any

import redis

from scripts.baton_clients.ledger import UNKNOWN, pace_s
from scripts.baton_clients.lua import APPEND, FUNCTION, HAS_FUNCTIONS

from .program import Program


async def values(program: Program, name: str, *, protocol: int, db: int) -> None:
    """Plain data of several types in its db, pipelines, the connection's name, WAIT."""
    api = await program.client(name, protocol=protocol, db=db)
    ledger = program.ledger
    entries = ledger.history(f"{name}:list", "list", db=db)
    piped = ledger.history(f"{name}:piped", "list", db=db)
    key = {what: ledger.key(f"{name}:{what}") for what in ("list", "piped", "value", "hash", "bits", "zset")}
    await api.set(ledger.key("db"), db)
    own_id = await api.client_id()
    big = "x" * 200_000

    async def body(number: int) -> None:
        program.note(entries, number, await program.ask(api.rpush(key["list"], number)))
        if await program.ask(api.hset(key["hash"], mapping={"n": number, "m": -number})) is not UNKNOWN:
            told = await program.ask(api.hgetall(key["hash"]))
            ledger.expect("HGETALL after HSET", told, {"n": str(number), "m": str(-number)})
        ledger.expect("the db", await program.ask(api.get(ledger.key("db"))), str(db))
        ledger.expect("CLIENT GETNAME", await program.ask(api.client_getname()), ledger.key(name))
        if await program.ask(api.zadd(key["zset"], {"m": number + 0.5})) is not UNKNOWN:
            ledger.expect("ZSCORE after ZADD", await program.ask(api.zscore(key["zset"], "m")), number + 0.5)
        ledger.expect("CLIENT ID", await program.ask(api.client_id()), own_id)
        if number % 3 == 0:
            await pipe(number)
        if number % 10 == 0:
            ledger.expect("WAIT", await program.ask(api.wait(1, 10_000)), 1)
        if number % 7 == 0 and await program.ask(api.set(key["value"], big, ex=100)) is not UNKNOWN:
            ledger.expect(
                "a long value's length", len(await program.ask(api.get(key["value"])) or ""), len(big)
            )

    async def pipe(number: int) -> None:
        numbers = range(number * 10, number * 10 + 10)
        async with api.pipeline(transaction=False) as pipeline:
            for one in numbers:
                pipeline.rpush(key["piped"], one)
            replies = await program.ask(pipeline.execute(), operations=10)
        for one in numbers:
            program.note(piped, one, replies)
        if replies is not UNKNOWN:
            ledger.expect("replies of a pipeline", replies, list(range(replies[0], replies[0] + 10)))

    program.loop(body)


async def crowd(program: Program, name: str, *, protocol: int, connections: int, tasks: int) -> None:
    """More tasks than connections, as in a web application: each command goes over whichever is free."""
    api = await program.client(name, protocol=protocol, connections=connections)
    for member in range(tasks):
        await join(program, api, f"{name}:{member}")


async def join(program: Program, api: Any, name: str) -> None:
    counter = program.ledger.history(name, "counter")

    async def body(number: int) -> None:
        reply = await program.ask(api.incr(program.ledger.key(name)))
        program.note(counter, number, reply)
        if reply is not UNKNOWN:
            program.ledger.expect("INCR", reply, number)

    program.loop(body)


async def transactions(program: Program, name: str, *, protocol: int) -> None:
    """redis-py's own loop of WATCH, GET, MULTI, SET, EXEC, on a key that others want, too."""
    api = await program.client(name, protocol=protocol)
    ledger = program.ledger
    entries = ledger.history(f"{name}:list", "list")
    shared, mine = ledger.key("shared"), ledger.key(f"{name}:list")

    async def body(number: int) -> None:
        written = 0

        async def add_one(pipeline: Any) -> None:
            nonlocal written
            written = int(await pipeline.get(shared) or 0) + 1
            await asyncio.sleep(pace_s())
            pipeline.multi()
            pipeline.set(shared, written).rpush(mine, number).incr(ledger.key("shared-wins"))

        async with api.pipeline(transaction=True) as pipeline:
            await pipeline.watch(shared)
            await add_one(pipeline)
            replies = await program.ask(pipeline.execute())
        if replies is not None:  # nil: a rival was quicker
            program.note(entries, number, replies)
        if replies is not None and replies is not UNKNOWN:
            ledger.expect("a value under WATCH", replies[2], written)

    program.loop(body)


async def locks(program: Program, name: str, *, protocol: int) -> None:
    """redis-py's Lock, a SET NX and scripts by EVALSHA: what it guards is never touched by two."""
    api = await program.client(name, protocol=protocol)
    ledger = program.ledger
    entries = ledger.history(f"{name}:list", "list")
    guarded = ledger.key("guarded")

    async def body(number: int) -> None:
        lock = api.lock(ledger.key("lock"), timeout=60, sleep=0.01)
        if not await program.attempt(lock.acquire()):
            ledger.fault("a lock was not to be had")
            return
        before = await program.ask(api.get(guarded))
        await asyncio.sleep(pace_s())
        after = await program.ask(api.incr(guarded))
        if UNKNOWN not in (before, after):
            ledger.expect("what a lock guards", after, int(before or 0) + 1)
        program.note(entries, number, await program.ask(api.rpush(ledger.key(f"{name}:list"), number)))
        try:
            await program.ask(lock.extend(60, replace_ttl=True))
            await program.ask(lock.release())
        except redis.exceptions.LockError as error:
            ledger.fault(f"a lock was lost: {error!r}")

    program.loop(body)


async def scripts(program: Program, name: str, *, protocol: int) -> None:
    """EVALSHA, alone and in a pipeline, of a script that was loaded once; FCALL where there are functions."""
    api = await program.client(name, protocol=protocol)
    ledger = program.ledger
    digest = await api.script_load(APPEND)
    evaluated = ledger.history(f"{name}:evaluated", "list")
    called = ledger.history(f"{name}:called", "list")
    has_functions = program.server_version >= HAS_FUNCTIONS
    library = f"{ledger.program}_{name}".replace("-", "_")
    if has_functions:
        await api.function_load(FUNCTION.replace("LIBRARY", library), replace=True)

    def keys(what: str) -> tuple[str, str]:
        return ledger.key(f"{name}:{what}"), ledger.key(f"{name}:{what}:count")

    async def body(number: int) -> None:
        reply = await program.ask(api.evalsha(digest, 2, *keys("evaluated"), number))
        program.note(evaluated, number, reply)
        if reply is not UNKNOWN:
            ledger.expect("EVALSHA", reply, number)
        if has_functions:
            reply = await program.ask(api.fcall(f"{library}_append", 2, *keys("called"), number))
            program.note(called, number, reply)
        if number % 5 == 0:
            async with api.pipeline(transaction=number % 2 == 0) as pipeline:
                pipeline.evalsha(digest, 2, *keys("piped"), number).get(keys("piped")[1])
                replies = await program.ask(pipeline.execute(), operations=2)
            if replies is not UNKNOWN:
                ledger.expect("EVALSHA in a pipeline", str(replies[0]), replies[1])

    program.loop(body)
