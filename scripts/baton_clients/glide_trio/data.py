"""Plain data, pipelines, transactions, scripts and functions."""

from __future__ import annotations

from typing import Any

import glide  # type: ignore[import-not-found]  # it is in the programs' own venv
import trio

from scripts.baton_clients.ledger import UNKNOWN, pace_s
from scripts.baton_clients.lua import APPEND, FUNCTION, HAS_FUNCTIONS

from .program import Api, Program


async def values(program: Program, name: str, *, protocol: int, db: int) -> None:
    """Plain data in its db, pipelines, the connection's name, WAIT."""
    api = await program.client(name, protocol=protocol, db=db)
    ledger = program.ledger
    counter = ledger.history(f"{name}:counter", "counter", db=db)
    piped = ledger.history(f"{name}:piped", "list", db=db)
    value, mark = ledger.key(f"{name}:value"), ledger.key("db")
    await api.set(mark, str(db))
    own_id = await api.client_id()

    async def body(number: int) -> None:
        reply = await program.ask(api.incr, ledger.key(f"{name}:counter"))
        program.note(counter, number, reply)
        if reply is not UNKNOWN:
            ledger.expect("INCR", reply, number)
        if await program.ask(api.set, value, f"{name} {number}") is not UNKNOWN:
            ledger.expect("GET after SET", await program.ask(api.get, value), f"{name} {number}".encode())
        ledger.expect("the db", await program.ask(api.get, mark), str(db).encode())
        ledger.expect("CLIENT GETNAME", await program.ask(api.client_getname), ledger.key(name).encode())
        ledger.expect("CLIENT ID", await program.ask(api.client_id), own_id)
        if number % 4 == 0:
            await pipe(number)
        if number % 10 == 0:
            ledger.expect("WAIT", await program.ask(api.wait, 1, 10_000), 1)

    async def pipe(number: int) -> None:
        numbers = range(number * 10, number * 10 + 10)
        batch = glide.Batch(is_atomic=False)
        for one in numbers:
            batch.rpush(ledger.key(f"{name}:piped"), [str(one)])
        replies = await program.ask(api.exec, batch, True, operations=10)
        for one in numbers:
            program.note(piped, one, replies)
        if replies is not UNKNOWN:
            ledger.expect("replies of a pipeline", replies, list(range(replies[0], replies[0] + 10)))

    program.loop(body)


async def crowd(program: Program, name: str, *, tasks: int) -> None:
    """Many tasks over one connection, each of which must get its own replies."""
    api = await program.client(name, protocol=3)
    for member in range(tasks):
        join(program, api, f"{name}:{member}")


def join(program: Program, api: Api, name: str) -> None:
    ledger = program.ledger
    entries = ledger.history(name, "list")

    async def body(number: int) -> None:
        reply = await program.ask(api.rpush, ledger.key(name), [str(number)])
        program.note(entries, number, reply)
        if reply is not UNKNOWN:
            ledger.expect("RPUSH", reply, number)
            ledger.expect("LINDEX", await program.ask(api.lindex, ledger.key(name), -1), str(number).encode())

    program.loop(body)


async def transactions(program: Program, name: str, *, protocol: int) -> None:
    """Atomic batches, and WATCH on a key that the others want, too."""
    api = await program.client(name, protocol=protocol)
    ledger = program.ledger
    entries = ledger.history(f"{name}:list", "list")
    won = ledger.history(f"{name}:won", "list")
    shared = ledger.key("shared")

    async def body(number: int) -> None:
        batch = glide.Batch(is_atomic=True)
        batch.rpush(ledger.key(f"{name}:list"), [str(number)])
        batch.incr(ledger.key(f"{name}:count"))
        replies = await program.ask(api.exec, batch, True)
        program.note(entries, number, replies)
        if replies is not UNKNOWN:
            ledger.expect("EXEC", replies, [number, number])
        await compete(number)

    async def compete(number: int) -> None:
        if await program.ask(api.watch, [shared]) is UNKNOWN:
            return
        value = await program.ask(api.get, shared)
        if value is UNKNOWN:
            return
        await trio.sleep(pace_s())
        batch = glide.Batch(is_atomic=True)
        batch.set(shared, str(int(value or 0) + 1))
        batch.rpush(ledger.key(f"{name}:won"), [str(number)])
        batch.incr(ledger.key("shared-wins"))
        replies = await program.ask(api.exec, batch, True)
        if replies is None:  # nil: a rival was quicker
            ledger.count("EXEC answered nil")
            return
        program.note(won, number, replies)
        if replies is not UNKNOWN:
            ledger.expect("a value under WATCH", replies[2], int(value or 0) + 1)

    program.loop(body)


async def scripts(program: Program, name: str, *, protocol: int) -> None:
    """EVALSHA of a script that was loaded once, glide's own Script, and FCALL where there are functions."""
    api = await program.client(name, protocol=protocol)
    ledger = program.ledger
    script = glide.Script(APPEND)
    digest = await api.custom_command(["SCRIPT", "LOAD", APPEND])
    library = f"{ledger.program}_{name}"
    if program.server_version >= HAS_FUNCTIONS:
        await api.function_load(FUNCTION.replace("LIBRARY", library), replace=True)

    async def evaluate(keys: list[str], number: str) -> Any:
        return await api.custom_command(["EVALSHA", digest, "2", *keys, number])

    async def invoke(keys: list[str], number: str) -> Any:
        return await api.invoke_script(script, keys=keys, args=[number])

    async def call(keys: list[str], number: str) -> Any:
        return await api.fcall(f"{library}_append", keys=keys, arguments=[number])

    ways = {"evaluated": evaluate, "invoked": invoke, "called": call}
    if program.server_version < HAS_FUNCTIONS:
        del ways["called"]
    histories = {way: ledger.history(f"{name}:{way}", "list") for way in ways}

    async def body(number: int) -> None:
        for name_of_way, way in ways.items():
            keys = [ledger.key(f"{name}:{name_of_way}"), ledger.key(f"{name}:{name_of_way}:count")]
            reply = await program.ask(way, keys, str(number))
            program.note(histories[name_of_way], number, reply)
            if reply is not UNKNOWN:
                ledger.expect(name_of_way, reply, number)

    program.loop(body)
