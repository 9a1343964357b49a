"""The clients that count see what is wrong: an eye that sees nothing would prove nothing."""

import socket
from collections.abc import Callable
from functools import partial

import hiredis
import pytest

from tests.faults.load import Counter, Giver, Load, Publisher, Subscriber, Taker, Whole, wrong
from tests.servers import RedisServer


def nobody() -> socket.socket:
    raise OSError("nobody")


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (["a", "b", "c"], ""),
        (["a", "b"], ""),
        (["a", "b", "b"], "doubled or out of order"),
        (["b", "a"], "doubled or out of order"),
        (["a"], "acknowledged and lost"),
        (["a", "b", "z"], "refused, or given to nobody"),
    ],
)
def test_what_is_lost_doubled_or_of_nobody_is_seen(found: list[str], sentence: str) -> None:
    said = list(wrong("key", found, acknowledged=["a", "b"], unknown=["c"]))
    assert (said == []) if not sentence else (sentence in said[0])


def test_a_load_on_a_server_that_is_well_has_nothing_to_complain_of_and_sees_harm(
    redis_server: Callable[..., RedisServer],
) -> None:
    server = redis_server()
    load = Load.start("case", partial(socket.create_connection, ("127.0.0.1", server.port), 5))
    load.goes_on()
    load.stop()
    assert (load.judge(server.command), load.errors, load.closed) == ([], [], [])
    server.command("RPOP", "case-pusher")
    server.command("INCR", "case-counter")
    server.command("INCR", "case-whole-count")
    assert len(load.judge(server.command)) == 3


def test_who_counts_sees_too_much_too_little_and_the_same_number_twice() -> None:
    counter = Counter("n", nobody, acknowledged=["1", "2"], unknown=["x"])
    for value, fine in (("1", False), ("2", True), ("3", True), ("4", False)):
        assert (list(counter.judge(lambda *_: value)) == []) is fine  # noqa: B023
    counter.acknowledged = ["1", "1"]
    assert "given twice" in "".join(counter.judge(lambda *_: "2"))


def test_a_subscriber_that_was_not_closed_misses_nothing() -> None:
    publisher = Publisher("c", nobody, acknowledged=["token-1", "token-2", "token-3"])
    subscriber = Subscriber(
        "s", nobody, publisher=publisher, acknowledged=["subscribe", "token-1", "token-3"]
    )
    assert "did not hear" in "".join(subscriber.judge(len))
    subscriber.closed.append("closed")
    assert list(subscriber.judge(len)) == []
    subscriber.acknowledged.append("token-3")
    assert "heard twice" in "".join(subscriber.judge(len))


def test_what_is_given_is_taken_once() -> None:
    giver = Giver("q", nobody, acknowledged=["1", "2"])
    taker = Taker("t", nobody, giver=giver, acknowledged=["1"])
    assert "neither taken nor there" in "".join(taker.judge(lambda *_: []))
    assert list(taker.judge(lambda *_: ["2"])) == []
    assert "taken twice" in "".join(taker.judge(lambda *_: ["1", "2"]))
    assert "never given" in "".join(taker.judge(lambda *_: ["2", "9"]))


def test_an_error_is_noticed() -> None:
    whole = Whole("w", nobody)
    whole.note("token", hiredis.ReplyError("ERR"))
    assert (whole.errors, whole.acknowledged, whole.refused) == (["ERR"], [], ["token"])
