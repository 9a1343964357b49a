"""A publisher that numbers its messages, and subscribers by name and by pattern."""

from __future__ import annotations

from functools import partial
from typing import Any

from scripts.baton_clients.ledger import LAST, History

from .program import Api, Program

CONFIRMED_LIMIT_MS = 10_000


async def channels(program: Program, name: str) -> None:
    """Subscribers over RESP3: glide has them over no other."""
    ledger = program.ledger
    publisher = await program.client(f"{name}:publisher", protocol=2)
    channel, pattern = ledger.key(f"{name}:main"), ledger.key(f"{name}:ma[hi]n")
    sent = ledger.history(f"{name}:by-name")
    by_name = await program.client(f"{name}:by-name", protocol=3)
    await by_name.subscribe({channel}, CONFIRMED_LIMIT_MS)
    program.reader(partial(hear, by_name, sent))
    by_pattern = await program.client(f"{name}:by-pattern", protocol=3)
    await by_pattern.psubscribe({pattern}, CONFIRMED_LIMIT_MS)
    program.reader(partial(hear, by_pattern, ledger.follow(sent.followed(f"{name}:by-pattern"))))

    async def publish(number: int) -> None:
        program.note(sent, number, await program.ask(publisher.publish, str(number), channel))

    async def last() -> None:
        await program.ask(publisher.publish, str(LAST), channel)

    program.loop(publish, last=last)


async def hear(api: Api, history: History) -> None:
    """Until the last message; should that be lost, the program says that somebody still waits."""
    while True:
        message: Any = await api.get_pubsub_message()
        if int(message.message) == LAST:
            return
        history.seen.append(int(message.message))
