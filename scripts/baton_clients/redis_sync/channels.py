"""Publishers that number their messages, and subscribers of every kind."""

from __future__ import annotations

from functools import partial
from typing import Any

from scripts.baton_clients.ledger import LAST, History
from scripts.baton_clients.lua import HAS_FUNCTIONS

from .program import Program

CONFIRMED_LIMIT_S = 10
WINDOW = 7
"""Messages after which the changing subscriber leaves its second channel."""


def channels(program: Program, name: str, *, protocol: int) -> None:
    """One publisher; subscribers by name, by pattern, by shard, and one that keeps changing what it hears."""
    ledger = program.ledger
    publisher = program.client(f"{name}:publisher", protocol=protocol)
    channel, shard, extra = (ledger.key(f"{name}:{what}") for what in ("main", "shard", "extra"))
    sharded = program.server_version >= HAS_FUNCTIONS
    sent = ledger.history(f"{name}:by-name")
    listen(program, name, 2, sent, "subscribe", channel)
    listen(program, name, 3, ledger.follow(sent.followed(f"{name}:by-name-3")), "subscribe", channel)
    pattern = ledger.key(f"{name}:m*")
    listen(program, name, protocol, ledger.follow(sent.followed(f"{name}:by-pattern")), "psubscribe", pattern)
    to_shard = ledger.history(f"{name}:sharded")
    if sharded:
        listen(program, name, 3, to_shard, "ssubscribe", shard)
    change(program, name, ledger.follow(sent.followed(f"{name}:changing")), channel, extra)

    def publish(number: int) -> None:
        program.ask(publisher.publish, extra, number)
        program.note(sent, number, program.ask(publisher.publish, channel, number))
        if sharded:
            program.note(to_shard, number, program.ask(publisher.spublish, shard, number))

    def last() -> None:
        program.ask(publisher.publish, channel, LAST)
        if sharded:
            program.ask(publisher.spublish, shard, LAST)

    program.loop(publish, last=last)


def listen(program: Program, name: str, protocol: int, history: History, how: str, what: str) -> None:
    subscription = program.client(f"{name}:{how}", protocol=protocol).pubsub()
    getattr(subscription, how)(what)
    await_word(program, subscription, how)
    program.reader(partial(hear, program, subscription, history))


def await_word(program: Program, subscription: Any, how: str) -> None:
    """Returns with the confirmation; the client has subscribed to nothing else yet."""
    message = program.ask(subscription.get_message, timeout=CONFIRMED_LIMIT_S)
    program.ledger.expect("a subscription's confirmation", message and message["type"], how)


def hear(program: Program, subscription: Any, history: History) -> None:
    for message in program.messages(subscription):
        if not message["type"].endswith("message"):
            continue  # redis-py has connected again, and subscribed again: that is counted elsewhere
        if int(message["data"]) == LAST:
            return
        history.seen.append(int(message["data"]))


def change(program: Program, name: str, history: History, channel: str, extra: str) -> None:
    """Hears one channel all the time, and comes to and goes from another, in which no number may lack."""
    subscription = program.client(f"{name}:changing", protocol=3).pubsub()
    subscription.subscribe(channel)
    await_word(program, subscription, "subscribe")
    program.reader(partial(come_and_go, program, subscription, history, extra))


def come_and_go(program: Program, subscription: Any, history: History, extra: str) -> None:
    ledger = program.ledger
    window: list[int] = []
    subscription.subscribe(extra)
    for message in program.messages(subscription):
        match message["type"], message["channel"] == extra:
            case "subscribe", True:
                window.clear()
            case "unsubscribe", True:
                ledger.expect("a window of messages", window, [*range(window[0], window[0] + len(window))])
                ledger.count("windows of messages without a gap")
                subscription.subscribe(extra)
            case "message", True:
                window.append(int(message["data"]))
                if len(window) == WINDOW:
                    subscription.unsubscribe(extra)
            case "message", False if int(message["data"]) == LAST:
                return
            case "message", False:
                history.seen.append(int(message["data"]))
