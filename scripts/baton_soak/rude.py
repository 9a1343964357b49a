"""Clients that go without a word, or never listen: nobody else may notice, and nothing may be left of it."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Final

from proxy.wire.encoding import command
from tests import encryption

from .callers import Caller, Party
from .visits import fresh

BETWEEN_MS = 120
BULKY = "rude:bulky"
BULKY_BYTES = 200_000


def midway(caller: Caller, dice: random.Random) -> None:
    """Reset with replies under way."""
    caller.send(command("GET", BULKY) * dice.randrange(1, 20))
    time.sleep(dice.random() * 0.005)
    caller.break_off()


def half(caller: Caller, dice: random.Random) -> None:
    """Half a command, and no more."""
    whole = command("SET", fresh("half"), "x" * dice.choice((10, 5000, 300_000)))
    caller.send(whole[: dice.randrange(1, len(whole))])
    time.sleep(dice.random() * 0.5)
    caller.break_off() if dice.random() < 0.5 else caller.talk.socket.close()


def deaf(caller: Caller, dice: random.Random) -> None:
    """Asks for much, and never reads it."""
    caller.send(command("GET", BULKY) * 40)
    time.sleep(1 + dice.random() * 3)
    caller.break_off()


def blocked(caller: Caller, dice: random.Random) -> None:
    caller.send(command("BLPOP", fresh("nothing"), "0"))
    time.sleep(dice.random())
    caller.break_off()


def in_transaction(caller: Caller, dice: random.Random) -> None:
    """What was queued must not happen: the key is one that nobody may ever find."""
    caller.send(command("MULTI") + command("SET", "rude:never", "x"))
    time.sleep(dice.random() * 0.2)
    caller.break_off()


def subscribed(caller: Caller, dice: random.Random) -> None:
    caller.send(command("SUBSCRIBE", "residents", "rude") + command("PSUBSCRIBE", "*"))
    time.sleep(dice.random())
    caller.break_off()


def watching(caller: Caller, dice: random.Random) -> None:
    """Tracks everything, in RESP3, and goes."""
    caller.send(command("HELLO", 3) + command("CLIENT", "TRACKING", "ON", "BCAST") + command("WATCH", "a"))
    time.sleep(dice.random())
    caller.break_off()


def garbage(caller: Caller, dice: random.Random) -> None:
    """Is told of its mistake and closed, as by Redis; what it was told is not looked at."""
    caller.send(
        b"*1\r\n$4\r\nPING\r\n*3\r\n$x" + bytes(dice.randrange(256) for _ in range(dice.randrange(400)))
    )
    time.sleep(dice.random() * 0.05)
    caller.talk.socket.close()


def silent(caller: Caller, dice: random.Random) -> None:
    """Comes and goes."""
    caller.talk.socket.close()


WAYS: Final[dict[str, Callable[[Caller, random.Random], None]]] = {
    "reset midway": midway,
    "half a command": half,
    "never reads": deaf,
    "reset in BLPOP": blocked,
    "reset in MULTI": in_transaction,
    "reset subscribed": subscribed,
    "reset tracking": watching,
    "garbage": garbage,
    "comes and goes": silent,
}


def half_a_handshake(party: Party, dice: random.Random) -> None:
    """The first bytes of TLS, or what is none, and then nothing for a while."""
    party.book.add("rude: half a handshake", clients=1)
    with closing(socket.create_connection(("127.0.0.1", party.port))) as raw, suppress(OSError):
        raw.sendall(b"\x16\x03\x01\x02\x00"[: dice.randrange(6)] + dice.randbytes(dice.randrange(100)))
        time.sleep(dice.random())


def intrude(party: Party, dice: random.Random) -> None:
    """One after the other."""
    with party.caller("rude: all of them") as caller:
        caller.want("OK", "SET", BULKY, "b" * BULKY_BYTES)
    while party.rest(dice, BETWEEN_MS, party.over):
        if encryption.is_on() and dice.random() < 0.1:
            half_a_handshake(party, dice)
        row = f"rude: {dice.choice(list(WAYS))}"
        caller = party.come(row, protocol=2, login=dice.random() < 0.3)
        WAYS[row.removeprefix("rude: ")](caller, dice)
