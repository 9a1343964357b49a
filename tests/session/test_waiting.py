"""WAIT tells the truth after a move."""

from collections.abc import Callable

import pytest

from proxy.session.blocking import Blocking
from proxy.session.session import SendAndWait
from proxy.session.table import ask, resume
from proxy.session.waiting import PROPAGATES
from proxy.wire.encoding import command
from tests.servers import Pair, RedisServer
from tests.session.conversation import Conversation, new_session

WAIT = ["WAIT", "1", "100"]


def test_a_lane_that_is_new_would_lie_and_one_that_was_primed_does_not(pair: Pair) -> None:
    primary = pair.primary
    conversation = Conversation(primary)
    conversation.tell("SET", "a", "0")
    assert conversation.tell("WAIT", "1", "5000") == b":1\r\n"
    pair.replica.freeze()
    conversation.tell("SET", "a", "1")
    assert Conversation(primary).tell(*WAIT) == b":1\r\n", "nothing was sent there: the lie"
    conversation.move(primary)
    assert conversation.tell(*WAIT) == b":0\r\n"
    assert not conversation.session.moved
    assert conversation.tell(*WAIT) == b":0\r\n"
    pair.replica.thaw()
    assert conversation.tell("WAIT", "1", "5000") == b":1\r\n"


def test_what_a_node_rejects_counts_for_nothing(pair: Pair) -> None:
    """That is why 6.2, which does not know SPUBLISH, is sent a PING behind it."""
    pair.primary.command("SET", "a", "0")
    pair.primary.command("WAIT", 1, 5000)
    pair.replica.freeze()
    pair.primary.command("SET", "a", "1")
    conversation = Conversation(pair.primary)
    conversation.tell("NOSUCH")
    assert conversation.tell(*WAIT) == b":1\r\n"
    conversation.tell(*(["PING"] if pair.primary.version == "6.2" else ["SPUBLISH", "c", ""]))
    assert conversation.tell(*WAIT) == b":0\r\n"
    pair.replica.thaw()


def test_a_user_who_may_not_prime_the_lane_is_answered_from_outside(
    redis_server: Callable[..., RedisServer],
) -> None:
    server = redis_server("user bob on >pw ~* +@all -ping")
    if server.version != "6.2":
        server.command("ACL", "SETUSER", "bob", "-spublish")
    conversation = Conversation(server)
    conversation.tell("AUTH", "bob", "pw")
    conversation.session.moved = True
    assert conversation.tell(*WAIT) == b""
    assert conversation.outside == [(b"WAIT", b"1", b"100")]
    assert conversation.session.moved and conversation.session.blocked is None


def test_a_parked_wait_is_primed_and_asked_again_for_what_is_left() -> None:
    session = new_session()
    [step] = ask(session, b"WAIT", command("WAIT", "1", "2000"))
    assert isinstance(step, SendAndWait) and isinstance(step.want, Blocking)
    step.want.since = 100.0
    step.want.recalled = True
    step.want.take(session, b"-UNBLOCKED x\r\n", True)
    session.moved = True
    [primer] = resume(session, 101.5)
    assert isinstance(primer, SendAndWait) and primer.frame == PROPAGATES
    assert primer.want.take(session, b":0\r\n", True) == b""
    [again] = primer.want.then(session)
    assert isinstance(again, SendAndWait)
    assert (again.frame, again.want) == (command("WAIT", "1", "500"), session.blocked)


@pytest.mark.parametrize("left", [0.0, -5.0])
def test_a_wait_without_time_left_is_asked_once_more_and_not_for_ever(left: float) -> None:
    session = new_session()
    [step] = ask(session, b"WAIT", command("WAIT", "1", "2000"))
    assert isinstance(step, SendAndWait) and isinstance(step.want, Blocking)
    step.want.since = 100.0
    step.want.parked = True
    [again] = resume(session, 102 - left)
    assert isinstance(again, SendAndWait)
    assert again.frame == command("WAIT", "1", "2")


@pytest.mark.parametrize("line", ["WAIT", "WAIT 1", "WAIT x 1", "WAIT 1 -1", "WAIT 1 1 1", "WAITAOF 1 1"])
def test_a_wait_that_is_wrong_is_forwarded(line: str) -> None:
    session = new_session()
    ask(session, line.split()[0].encode(), command(*line.split()))
    assert session.blocked is None
