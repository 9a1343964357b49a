"""Lists and sorted sets as queues, and streams: workers that block."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from scripts.baton_clients.ledger import FIRST_LOAD, LAST, SOCKET_TIMEOUT_S, UNKNOWN, Place, pace_s

from .program import Api, Program


def queue(program: Program, name: str, *, protocol: int, put: str, take: str, db: int = 0) -> None:
    """A producer and a worker that blocks: every element taken once, in order."""
    ledger = program.ledger
    producer = program.client(f"{name}:producer", protocol=protocol, db=db)
    worker = program.client(f"{name}:worker", protocol=5 - protocol, db=db, socket_timeout=None)
    key, done = ledger.key(name), ledger.key(f"{name}:done")
    sent = ledger.history(name, "zset" if put == "zadd" else "list", db=db)
    moved = ledger.follow(sent.followed(f"{name}:done")) if take == "blmove" else None
    if moved:
        moved.place = Place("list", done, db)
    puts: dict[str, Callable[[int], Any]] = {
        "rpush": lambda number: producer.rpush(key, number),
        "zadd": lambda number: producer.zadd(key, {str(number): number}),
    }
    takes: dict[str, Callable[[], int | None]] = {
        "blpop": lambda: second(worker.blpop([key], timeout=0)),
        "blmpop": lambda: first_of_many(worker.blmpop(2, 1, key, direction="LEFT")),
        "bzpopmin": lambda: second(worker.bzpopmin([key], timeout=2)),
        "blmove": lambda: second((key, worker.blmove(key, done, timeout=3))),
    }

    def push(number: int) -> None:
        program.note(sent, number, program.ask(puts[put], number))
        time.sleep(pace_s() * (40 if number > FIRST_LOAD and take == "blpop" else 1))

    def last() -> None:
        program.ask(puts[put], 10**9 if put == "zadd" else LAST)

    def work() -> None:
        while True:
            number = program.attempt(takes[take])
            if number in (LAST, 10**9):
                if moved:
                    program.ask(worker.rpop, done)
                return
            if number is UNKNOWN and not ledger.goes_on():
                return
            if number is not None and number is not UNKNOWN:
                sent.seen.append(number)

    program.loop(push, last=last)
    program.reader(work)


def unblocked(program: Program, name: str, *, protocol: int) -> None:
    """A worker that waits for what never comes, and another connection that unblocks it by its id."""
    ledger = program.ledger
    worker = program.client(f"{name}:worker", protocol=protocol, socket_timeout=None)
    other = program.client(f"{name}:other", protocol=5 - protocol)
    unblocks = ledger.history(name)
    worker_id = worker.client_id()
    wakened = threading.Event()

    def unblock(number: int) -> None:
        wakened.clear()
        reply = None
        while not reply and ledger.goes_on():  # 0: it is not blocked yet, or not again
            reply = program.ask(other.client_unblock, worker_id)
            time.sleep(pace_s())
        if reply:
            program.note(unblocks, number, reply)
        if reply == 1:
            wakened.wait(SOCKET_TIMEOUT_S)

    def wait(number: int) -> None:
        reply = program.attempt(worker.blpop, [ledger.key(name)], timeout=0)
        if reply is None:
            unblocks.seen.append(len(unblocks.seen) + 1)
        wakened.set()
        ledger.expect("CLIENT ID", program.ask(worker.client_id), worker_id)

    def last() -> None:
        """One more element, for a worker that is blocked when nobody unblocks it any longer."""
        program.ask(other.rpush, ledger.key(name), LAST)

    program.loop(unblock, last=last)
    program.loop(wait)


def second(reply: Any) -> int | None:
    """The element of [key, element, …]; None for nil."""
    return None if reply is None or reply[1] is None else int(reply[1])


def first_of_many(reply: Any) -> int | None:
    return None if reply is None else int(reply[1][0])


def stream(program: Program, name: str, *, protocol: int) -> None:
    """A producer, two workers of a consumer group, and a reader that follows with XREAD."""
    ledger = program.ledger
    producer = program.client(f"{name}:producer", protocol=protocol)
    key, group = ledger.key(name), "workers"
    producer.xgroup_create(key, group, id="$", mkstream=True)
    ledger.groups.append((0, key, group))
    sent = ledger.history(name, "stream")
    processed = ledger.follow(sent.followed(f"{name}:processed", ordered=False))
    followed = ledger.follow(sent.followed(f"{name}:followed"))

    def add(number: int) -> None:
        program.note(sent, number, program.ask(producer.xadd, key, {"n": number}))

    def last() -> None:
        program.ask(producer.xadd, key, {"n": LAST})
        program.ask(producer.xadd, key, {"n": LAST})

    def work(api: Api, consumer: str) -> None:
        while True:
            reply = program.attempt(
                api.xreadgroup, group, consumer, {key: ">"}, count=1, block=300 if consumer == "a" else 0
            )
            if reply is UNKNOWN and not ledger.goes_on():
                return
            for entry, fields in entries_of(reply):
                acknowledged = program.ask(api.xack, key, group, entry)
                ledger.expect("XACK", acknowledged, 1)
                if int(fields["n"]) == LAST:
                    return
                processed.seen.append(int(fields["n"]))

    def follow(api: Api) -> None:
        newest = "0-0"
        while True:
            reply = program.attempt(api.xread, {key: newest}, count=100, block=0)
            if reply is UNKNOWN and not ledger.goes_on():
                return
            for entry, fields in entries_of(reply):
                newest = entry
                if int(fields["n"]) == LAST:
                    return
                followed.seen.append(int(fields["n"]))

    for consumer in "ab":
        api = program.client(f"{name}:{consumer}", protocol=protocol, socket_timeout=None)
        program.reader(partial(work, api, consumer))
    reader = program.client(f"{name}:reader", protocol=5 - protocol, socket_timeout=None)
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
