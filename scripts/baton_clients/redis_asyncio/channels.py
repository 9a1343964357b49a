"""Publishers that number their messages, subscribers of every kind, and the notifications of keys."""

from __future__ import annotations

from functools import partial
from typing import Any

from scripts.baton_clients.ledger import LAST, History
from scripts.baton_clients.lua import HAS_FUNCTIONS

from .program import Program

CONFIRMED_LIMIT_S = 10
BURST = 40
PADDING = " " * 5_000
"""Bytes behind the number, which int() does not mind."""


async def channels(program: Program, name: str, *, protocol: int) -> None:
    """One publisher; subscribers by name, by pattern, by shard, and to what happens to a key."""
    ledger = program.ledger
    publisher = await program.client(f"{name}:publisher", protocol=protocol)
    channel, shard, key = (ledger.key(f"{name}:{what}") for what in ("main", "shard", "key"))
    sharded = program.server_version >= HAS_FUNCTIONS
    sent = ledger.history(f"{name}:by-name")
    await listen(program, name, 2, sent, "subscribe", channel)
    by_pattern = ledger.follow(sent.followed(f"{name}:by-pattern"))
    await listen(program, name, 3, by_pattern, "psubscribe", ledger.key(f"{name}:mai?"))
    to_shard = ledger.history(f"{name}:sharded")
    if sharded:
        await listen(program, name, 2, to_shard, "ssubscribe", shard)
    touched = ledger.history(f"{name}:notified")
    await count_events(program, name, touched, f"__keyspace@0__:{key}")

    async def publish(number: int) -> None:
        program.note(sent, number, await program.ask(publisher.publish(channel, number)))
        program.note(touched, number, await program.ask(publisher.rpush(key, number)))
        if sharded:
            program.note(
                to_shard, number, await program.ask(publisher.execute_command("SPUBLISH", shard, number))
            )

    async def last() -> None:
        await program.ask(publisher.publish(channel, LAST))
        await program.ask(publisher.delete(key))
        if sharded:
            await program.ask(publisher.execute_command("SPUBLISH", shard, LAST))

    program.loop(publish, last=last)


async def bursts(program: Program, name: str, *, protocol: int) -> None:
    """Long messages, many at a time: some are on their way to the subscriber when all else is answered."""
    ledger = program.ledger
    publisher = await program.client(f"{name}:publisher", protocol=protocol)
    sent = ledger.history(name)
    channel = ledger.key(name)
    await listen(program, name, 5 - protocol, sent, "subscribe", channel)

    async def publish(number: int) -> None:
        numbers = range((number - 1) * BURST + 1, number * BURST + 1)
        async with publisher.pipeline(transaction=False) as pipeline:
            for one in numbers:
                pipeline.publish(channel, f"{one}{PADDING}")
            replies = await program.ask(pipeline.execute(), operations=BURST)
        for one in numbers:
            program.note(sent, one, replies)

    async def last() -> None:
        await program.ask(publisher.publish(channel, LAST))

    program.loop(publish, last=last)


async def listen(program: Program, name: str, protocol: int, history: History, how: str, what: str) -> None:
    subscription = await subscribed(program, f"{name}:{how}", protocol, how, what)

    async def hear() -> None:
        async for message in program.messages(subscription):
            if not message["type"].endswith("message"):
                continue  # redis-py has connected again, and subscribed again: that is counted elsewhere
            if int(message["data"]) == LAST:
                return
            history.seen.append(int(message["data"]))

    program.reader(hear)


async def count_events(program: Program, name: str, history: History, channel: str) -> None:
    """The events themselves have no numbers: the n-th is the n-th RPUSH."""
    subscription = await subscribed(program, f"{name}:notified", 3, "subscribe", channel)
    program.reader(partial(hear_events, program, subscription, history))


async def hear_events(program: Program, subscription: Any, history: History) -> None:
    async for message in program.messages(subscription):
        if message["data"] == "del":
            return
        program.ledger.expect("a notification", message["data"], "rpush")
        history.seen.append(len(history.seen) + 1)


async def subscribed(program: Program, name: str, protocol: int, how: str, what: str) -> Any:
    subscription = (await program.client(name, protocol=protocol)).pubsub()
    await getattr(subscription, how)(what)
    message = await program.ask(subscription.get_message(timeout=CONFIRMED_LIMIT_S))
    program.ledger.expect("a subscription's confirmation", message and message["type"], how)
    return subscription
