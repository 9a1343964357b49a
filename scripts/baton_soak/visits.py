"""Clients that come, do one thing and go; each of them cleans up behind itself."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable
from typing import Final

from .callers import Caller, Party

BETWEEN_MS = 60
"""Between two visits of one thread; of that, a few threads are enough."""
SCRIPT: Final = "return redis.call('INCRBY', KEYS[1], ARGV[1])"
MESSAGES = 5
LARGEST = 600_000
"""Bytes."""
PLACE: Final = itertools.count()


def fresh(kind: str) -> str:
    """A name that nobody else uses; `next` is one step of the interpreter."""
    return f"visit:{kind}:{next(PLACE)}"


def count(caller: Caller, dice: random.Random) -> None:
    key = fresh("count")
    for number in range(1, dice.randrange(2, 12)):
        caller.want_number(number, "INCR", key)
    caller.want(1, "DEL", key)


def pipeline(caller: Caller, dice: random.Random) -> None:
    key, deep = fresh("pipeline"), dice.choice((5, 40, 200))
    replies = caller.ask_all([*[("INCR", key)] * deep, ("GET", key), ("UNLINK", key)])
    for wanted, got in enumerate(replies[:deep], 1):
        caller.check_number(wanted, got, ("INCR", key))
    if replies[deep:] != [str(deep), 1]:
        raise caller.wrong("errors", f"behind {deep} INCR came {replies[deep:]}")


def transaction(caller: Caller, dice: random.Random) -> None:
    """In one piece, or in pieces with rests between."""
    key = fresh("transaction")
    commands = [
        ("MULTI",),
        ("RPUSH", key, "a", "b"),
        ("INCR", f"{key}:n"),
        ("DEL", key, f"{key}:n"),
        ("EXEC",),
    ]
    if dice.random() < 0.5:
        replies = caller.ask_all(list(commands))
    else:
        replies = []
        for words in commands:
            replies.append(caller.ask(*words))
            time.sleep(dice.random() * 0.03)
    if replies != ["OK", "QUEUED", "QUEUED", "QUEUED", [2, 1, 2]]:
        raise caller.wrong("errors", f"a transaction was answered {replies}")


def watch(caller: Caller, dice: random.Random) -> None:
    """Nobody else writes there; still, a switchover may let EXEC answer nil, and nothing was applied then."""
    key = fresh("watch")
    for number in range(1, 4):
        done = None
        while done is None:
            caller.want("OK", "WATCH", key)
            if (before := int(caller.ask("GET", key) or 0)) != number - 1:
                what = "lost" if before < number - 1 else "doubled"
                raise caller.wrong(what, f"GET {key} was answered {before}, not {number - 1}")
            time.sleep(dice.random() * 0.02)
            done = caller.ask_all([("MULTI",), ("SET", key, number), ("EXEC",)])[-1]
    caller.want(1, "DEL", key)


def script(caller: Caller, dice: random.Random) -> None:
    key, step = fresh("script"), dice.randrange(1, 9)
    sha = caller.ask("SCRIPT", "LOAD", SCRIPT)
    for number in range(1, 6):
        caller.want_number(number * step, "EVALSHA", sha, 1, key, step)
    caller.want(1, "DEL", key)


def block(caller: Caller, dice: random.Random) -> None:
    """Waits in vain for a while, then for what is there."""
    key = fresh("block")
    caller.want(None, "BLPOP", key, f"{dice.choice((0.01, 0.05, 0.3)):g}")
    caller.want(2, "RPUSH", key, "one", "two")
    for value in ("one", "two"):
        caller.want([key, value], "BLPOP", key, "5")


def large(caller: Caller, dice: random.Random) -> None:
    key, size = fresh("large"), dice.randrange(1000, LARGEST)
    value = chr(dice.randrange(65, 91)) * size
    caller.want("OK", "SET", key, value)
    caller.want(value, "GET", key)
    caller.want(1, "UNLINK", key)


def stream(caller: Caller, dice: random.Random) -> None:
    key = fresh("stream")
    caller.want("OK", "XGROUP", "CREATE", key, "group", "$", "MKSTREAM")
    places = [caller.ask("XADD", key, "*", "n", number) for number in range(dice.randrange(1, 6))]
    for number, place in enumerate(places):
        read = caller.ask(
            "XREADGROUP", "GROUP", "group", "me", "COUNT", 1, "BLOCK", 5000, "STREAMS", key, ">"
        )
        entries = (list(read.items()) if isinstance(read, dict) else read or [(key, [])])[0][1]
        if [entry[0] for entry in entries] != [place]:
            raise caller.wrong("lost", f"of {key}, entry {number} was to come, and {entries} came")
        caller.want(1, "XACK", key, "group", place)
    if (there := caller.ask("XLEN", key)) != len(places):
        what = "lost" if there < len(places) else "doubled"
        raise caller.wrong(what, f"{key} has {there} entries, not {len(places)}")
    caller.want(1, "DEL", key)


def linger(caller: Caller, dice: random.Random) -> None:
    """Says who it is, waits, and is still the same."""
    name = fresh("linger").replace(":", "-")
    caller.want("OK", "CLIENT", "SETNAME", name)
    number = caller.ask("CLIENT", "ID")
    time.sleep(dice.random() * 4)
    caller.want(name, "CLIENT", "GETNAME")
    caller.want(number, "CLIENT", "ID")


def say_goodbye(caller: Caller, dice: random.Random) -> None:
    """As clients of old do."""
    caller.want("PONG", "PING")
    caller.want("OK", "QUIT")
    caller.parted = True


VISITS: Final[dict[str, Callable[[Caller, random.Random], None]]] = {
    "INCR": count,
    "pipeline": pipeline,
    "MULTI": transaction,
    "WATCH": watch,
    "EVALSHA": script,
    "BLPOP": block,
    "large values": large,
    "streams": stream,
    "idle a while": linger,
    "QUIT": say_goodbye,
}


def visit(party: Party, dice: random.Random) -> None:
    """One after the other, each on a connection of its own, in either protocol, some logged in."""
    while party.rest(dice, BETWEEN_MS, party.over):
        kind = dice.choice([*VISITS, "pub/sub"])
        protocol, login = dice.choice((2, 3)), dice.random() < 0.3
        with party.caller(f"visits: {kind}", protocol=protocol, login=login) as caller:
            if kind == "pub/sub":
                subscribe(party, caller, dice)
            else:
                VISITS[kind](caller, dice)


def subscribe(party: Party, caller: Caller, dice: random.Random) -> None:
    """Hears what a second connection says: all of it, once, in order."""
    channel = fresh("channel")
    caller.send(f"SUBSCRIBE {channel}\r\n".encode())
    heard = [caller.next()]
    with party.caller(caller.row) as publisher:
        for number in range(MESSAGES):
            if publisher.ask("PUBLISH", channel, number) < 1:  # somebody may hear every channel
                raise publisher.wrong("lost", f"message {number} was said to nobody")
    heard += [caller.next() for _ in range(MESSAGES)]
    caller.send(b"UNSUBSCRIBE\r\n")
    heard.append(caller.next())
    wanted = [
        ["subscribe", channel, 1],
        *(["message", channel, str(number)] for number in range(MESSAGES)),
        ["unsubscribe", channel, 0],
    ]
    if [list(each) for each in heard] != wanted:
        raise caller.wrong("lost", f"of {MESSAGES} messages came {heard}")
    caller.book.add(caller.row, operations=len(wanted))
