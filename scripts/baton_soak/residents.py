"""Clients that stay from the first to the last, and would notice any break of their connection.

Each is a loop for a thread of its own. What two connections do together (push and pop, publish and hear) is
in :mod:`.keepers`.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

from proxy.wire.encoding import command

from .callers import USER, Caller, Party
from .visits import SCRIPT

DB = 2
SLOW_BYTES = 256 * 1024
SIP = 16 * 1024
"""What a slow reader takes at once."""
SCANNED_DB, SCANNED = 4, 300
IDLE = 16
LOOK_MS = 5000
"""Between two looks at the idle ones."""

Part = Callable[[Party, random.Random], None]


def counting(party: Party, dice: random.Random, *, number: int, protocol: int, login: bool) -> None:
    key = f"resident:count:{number}:{dice.randrange(10**9)}"
    with party.caller("residents: INCR", protocol=protocol, login=login, db=DB) as caller:
        wanted = 0
        while party.rest(dice, 25, party.shut):
            wanted += 1
            caller.want_number(wanted, "INCR", key)
        caller.want(str(wanted), "GET", key)
        caller.want(1, "DEL", key)


def piping(party: Party, dice: random.Random) -> None:
    key, wanted = f"resident:pipe:{dice.randrange(10**9)}", 0
    with party.caller("residents: pipelines", db=DB) as caller:
        while party.rest(dice, 150, party.shut):
            for got in caller.ask_all([("INCR", key)] * dice.choice((3, 30, 150))):
                wanted += 1
                caller.check_number(wanted, got, ("INCR", key))
        caller.want(1, "DEL", key)


def scripted(party: Party, dice: random.Random) -> None:
    """Loads its script once."""
    key, wanted = f"resident:script:{dice.randrange(10**9)}", 0
    with party.caller("residents: EVALSHA", protocol=3, db=DB) as caller:
        sha = caller.ask("SCRIPT", "LOAD", SCRIPT)
        while party.rest(dice, 60, party.shut):
            wanted += 2
            caller.want_number(wanted, "EVALSHA", sha, 1, key, 2)
        caller.want(1, "DEL", key)


def scanning(party: Party, dice: random.Random) -> None:
    """Goes through the same keys again and again, with rests between: each scan finds them all."""
    with party.caller("residents: SCAN", db=SCANNED_DB) as caller:
        keys = {f"scanned:{number}" for number in range(SCANNED)}
        caller.ask_all([("SET", key, "x") for key in sorted(keys)])
        while party.rest(dice, 100, party.shut):
            found: set[str] = set()
            cursor = "0"
            while True:
                cursor, some = caller.ask("SCAN", cursor, "COUNT", 20)
                found.update(some)
                if cursor == "0":
                    break
                time.sleep(dice.random() * 0.02)
            if found != keys:
                raise caller.wrong("lost", f"a scan found {len(found & keys)} of {len(keys)} keys")


def hauling(party: Party, dice: random.Random) -> None:
    """Large values."""
    key = f"resident:large:{dice.randrange(10**9)}"
    with party.caller("residents: large values", protocol=3, db=DB) as caller:
        while party.rest(dice, 300, party.shut):
            value = f"{dice.random()}" * dice.choice((4_000, 40_000))
            caller.want("OK", "SET", key, value)
            caller.want(value, "GET", key)
        caller.want(1, "DEL", key)


def sipping(party: Party, dice: random.Random) -> None:
    """Reads what it asked for in small sips, more slowly than it comes."""
    key, value = f"resident:sip:{dice.randrange(10**9)}", b"s" * SLOW_BYTES
    with party.caller("residents: slow reader", db=DB) as caller:
        caller.want("OK", "SET", key, value)
        while party.rest(dice, 200, party.shut):
            caller.send(command("GET", key) * 4)
            wanted = (b"$%d\r\n%s\r\n" % (len(value), value)) * 4
            got = bytearray()
            while len(got) < len(wanted):
                got += sip(caller, min(SIP, len(wanted) - len(got)))
                time.sleep(0.02)
            if got != wanted:
                raise caller.wrong("errors", "what was read slowly is not what was asked for")
            party.book.add(caller.row, operations=4)
        caller.want(1, "DEL", key)


def sip(caller: Caller, size: int) -> bytes:
    try:
        got = caller.talk.socket.recv(size)
    except OSError as fault:
        raise caller.wrong("disconnects", f"{type(fault).__name__} {fault} at a sip") from fault
    if not got:
        raise caller.wrong("disconnects", "closed while it read slowly")
    return got


def idling(party: Party, dice: random.Random) -> None:
    """Many that have set something up, and then hardly say anything any more."""
    idle: list[tuple[Caller, str, int]] = []
    with ExitStack() as stack:
        for number in range(IDLE):
            login = number % 3 == 0
            caller = party.come("residents: idle", protocol=2 + number % 2, login=login, db=number % 4)
            stack.callback(caller.talk.socket.close)
            caller.want("OK", "CLIENT", "SETNAME", f"idle-{number}")
            idle.append((caller, USER[0] if login else "default", caller.ask("CLIENT", "ID")))
        while party.rest(dice, LOOK_MS, party.shut):
            same(*dice.choice(idle))
        for caller, user, number in idle:
            same(caller, user, number)
            caller.leave()


def same(caller: Caller, user: str, number: int) -> None:
    """The session is what it was."""
    caller.want(user, "ACL", "WHOAMI")
    caller.want(number, "CLIENT", "ID")
    if not str(caller.ask("CLIENT", "GETNAME")).startswith("idle-"):
        raise caller.wrong("errors", "has lost its name")


RESIDENTS: dict[str, Part] = {
    "counting 1": partial(counting, number=1, protocol=2, login=False),
    "counting 2": partial(counting, number=2, protocol=3, login=False),
    "counting 3": partial(counting, number=3, protocol=2, login=True),
    "piping": piping,
    "scripted": scripted,
    "scanning": scanning,
    "hauling": hauling,
    "sipping": sipping,
    "idling": idling,
}
