"""A hundred clients of every kind at once, of whom each knows each answer that it may get."""

from __future__ import annotations

import itertools
from random import Random

import pytest

from tests.path.test_malformed import MALFORMED
from tests.shared.scene import Shared
from tests.shared.throng import Program, Throng, Told, opened
from tests.waiting import wait_until

CLIENTS = 100
LONG = 20_000


def stormy(name: str, protocol: int, random: Random) -> Program:
    """Whatever it asks is answered with its own name and number."""
    for number in itertools.count():
        tag = f"{name}:{number}" + ("x" * random.randrange(LONG) if random.random() < 0.1 else "")
        asked: list[Told] = []
        for _ in range(random.randrange(1, 4)):
            asked += random.choice(KINDS)(name, tag, protocol)
        if random.random() < 0.3:  # one by one
            for each in asked:
                yield [each]
        else:
            yield asked


def simple(name: str, tag: str, protocol: int) -> list[Told]:
    return [(("SET", f"own:{name}", tag), "OK"), (("GET", f"own:{name}"), tag), (("ECHO", tag), tag)]


def errors(name: str, tag: str, protocol: int) -> list[Told]:
    wrong = (("LPUSH", f"own:{name}", tag), lambda told: str(told).startswith("WRONGTYPE"))
    return [(("SET", f"own:{name}", tag), "OK"), wrong, (("GET",), is_error), (("PING", tag), tag)]


def is_error(told: object) -> bool:
    return isinstance(told, Exception)


def nested(name: str, tag: str, protocol: int) -> list[Told]:
    return [
        (("EVAL", "return {ARGV[1], {1, {ARGV[1]}}}", 0, tag), [tag, [1, [tag]]]),
        (("HSET", f"hash:{name}", "tag", tag), lambda told: told in (0, 1)),
        (("HGETALL", f"hash:{name}"), {"tag": tag} if protocol == 3 else ["tag", tag]),
    ]


def whole(name: str, tag: str, protocol: int) -> list[Told]:
    return [
        (("MULTI",), "OK"),
        (("SET", f"own:{name}", tag), "QUEUED"),
        (("GET", f"own:{name}"), "QUEUED"),
        (("ECHO", tag), "QUEUED"),
        (("EXEC",), ["OK", tag, tag]),
    ]


def watched(name: str, tag: str, protocol: int) -> list[Told]:
    """Where a switchover came between, Redis's answer to a conflict is allowed."""
    *queued, (words, done) = whole(name, tag, protocol)
    return [(("WATCH", f"own:{name}"), "OK"), *queued, (words, lambda told: told in (done, None))]


def queued(name: str, tag: str, protocol: int) -> list[Told]:
    taken = [f"list:{name}", tag]
    return [(("RPUSH", f"list:{name}", tag), 1), (("BLPOP", f"list:{name}", 0), taken)]


def elsewhere(name: str, tag: str, protocol: int) -> list[Told]:
    return [
        (("SELECT", 7), "OK"),
        (("SET", f"there:{name}", tag), "OK"),
        (("SELECT", 0), "OK"),
        (("EXISTS", f"there:{name}"), 0),
    ]


def named(name: str, tag: str, protocol: int) -> list[Told]:
    return [
        (("CLIENT", "SETNAME", tag[:40]), "OK"),
        (("CLIENT", "GETNAME"), tag[:40]),
        (("CLIENT", "ID"), is_id),
    ]


def is_id(told: object) -> bool:
    return isinstance(told, int)


def someone_else(name: str, tag: str, protocol: int) -> list[Told]:
    return [
        (("AUTH", "picker", "fig"), "OK"),
        (("ACL", "WHOAMI"), "picker"),
        (("RESET",), "RESET"),
        (("ACL", "WHOAMI"), "default"),
        (("HELLO", protocol), bool),
    ]


def subscribed(name: str, tag: str, protocol: int) -> list[Told]:
    channel = f"own:{name}"
    heard = (("PUBLISH", f"{channel}:", tag), 0)
    return [
        (("SUBSCRIBE", channel), lambda told: told == ["subscribe", channel, 1]),
        (("UNSUBSCRIBE", channel), lambda told: told == ["unsubscribe", channel, 0]),
        heard,
    ]


KINDS = (simple,) * 6 + (
    *(errors, nested, whole, whole, watched, queued),
    *(elsewhere, named, someone_else, subscribed),
)


@pytest.mark.parametrize("seed", [1])
def test_in_a_storm_each_gets_its_own(scene: Shared, seed: int) -> None:
    throng = Throng(scene)
    for number in range(CLIENTS):
        name, protocol = f"s{number}", 2 + number % 2
        program = stormy(name, protocol, Random(f"{seed}:{number}"))
        throng.add(name, opened(program, (("HELLO", protocol), bool)))
    random, rubbish = Random(seed), [data for data in MALFORMED.values() if len(data) < 1000]
    with throng:
        for turn in range(20):
            throng.wait_checked(500)
            guest = scene.talk("PING")
            guest.socket.sendall(random.choice(rubbish))
            guest.socket.close()
            if turn in (5, 15):
                scene.switch()
    throng.assert_well()
    wait_until(lambda: len(scene.proxy.admin("CLIENTS")) == CLIENTS, "the guests are gone")
