"""Plain data, pipelines, transactions, scripts and functions."""

from __future__ import annotations

import time
from typing import Any

from redis.maint_notifications import MaintNotificationsConfig

from scripts.baton_clients.ledger import UNKNOWN, pace_s
from scripts.baton_clients.lua import APPEND, FUNCTION, HAS_FUNCTIONS

from .program import Program


def values(program: Program, name: str, *, protocol: int, db: int) -> None:
    """Plain data in its db, pipelines, the connection's name, WAIT."""
    # With RESP2 there are no notices; with RESP3 this one insists on them, where the others merely ask.
    notices = MaintNotificationsConfig(enabled=protocol == 3)
    api = program.client(name, protocol=protocol, db=db, maint_notifications_config=notices)
    ledger = program.ledger
    counter = ledger.history(f"{name}:counter", "counter", db=db)
    entries = ledger.history(f"{name}:list", "list", db=db)
    piped = ledger.history(f"{name}:piped", "list", db=db)
    value, mark = ledger.key(f"{name}:value"), ledger.key("db")
    api.set(mark, db)
    own_id = api.client_id()

    def body(number: int) -> None:
        reply = program.ask(api.incr, ledger.key(f"{name}:counter"))
        program.note(counter, number, reply)
        program.note(entries, number, program.ask(api.rpush, ledger.key(f"{name}:list"), number))
        if program.ask(api.set, value, f"{name} {number}") is not UNKNOWN:
            ledger.expect("GET after SET", program.ask(api.get, value), f"{name} {number}")
        ledger.expect("the db", program.ask(api.get, mark), str(db))
        ledger.expect("CLIENT GETNAME", program.ask(api.client_getname), ledger.key(name))
        ledger.expect("CLIENT ID", program.ask(api.client_id), own_id)
        if number % 4 == 0:
            pipe(number)
        if number % 10 == 0:
            ledger.expect("WAIT", program.ask(api.wait, 1, 10_000), 1)

    def pipe(number: int) -> None:
        pipeline = api.pipeline(transaction=False)
        numbers = range(number * 10, number * 10 + 10)
        for one in numbers:
            pipeline.rpush(ledger.key(f"{name}:piped"), one)
        replies = program.ask(pipeline.execute, operations=10)
        for one in numbers:
            program.note(piped, one, replies)
        if replies is not UNKNOWN:
            ledger.expect("replies of a pipeline", replies, list(range(replies[0], replies[0] + 10)))

    program.loop(body)


def transactions(program: Program, name: str, *, protocol: int, db: int) -> None:
    """MULTI / EXEC in one piece, and WATCH on a key that the others want, too."""
    api = program.client(name, protocol=protocol, db=db)
    ledger = program.ledger
    entries = ledger.history(f"{name}:list", "list", db=db)
    stakes = ledger.history(f"{name}:won", "list", db=db)
    shared = ledger.key("shared")

    def body(number: int) -> None:
        pipeline = api.pipeline(transaction=True)
        pipeline.rpush(ledger.key(f"{name}:list"), number).incr(ledger.key(f"{name}:count"))
        replies = program.ask(pipeline.execute)
        program.note(entries, number, replies)
        if replies is not UNKNOWN:
            ledger.expect("EXEC", replies[0], replies[1])
        with api.pipeline() as pipeline:
            compete(pipeline, number)

    def compete(pipeline: Any, number: int) -> None:
        if program.ask(pipeline.watch, shared) is UNKNOWN:
            return
        value = program.ask(pipeline.get, shared)
        if value is UNKNOWN:
            return
        time.sleep(pace_s())
        pipeline.multi()
        pipeline.set(shared, int(value or 0) + 1)
        pipeline.rpush(ledger.key(f"{name}:won"), number)
        pipeline.incr(ledger.key("shared-wins"))
        replies = program.ask(pipeline.execute)
        if replies is not None:  # nil: a rival was quicker
            program.note(stakes, number, replies)
        if replies:
            ledger.expect("a value under WATCH", replies[2], int(value or 0) + 1)

    program.loop(body)


def scripts(program: Program, name: str, *, protocol: int) -> None:
    """EVALSHA, alone and in a pipeline, of a script that was loaded once; FCALL where there are functions."""
    api = program.client(name, protocol=protocol)
    ledger = program.ledger
    digest = api.script_load(APPEND)
    in_multi = api.script_load(f"-- in transactions only, which nobody can repair\n{APPEND}")
    evaluated = ledger.history(f"{name}:evaluated", "list")
    called = ledger.history(f"{name}:called", "list")
    has_functions = program.server_version >= HAS_FUNCTIONS
    library = f"{ledger.program}_{name}".replace("-", "_")
    if has_functions:
        api.function_load(FUNCTION.replace("LIBRARY", library), replace=True)

    def keys(what: str) -> tuple[str, str]:
        return ledger.key(f"{name}:{what}"), ledger.key(f"{name}:{what}:count")

    def body(number: int) -> None:
        reply = program.ask(api.evalsha, digest, 2, *keys("evaluated"), number)
        program.note(evaluated, number, reply)
        if reply is not UNKNOWN:
            ledger.expect("EVALSHA", reply, number)
        if has_functions:
            reply = program.ask(api.fcall, f"{library}_append", 2, *keys("called"), number)
            program.note(called, number, reply)
        if number % 5 == 0:
            whole = number % 2 == 0
            pipeline = api.pipeline(transaction=whole)
            pipeline.evalsha(in_multi if whole else digest, 2, *keys("piped"), number)
            pipeline.get(keys("piped")[1])
            replies = program.ask(pipeline.execute, operations=2)
            if replies is not UNKNOWN:
                ledger.expect("EVALSHA in a pipeline", str(replies[0]), replies[1])

    program.loop(body)
