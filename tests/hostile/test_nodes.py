"""Nodes that answer garbage, or too late, or never: the clients of the one that is in order do not notice."""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections.abc import Callable

import pytest
import redis

from tests.baton import BatonProcess
from tests.hostile.bystander import Bystander
from tests.hostile.memory import peak_kib
from tests.hostile.pretender import Garbler, Pretender
from tests.servers import Pair, RedisServer
from tests.talking import Talk
from tests.waiting import wait_until

Start = Callable[..., BatonProcess]
Watch = Callable[[BatonProcess], Bystander]

CLAIM = b"*1000000000\r\n"
GARBAGE = {
    "nothing": b"",
    "no RESP": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "a claim": CLAIM,
    "claims in a claim": b"*1000\r\n" * 1000,
    "a bulk that never ends": b"$500000000\r\nx",
    "another kind of answer": b"+OK\r\n" * 20,
    "an error": b"-ERR no\r\n" * 20,
    "noise": bytes(range(256)) * 200,
    "an endless line": b"+" + b"x" * 200_000,
}


@pytest.fixture
def lanes() -> str:
    """What nodes say to the proxy itself is the same in both."""
    return "shared"


def test_nodes_that_are_no_redis_are_named_with_what_is_wrong_and_harm_nobody(
    redis_server: Callable[..., RedisServer], baton: Start, bystander: Watch
) -> None:
    primary = redis_server()
    with contextlib.ExitStack() as open_:
        pretenders = {
            kind: open_.enter_context(contextlib.closing(Pretender(word))) for kind, word in GARBAGE.items()
        }
        places = [part for each in pretenders.values() for part in ("--node", each.address)]
        proxy = baton(primary, *places)
        watched = bystander(proxy)
        before = peak_kib(proxy)
        met = {kind: each.met for kind, each in pretenders.items()}
        for kind, each in pretenders.items():
            wait_until(lambda: each.met >= met[kind] + 2, f"{kind} is asked again", limit=30)  # noqa: B023
        seen = str(proxy.admin("NODES"))
        assert all(each.address in seen for each in pretenders.values())
        watched.goes_on()
        for kind in ("a claim", "noise", "another kind of answer"):
            with pytest.raises(redis.ResponseError) as refused:
                proxy.admin("SWITCHOVER", "TO", pretenders[kind].address)
            told = str(refused.value)
            assert pretenders[kind].address in told and len(told.splitlines()) == 1, told
        watched.goes_on()
        assert peak_kib(proxy) - before < 30 * 1024


def test_a_proxy_before_no_redis_at_all_says_so_and_goes_on_asking(baton: Start) -> None:
    with contextlib.ExitStack() as open_:
        pretenders = [
            open_.enter_context(contextlib.closing(Pretender(word))) for word in (b"", CLAIM, b"x\r\n")
        ]
        places = [part for each in pretenders for part in ("--node", each.address)]
        proxy = baton(*places, environment={"BATON_LIMITS_NO_PRIMARY_WAIT_MS": "500"})
        talk = Talk(proxy.raw(30))
        talk.send("GET", "fruit")
        assert talk.rest() == b"", "held for as long as is set, and then closed"
        seen, met = str(proxy.admin("NODES")), [each.met for each in pretenders]
        assert all(each.address in seen for each in pretenders)
        wait_until(lambda: all(each.met > n for each, n in zip(pretenders, met, strict=True)), "asked again")


def test_a_node_that_answers_later_than_anybody_waits_is_as_one_that_never_does(
    pair: Pair, baton: Start, bystander: Watch
) -> None:
    """A minute, in the time scale of the test: longer than every limit on the way. The late answers come to
    a connection that was given up, and count for nothing."""
    late = threading.Event()
    with contextlib.closing(Garbler(pair.replica)) as garbler:
        announce = {"BATON_NODES_ANNOUNCE": announced(garbler, pair.replica)}
        proxy = baton(pair.primary, "--node", garbler.address, environment=announce)
        watched = bystander(proxy)
        garbler.delay = lambda: late.wait(60)
        began = time.monotonic()
        with pytest.raises(redis.ResponseError) as refused:
            proxy.admin("SWITCHOVER")
        assert time.monotonic() - began < 20
        assert garbler.address in str(refused.value)
        watched.goes_on()
        late.set()
        wait_until(lambda: succeeds(proxy), "a switchover succeeds once it answers in time", limit=30)
        watched.goes_on()
        watched.finish()


def announced(garbler: Garbler, server: RedisServer) -> str:
    """The other nodes reach it directly."""
    return f"{garbler.address}=127.0.0.1:{server.port}"


def succeeds(proxy: BatonProcess) -> bool:
    with contextlib.suppress(redis.ResponseError):
        return bool(proxy.switchover(budget_ms=5000)["outcome"] == "done")
    return False


SPOKEN = {
    "ROLE": b"$4\r\nROLE\r\n",
    "INFO": b"$4\r\nINFO\r\n",
    "pause": b"$5\r\nPAUSE\r\n",
    "promotion": b"$2\r\nNO\r\n$3\r\nONE\r\n",
    "demotion": b"$9\r\nREPLICAOF\r\n",
    "unpause": b"$7\r\nUNPAUSE\r\n",
    "rewrite": b"$7\r\nREWRITE\r\n",
    "login": b"$7\r\nSETNAME\r\n",
}


WORDS = (b"garbage\r\n", CLAIM, b"+OK\r\n" * 9)


@pytest.mark.parametrize(("step", "word"), [*zip(SPOKEN, itertools.cycle(WORDS), strict=False)])
def test_garbage_in_a_switchover_calls_it_off_or_it_is_carried_through(
    pair: Pair, baton: Start, step: str, word: bytes
) -> None:
    """Whichever of the nodes says it, at whichever step: there is one primary, no write is lost, and the next
    switchover is in order."""
    with contextlib.ExitStack() as open_:
        near, far = (open_.enter_context(contextlib.closing(Garbler(node))) for node in pair)
        places = [(near, pair.primary), (far, pair.replica)]
        proxy = baton(
            *(part for garbler, _ in places for part in ("--node", garbler.address)),
            environment={"BATON_NODES_ANNOUNCE": ",".join(announced(*place) for place in places)},
        )
        watched = Bystander.start(proxy)
        for garbler in (near, far):
            garbler.arm(SPOKEN[step], word)
        for _ in range(2):
            with contextlib.suppress(redis.ResponseError):
                proxy.switchover(budget_ms=2000)
            wait_until(lambda: len(primaries(pair)) == 1, "there is one primary", limit=20)
        wait_until(lambda: succeeds(proxy), "the next one is in order", limit=30)
        watched.goes_on()
        [primary] = primaries(pair)
        assert int(primary.command("GET", watched.key)) >= watched.rounds - 1, "no write is lost"
        watched.stop.set()
        assert near.garbled or far.garbled, "garbage was heard"


def primaries(pair: Pair) -> list[RedisServer]:
    return [node for node in pair if node.command("ROLE")[0] in ("master", b"master")]
