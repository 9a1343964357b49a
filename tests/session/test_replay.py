"""Another lane is made the same as the one that a client has."""

from collections.abc import Callable

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proxy.session.replay import BLANK, Faults, Score, difference
from proxy.wire.encoding import command
from tests.servers import RedisServer
from tests.session.conversation import Conversation, as_the_node_sees
from tests.waiting import wait_until

Start = Callable[..., RedisServer]

CHANNELS, PATTERNS = (b"c1", b"c2"), (b"p*", b"q*")
scores = st.builds(
    lambda auth, protocol, db, name, channels, patterns: Score(
        command("AUTH", "alice", "pw") if auth else None,
        protocol,
        db,
        frozenset({(b"SETNAME", command("CLIENT", "SETNAME", name))} if name else ()),
        channels,
        patterns,
        frozenset(),
    ),
    st.booleans(),
    st.sampled_from([2, 3]),
    st.sampled_from([0, 5]),
    st.sampled_from(["", "one", "two"]),
    st.frozensets(st.sampled_from(CHANNELS)),
    st.frozensets(st.sampled_from(PATTERNS)),
)

_started: dict[object, RedisServer] = {}


def one_server(start: Start) -> RedisServer:
    if start not in _started:
        _started.clear()
        _started[start] = start("user alice on >pw ~* &* +@all")
    return _started[start]


def play(lane: Conversation, old: Score, new: Score) -> list[str] | None:
    """Take the lane from one score to the other; give the faults, None if it cannot be done."""
    faults = Faults()
    steps = difference(old, new, faults)
    if steps is None:
        return None
    lane.session.protocol = new.protocol
    lane.do(steps)
    assert lane.finish() == b""
    return faults.texts


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(old=scores, new=scores)
def test_a_lane_with_an_old_score_and_the_difference_is_as_one_with_the_new_score(
    redis_server: Start, old: Score, new: Score
) -> None:
    server = one_server(redis_server)
    changed, fresh = Conversation(server), Conversation(server)
    assert play(changed, BLANK, old) == []
    assert play(fresh, BLANK, new) == []
    faults = play(changed, old, new)
    if faults is None:
        gone = (old.auth and not new.auth) or (old.settings and not new.settings)
        kept = (old.channels & new.channels) or (old.patterns & new.patterns)
        same = (old.auth, old.protocol, old.db, old.settings) == (
            new.auth,
            new.protocol,
            new.db,
            new.settings,
        )
        assert gone or (old.protocol == 2 and kept and not same)
    else:
        assert faults == []
        assert as_the_node_sees(server, changed.lane) == as_the_node_sees(server, fresh.lane)
        for channel in CHANNELS:
            assert server.command("PUBSUB", "NUMSUB", channel)[1] == 2 * (channel in new.channels)
    changed.lane.close()
    fresh.lane.close()
    wait_until(lambda: not server.command("PUBSUB", "CHANNELS"), "both are closed")


def test_nothing_is_sent_where_nothing_differs() -> None:
    score = Score(b"x", 3, 4, frozenset({(b"a", b"b")}), frozenset({b"c"}), frozenset(), frozenset())
    assert difference(score, score, Faults()) == []


@pytest.mark.parametrize(
    ("new", "says"),
    [
        (attrs.evolve(BLANK, auth=command("AUTH", "alice", "no")), "AUTH: WRONGPASS"),
        (attrs.evolve(BLANK, db=99), "SELECT: ERR DB index is out of range"),
    ],
)
def test_what_a_node_does_not_accept_is_a_fault_that_names_the_command(
    redis_server: Start, new: Score, says: str
) -> None:
    [fault] = play(Conversation(redis_server()), BLANK, new) or []
    assert fault.startswith(says)


def test_a_channel_that_a_user_may_not_hear_is_a_fault(redis_server: Start) -> None:
    server = redis_server("user bob on >pw ~* resetchannels +@all")
    new = attrs.evolve(BLANK, auth=command("AUTH", "bob", "pw"), channels=frozenset({b"c"}))
    [fault] = play(Conversation(server), BLANK, new) or []
    assert fault.startswith("SUBSCRIBE: NOPERM")


def test_a_password_is_never_shown() -> None:
    assert "secret" not in repr(attrs.evolve(BLANK, auth=command("AUTH", "a", "secret")))


def test_shard_channels_are_carried(redis_server: Start) -> None:
    server = redis_server()
    if server.version == "6.2":
        assert Conversation(server).tell("SSUBSCRIBE", "s").startswith(b"-ERR unknown command")
        return
    conversation = Conversation(server)
    assert conversation.tell("SSUBSCRIBE", "s") == b"*3\r\n$10\r\nssubscribe\r\n$1\r\ns\r\n:1\r\n"
    assert conversation.move(server) == []
    server.command("SPUBLISH", "s", "hello")
    assert conversation.message() == b"*3\r\n$8\r\nsmessage\r\n$1\r\ns\r\n$5\r\nhello\r\n"


@pytest.mark.parametrize("protocol", [2, 3])
def test_a_channel_with_a_long_name_is_carried(redis_server: Start, protocol: int) -> None:
    server, name = redis_server(), b"n" * 200_000
    conversation = Conversation(server)
    conversation.tell("HELLO", protocol)
    assert conversation.tell("SUBSCRIBE", name, "c").count(b"subscribe") == 2
    assert conversation.move(server) == []
    server.command("PUBLISH", name, "hello")
    assert conversation.message().endswith(b"hello\r\n")
    assert conversation.tell("UNSUBSCRIBE").count(b"unsubscribe") == 2
    assert conversation.session.subscriptions is None
