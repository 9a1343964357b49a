"""Subscriptions: read from the answers of real nodes, in either protocol, whatever a user may do."""

from collections.abc import Callable

import pytest

from proxy.session.session import Send, Session
from proxy.session.subscriptions import is_message
from proxy.session.table import ask
from proxy.wire.encoding import command
from tests.servers import RedisServer
from tests.session.conversation import Conversation, new_session

Start = Callable[..., RedisServer]

USERS = (
    "user noping on >pw ~* &* +@all -ping",
    "user nosub on >pw ~* resetchannels &ok* +@all",
    "user nothing on >pw ~* &* +@all -ping -subscribe -unsubscribe",
)


def channels(session: Session) -> list[str]:
    held = session.subscriptions
    return [] if held is None else [name.decode() for name in (*held.channels, *held.patterns, *held.shards)]


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("user", ["default", "noping"])
def test_confirmations_are_learnt_and_the_mark_is_never_seen(
    redis_server: Start, user: str, protocol: int
) -> None:
    server = redis_server(*USERS)
    conversation = Conversation(server)
    if user != "default":
        conversation.tell("AUTH", user, "pw")
    conversation.tell("HELLO", protocol)
    told = [
        ("SUBSCRIBE a b c", 3, ["a", "b", "c"]),
        ("SUBSCRIBE a", 1, ["a", "b", "c"]),
        ("PSUBSCRIBE p* q*", 2, ["a", "b", "c", "p*", "q*"]),
        ("UNSUBSCRIBE b zz", 2, ["a", "c", "p*", "q*"]),
        ("UNSUBSCRIBE", 2, ["p*", "q*"]),
        ("UNSUBSCRIBE", 1, ["p*", "q*"]),
        ("PUNSUBSCRIBE p*", 1, ["q*"]),
        ("PUNSUBSCRIBE", 1, []),
        ("PUNSUBSCRIBE", 1, []),
        ("SUBSCRIBE a", 1, ["a"]),
        ("UNSUBSCRIBE", 1, []),
    ]
    for line, answers, held in told:
        heard = conversation.tell(*line.split())
        if not heard.startswith(b"-NOSUB"):  # so says Valkey 8 where there is nothing to unsubscribe from
            assert heard.count(b"subscribe\r\n") == answers
        assert b"baton" not in heard and b"NOPERM" not in heard
        assert channels(conversation.session) == held
        assert conversation.session.listening == bool(held)
    assert conversation.tell("GET", "x") == (b"$-1\r\n" if protocol == 2 else b"_\r\n")


def test_subscriptions_pipelined_with_other_things_are_told_apart(redis_server: Start) -> None:
    conversation = Conversation(redis_server())
    conversation.tell("RPUSH", "l", "message", "a", "b")
    conversation.tell("RPUSH", "m", "subscribe", "a", "b")
    lists = [command("LRANGE", key, 0, -1) for key in ("l", "m")]
    once = b"".join(conversation.tell_all(each) for each in lists)
    heard = conversation.tell_all(*lists, command("SUBSCRIBE", "c"), command("UNSUBSCRIBE"), *lists)
    assert heard.startswith(once) and heard.endswith(once)
    assert heard[len(once) : -len(once)].count(b"subscribe") == 2
    assert conversation.session.subscriptions is None


@pytest.mark.parametrize("protocol", [2, 3])
def test_messages_between_are_given_out_where_they_came(redis_server: Start, protocol: int) -> None:
    server = redis_server()
    conversation = Conversation(server)
    conversation.tell("HELLO", protocol)
    conversation.tell("SUBSCRIBE", "a")
    server.command("PUBLISH", "a", "one")
    heard = conversation.tell("SUBSCRIBE", "b")
    assert 0 < heard.index(b"one") < heard.index(b"subscribe")
    server.command("PUBLISH", "b", "two")
    heard = conversation.tell("PING", "mine")
    assert heard.index(b"two") < heard.index(b"mine")
    assert b"baton" not in heard


@pytest.mark.parametrize("protocol", [2, 3])
def test_what_a_user_may_not_hear_is_an_error_and_no_subscription(redis_server: Start, protocol: int) -> None:
    conversation = Conversation(redis_server(*USERS))
    conversation.tell("AUTH", "nosub", "pw")
    conversation.tell("HELLO", protocol)
    assert conversation.tell("SUBSCRIBE", "ok1", "bad").startswith(b"-NOPERM")
    assert not conversation.session.listening
    conversation.tell("SUBSCRIBE", "ok1")
    assert conversation.tell("PSUBSCRIBE", "x*").startswith(b"-NOPERM")
    assert channels(conversation.session) == ["ok1"]


@pytest.mark.parametrize("line", ["SUBSCRIBE a", "UNSUBSCRIBE", "SUBSCRIBE"])
def test_an_error_and_a_mark_that_is_an_error_too_are_told_apart(redis_server: Start, line: str) -> None:
    conversation = Conversation(redis_server(*USERS))
    conversation.tell("AUTH", "nothing", "pw")
    heard = conversation.tell(*line.split())
    assert heard.startswith((b"-NOPERM", b"-ERR wrong number")) and heard.count(b"\r\n") == 1
    assert conversation.tell("ECHO", "x") == b"$1\r\nx\r\n"


def test_before_a_login_there_is_one_error(redis_server: Start) -> None:
    server = redis_server("requirepass seed")
    conversation = Conversation(server)
    assert conversation.tell("SUBSCRIBE", "a").startswith(b"-NOAUTH")
    assert conversation.tell("AUTH", "seed") == b"+OK\r\n"


def test_an_error_of_a_valkey_that_has_nothing_to_unsubscribe_is_one_answer() -> None:
    session = new_session()
    [step] = ask(session, b"UNSUBSCRIBE", command("UNSUBSCRIBE"))
    assert isinstance(step, Send) and step.want is not None
    want = step.want
    assert want.take(session, b"-NOSUB x\r\n", True) == b"-NOSUB x\r\n" and not want.finished
    assert want.take(session, b"$10\r\nbaton:mark\r\n", True) == b"" and want.finished


def test_reset_ends_every_subscription(redis_server: Start) -> None:
    conversation = Conversation(redis_server())
    conversation.tell("SUBSCRIBE", "a")
    assert conversation.tell("RESET") == b"+RESET\r\n"
    assert not conversation.session.listening
    assert conversation.tell("PING") == b"+PONG\r\n"


def test_only_who_listens_has_messages_that_look_like_replies() -> None:
    session = new_session()
    message = b"*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nb\r\n"
    assert not is_message(session, message)
    assert is_message(session, b">3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nb\r\n")
    assert not is_message(session, b'+1700000000.000000 [0 127.0.0.1:1] "GET"\r\n')
    session.monitoring = True
    assert is_message(session, b'+1700000000.000000 [0 127.0.0.1:1] "GET"\r\n')
    assert not is_message(session, b"+OK\r\n")


def test_monitor_is_learnt_when_the_node_agrees(redis_server: Start) -> None:
    server = redis_server()
    conversation = Conversation(server)
    assert conversation.tell("MONITOR") == b"+OK\r\n"
    assert conversation.session.monitoring
    server.command("GET", "seen")
    assert b'"GET" "seen"' in conversation.message()
