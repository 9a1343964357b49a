"""Conversations straight and through the proxy give the same bytes, however they are cut."""

from __future__ import annotations

import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proxy.wire.encoding import command
from tests.path.way import Way
from tests.talking import Talk

LARGE = "large"
"""Stands for a value of 70,000 bytes, longer than what the proxy counts at a glance."""
KEYS = st.sampled_from(["a", "b", "c"])
VALUES = st.one_of(st.sampled_from(["1", "", "x", "-7"]), st.binary(max_size=40), st.just(LARGE))
PLAIN = st.one_of(
    st.tuples(st.just("SET"), KEYS, VALUES),
    st.tuples(st.sampled_from(["GET", "get", "STRLEN", "TYPE", "HGETALL", "SMEMBERS", "LLEN", "DEL"]), KEYS),
    st.tuples(st.sampled_from(["INCR", "DECR", "EXISTS", "RPOP"]), KEYS),
    st.tuples(st.sampled_from(["RPUSH", "LPUSH", "SADD", "APPEND", "ECHO"]), KEYS, VALUES),
    st.tuples(st.just("HSET"), KEYS, VALUES, VALUES),
    st.tuples(st.just("LRANGE"), KEYS, st.just("0"), st.just("-1")),
    st.tuples(st.just("ZADD"), KEYS, st.sampled_from(["1", "2.5", "nan"]), VALUES),
    st.tuples(st.just("ZRANGE"), KEYS, st.just("0"), st.just("-1"), st.just("WITHSCORES")),
)
SESSION = st.sampled_from(
    [
        ("PING",),
        ("PING", "hello"),
        ("SELECT", "1"),
        ("SELECT", "0"),
        ("SELECT", "x"),
        ("MULTI",),
        ("EXEC",),
        ("DISCARD",),
        ("WATCH", "a"),
        ("UNWATCH",),
        ("HELLO", "3"),
        ("HELLO", "2"),
        ("HELLO", "9"),
        ("RESET",),
        ("CLIENT", "SETNAME", "w"),
        ("CLIENT", "GETNAME"),
        ("AUTH", "no", "no"),
        ("EVAL", "return {1,{2,'x'},redis.status_reply('z')}", "0"),
        ("EVAL", "return redis.call('INCR', KEYS[1])", "1", "a"),
        ("EVALSHA", "0" * 40, "0"),
        ("SCRIPT", "EXISTS", "0" * 40),
        ("PUBLISH", "news", "hello"),
        ("BLPOP", "a", "0.01"),
        ("XADD", "s", "1-*", "f", "v"),
        ("XREAD", "BLOCK", "1", "STREAMS", "s", "$"),
        ("XREAD", "STREAMS", "s", "0"),
        ("WAIT", "0", "10"),
        ("NOSUCH", "x"),
        ("GET",),
        (),
    ]
)
END = command("ECHO", "end") + command("QUIT")
"""Behind CLIENT REPLY SKIP a QUIT alone would not be answered, and the connection stays open."""
# The proxy does not take these inside MULTI, so there is none in a conversation that has them.
UNQUEUED = st.sampled_from(
    [
        ("CLIENT", "REPLY", "ON"),
        ("SUBSCRIBE", "news", "sport"),
        ("PSUBSCRIBE", "n*"),
        ("UNSUBSCRIBE",),
        ("PUNSUBSCRIBE",),
        ("UNSUBSCRIBE", "news"),
    ]
)
CONVERSATION = st.one_of(
    st.lists(st.one_of(PLAIN, SESSION), max_size=20),
    st.lists(st.one_of(PLAIN, SESSION.filter(lambda words: words != ("MULTI",)), UNQUEUED), max_size=20),
    st.lists(st.one_of(PLAIN, st.just(("CLIENT", "REPLY", "SKIP"))), max_size=20),
)


def written(words: tuple[bytes | str, ...]) -> bytes:
    return command(*("y" * 70_000 if word == LARGE else word for word in words))


def held(talk: Talk, data: bytes, cuts: list[int]) -> bytes:
    """What comes back until the other side closes, for data sent in pieces."""
    with talk.socket:
        for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
            talk.socket.sendall(data[start:end])
        return talk.rest()


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(conversation=CONVERSATION, seed=st.integers(0, 2**32))
def test_any_conversation_gives_the_same_bytes(
    way: Way, conversation: list[tuple[bytes | str, ...]], seed: int
) -> None:
    data = b"".join(map(written, conversation)) + END
    chance = random.Random(seed)
    cuts = sorted(chance.randrange(len(data)) for _ in range(chance.randrange(6)))
    way.node.command("FLUSHALL")
    straight = held(way.straight(), data, [])
    way.node.command("FLUSHALL")
    assert masked(held(way.talk(), data, cuts)) == masked(straight)


def masked(said: bytes) -> bytes:
    """HELLO tells the connection's own id."""
    parts = said.split(b"$2\r\nid\r\n:")
    return b"id".join([parts[0], *(part.partition(b"\r\n")[2] for part in parts[1:])])
