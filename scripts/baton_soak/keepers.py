"""Residents with two connections: what one says, the other must come to know, once and in order."""

from __future__ import annotations

import random
import select
import time
from functools import partial
from typing import Any

from .callers import Caller, Party
from .residents import DB, Part

TOLD_LIMIT_S = 20.0
"""Within which a message, an element or an invalidation has to be there."""
TRIMMED = 1000
"""Entries of a stream that are kept."""


def queueing(party: Party, dice: random.Random, *, gap_ms: float) -> None:
    """Pushed by one, popped by one who is blocked most of the time; then the other way round in haste."""
    row, key, number = "residents: BLPOP", f"resident:queue:{dice.randrange(10**9)}", 0
    with party.caller(row, db=DB) as pusher, party.caller(row, protocol=3, db=DB) as popper:
        popper.send(f"BLPOP {key} 0\r\n".encode())
        while party.rest(dice, gap_ms, party.shut):
            number += 1
            pusher.ask("RPUSH", key, number)
            popped = popper.reply()
            check(popper, number, popped[1] if isinstance(popped, list) and len(popped) == 2 else popped)
            popper.send(f"BLPOP {key} 0\r\n".encode())
        pusher.ask("RPUSH", key, "the last")
        popper.reply()


def streaming(party: Party, dice: random.Random) -> None:
    """A consumer group of one."""
    row, key, number = "residents: streams", f"resident:stream:{dice.randrange(10**9)}", 0
    with party.caller(row, db=DB) as adder, party.caller(row, db=DB) as reader:
        adder.want("OK", "XGROUP", "CREATE", key, "group", "$", "MKSTREAM")
        while party.rest(dice, 80, party.shut):
            added = dice.choice((1, 1, 5))
            adder.ask_all(
                [("XADD", key, "MAXLEN", "~", TRIMMED, "*", "n", number + at + 1) for at in range(added)]
            )
            while added:
                read = reader.ask(*f"XREADGROUP GROUP group me COUNT 3 BLOCK 5000 STREAMS {key} >".split())
                entries = read[0][1] if read else []
                if not entries:
                    raise reader.wrong("lost", f"entry {number + 1} of {key} is not given out")
                for place, fields in entries:
                    number, added = number + 1, added - 1
                    check(reader, number, fields[1])
                    reader.want(1, "XACK", key, "group", place)
        adder.want(1, "UNLINK", key)


def publishing(party: Party, dice: random.Random, *, protocol: int, form: str) -> None:
    row, channel, number = f"residents: {form}", f"resident:channel:{dice.randrange(10**9)}", 0
    with party.caller(row, db=DB) as publisher, party.caller(row, protocol=protocol, db=DB) as subscriber:
        subscriber.send(f"{form} {channel}\r\n".encode())
        subscriber.next()
        while party.rest(dice, 60, party.shut):
            burst = dice.choice((1, 1, 4))
            publisher.ask_all([("PUBLISH", channel, number + at + 1) for at in range(burst)])
            for _ in range(burst):
                number += 1
                check(subscriber, number, list(subscriber.next())[-1])
        subscriber.send(f"{'P' * (form[0] == 'P')}UNSUBSCRIBE\r\n".encode())
        subscriber.next()


def check(caller: Caller, wanted: int, got: Any) -> None:
    caller.book.add(caller.row, operations=1)
    if got == str(wanted):
        return
    there = int(got) if isinstance(got, str) and got.isdigit() else None
    what = "errors" if there is None else "lost" if there > wanted else "doubled"
    raise caller.wrong(what, f"{wanted} was to come, and {got!r} came")


def rivalling(party: Party, dice: random.Random) -> None:
    """Two watch a key and both would set it: one only may, and each that did counts."""
    row, key, value = "residents: WATCH", f"resident:rivals:{dice.randrange(10**9)}", 0
    with party.caller(row, db=DB) as one, party.caller(row, protocol=3, db=DB) as other:
        while party.rest(dice, 80, party.shut):
            for rival in (one, other):
                rival.want("OK", "WATCH", key)
                if (before := int(rival.ask("GET", key) or 0)) != value:
                    what = "lost" if before < value else "doubled"
                    raise rival.wrong(what, f"{key} is {before}, not {value}")
            first, second = dice.sample((one, other), 2)
            won = first.ask_all([("MULTI",), ("SET", key, value + 1), ("EXEC",)])[-1]
            lost = second.ask_all([("MULTI",), ("SET", key, value + 1), ("EXEC",)])[-1]
            if lost is not None and won is not None:
                raise second.wrong("lost", "both of two rivals have set what they watched")
            value += (won is not None) + (lost is not None)
        one.ask("DEL", key)


def tracking(party: Party, dice: random.Random) -> None:
    """What is kept of a key is forgotten when it is written; then the new value is there."""
    row, key, value = "residents: tracking", f"resident:tracked:{dice.randrange(10**9)}", 0
    with party.caller(row, db=DB) as writer, party.caller(row, protocol=3, db=DB) as reader:
        kept: set[str] = set()

        def forget(push: Any) -> None:
            if push[0] != "invalidate":
                raise reader.wrong("errors", f"a push that nobody asked for: {push!r}")
            kept.difference_update([key] if push[1] is None else push[1])

        reader.pushed = forget
        reader.want("OK", "CLIENT", "TRACKING", "ON")
        while party.rest(dice, 60, party.shut):
            kept.add(key)
            got = int(reader.ask("GET", key) or 0)
            if got != value:
                raise reader.wrong("lost" if got < value else "doubled", f"{key} is {got}, not {value}")
            value += 1
            writer.want("OK", "SET", key, value)
            deadline_s = time.monotonic() + TOLD_LIMIT_S
            while kept:
                if time.monotonic() > deadline_s:
                    raise reader.wrong("lost", "was not told that a key has changed")
                if select.select([reader.talk.socket], [], [], 0.5)[0] or reader.talk._reader.has_data():
                    forget(reader.next())
        reader.want("OK", "CLIENT", "TRACKING", "OFF")
        writer.want(1, "DEL", key)


KEEPERS: dict[str, Part] = {
    "queueing": partial(queueing, gap_ms=50),
    "queueing slowly": partial(queueing, gap_ms=4000),
    "streaming": streaming,
    "publishing": partial(publishing, protocol=2, form="SUBSCRIBE"),
    "publishing in RESP3": partial(publishing, protocol=3, form="SUBSCRIBE"),
    "publishing by pattern": partial(publishing, protocol=2, form="PSUBSCRIBE"),
    "rivalling": rivalling,
    "tracking": tracking,
}
