"""The table as a whole, before a real node: what a client gets is what Redis says, and the session knows what
the node knows."""

import re
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proxy.session.session import Say, Send
from proxy.session.table import CHANNELS, REFUSED, SPECIAL, ask
from proxy.wire.encoding import command
from proxy.wire.requests import arguments
from tests.servers import RedisServer
from tests.session.conversation import Conversation, as_the_node_sees, new_session

Start = Callable[..., RedisServer]

LINES = """
MULTI | MULTI x | EXEC | EXEC x | DISCARD | DISCARD x | WATCH a | WATCH | UNWATCH | RESET | RESET x
SELECT 1 | SELECT 99 | SELECT x | SELECT | HELLO 3 | HELLO 2 | HELLO 9 | HELLO | HELLO 3 SETNAME h
CLIENT SETNAME n | CLIENT SETNAME | CLIENT NOSUCH | CLIENT | AUTH nobody x | AUTH | AUTH alice pw
HELLO 3 AUTH alice pw | HELLO 2 AUTH alice no | SET b 1 | GET a | INCRBY a x | NOSUCH | SET | WAIT 0 0
WAIT x | EVAL return{1} 0 | EVAL | SCRIPT FLUSH | SCRIPT | XREAD BLOCK | BLPOP a x | PING | PING x
SUBSCRIBE c d | SUBSCRIBE | UNSUBSCRIBE | UNSUBSCRIBE c z | PSUBSCRIBE p* | PUNSUBSCRIBE | PUNSUBSCRIBE p*
""".replace("\n", "|").split("|")
commands = st.sampled_from([command(*line.split()) for line in LINES if line.strip()])
common = st.sampled_from(
    [command(*line.split()) for line in ("MULTI", "EXEC", "SELECT 1", "HELLO 3", "RESET")]
)
subscribing = tuple(b"*%d\r\n$%d\r\n%s\r\n" % (n, len(name), name) for name in CHANNELS for n in range(4))


def refused_inside_multi(frame: bytes) -> bool:
    """It would leave EXEC's answer out of step. A login that fails is told by Redis alone, from 7.2 on, so it
    does not go in a pipeline here either."""
    return frame.startswith(subscribing) or b"AUTH" in frame


def without_id(said: bytes) -> bytes:
    return re.sub(rb"(\$2\r\nid\r\n):\d+", rb"\1", said)


_started: dict[object, RedisServer] = {}


def one_server(start: Start) -> RedisServer:
    """One server for all the examples of a test."""
    if start not in _started:
        _started.clear()
        _started[start] = start("user alice on >pw ~* &* +@all")
        _started[start].command("SET", "a", "text")
    return _started[start]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(spoken=st.lists(commands | common, max_size=9), at_once=st.booleans())
def test_a_client_gets_what_redis_says_and_the_session_knows_what_the_node_knows(
    redis_server: Start, spoken: list[bytes], at_once: bool
) -> None:
    server = one_server(redis_server)
    conversation = Conversation(server)
    session = conversation.session
    if at_once:
        whole = [frame for frame in spoken if not refused_inside_multi(frame)]
        turns = [(b"".join(whole), conversation.tell_all(*whole))]
    else:
        turns = [
            (frame, conversation.tell_all(frame))
            for frame in spoken
            if session.transaction is None or not refused_inside_multi(frame)
        ]
    with server.raw(2) as direct:
        for sent, heard in turns:
            direct.sendall(sent)
            said = b""
            while len(without_id(said)) < len(without_id(heard)):
                said += direct.recv(65_536)
            assert without_id(said) == without_id(heard)
        direct.sendall(command("QUIT"))
        assert direct.recv(65_536) == b"+OK\r\n", "and nothing else had come"

    seen = as_the_node_sees(server, conversation.lane)
    assert int(seen["db"]) == session.db
    assert seen.get("resp", str(session.protocol)) == str(session.protocol)
    assert seen["user"] == session.user.decode()
    named = (session.settings or {}).get(b"SETNAME", command("CLIENT", "SETNAME", ""))
    assert seen["name"].encode() == arguments(named)[-1]
    assert (seen["multi"] == "-1") == (session.transaction is None)
    subscriptions = session.subscriptions
    assert int(seen["sub"]) == (len(subscriptions.channels) if subscriptions else 0)
    assert int(seen["psub"]) == (len(subscriptions.patterns) if subscriptions else 0)

    assert conversation.move(server) == []
    after = as_the_node_sees(server, conversation.lane)
    assert after | {"multi": ""} == seen | {"multi": ""}
    assert (after["multi"] == "-1") == (seen["multi"] == "-1")
    conversation.lane.close()


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_only_nodes_say_is_refused(name: bytes) -> None:
    [step] = ask(new_session(), name, command(name, "a", "b"))
    assert isinstance(step, Say) and step.reply.startswith(b"-ERR this is a proxy: ")


def test_what_is_refused_inside_multi_makes_exec_abort(redis_server: Start) -> None:
    conversation = Conversation(redis_server())
    assert conversation.tell("MULTI") == b"+OK\r\n"
    assert conversation.tell("REPLICAOF", "no", "one").startswith(b"-ERR this is a proxy: ")
    assert conversation.tell("SET", "a", "1") == b"+QUEUED\r\n"
    assert conversation.move(conversation.server) == []
    assert conversation.tell("EXEC").startswith(b"-EXECABORT")
    assert conversation.tell("GET", "a") == b"$-1\r\n"


@pytest.mark.parametrize(
    "words",
    [
        ["SUBSCRIBE", "a", "b"],
        ["CLIENT", "REPLY", "OFF"],
        ["client", "reply", "skip"],
        ["AUTH", "wrong"],
        ["hello", "3", "auth", "nobody", "wrong"],
    ],
)
def test_what_would_leave_the_answer_of_exec_out_of_step_is_refused(
    redis_server: Start, words: list[str]
) -> None:
    conversation = Conversation(redis_server())
    conversation.session.common.loses_logins = True
    conversation.tell("MULTI")
    assert conversation.tell(*words).startswith(b"-ERR Baton does not take ")
    assert conversation.tell("EXEC").startswith(b"-EXECABORT")
    assert conversation.tell("PING") == b"+PONG\r\n"


@pytest.mark.parametrize("protocol", [2, 3])
def test_a_login_inside_multi_is_taken_where_the_server_tells_of_failures(
    redis_server: Start, protocol: int
) -> None:
    conversation = Conversation(redis_server("user alice on >pw ~* &* +@all"))
    conversation.tell("HELLO", protocol)
    conversation.tell_all(command("MULTI"), command("AUTH", "alice", "pw"), command("ECHO", "x"))
    assert conversation.tell("EXEC") == b"*2\r\n+OK\r\n$1\r\nx\r\n"
    assert conversation.session.user == b"alice"


def test_a_command_without_a_row_owes_one_reply() -> None:
    session = new_session()
    frame = command("MODULE.VERB", "x")
    assert b"MODULE.VERB" not in SPECIAL
    assert ask(session, b"MODULE.VERB", frame) == (Send(frame),)
    assert session.plain


MODES = [
    "CLIENT REPLY ON",
    "CLIENT REPLY OFF",
    "CLIENT REPLY SKIP",
    "CLIENT REPLY x",
    "CLIENT REPLY",
    "PING",
    "SELECT 2",
]
MODES += ["RESET", "RESET x", "NOSUCH", "REPLICAOF", "CLIENT SETNAME n"]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(spoken=st.lists(st.sampled_from(MODES), max_size=9))
def test_what_is_not_answered_is_counted_as_redis_counts_it(redis_server: Start, spoken: list[str]) -> None:
    server = one_server(redis_server)
    frames = [command(*line.split()) for line in [*spoken, "CLIENT REPLY ON", "PING end"]]
    conversation = Conversation(server)
    heard = conversation.tell_all(*frames)
    with server.raw(2) as direct:
        direct.sendall(b"".join(frames))
        said = b""
        while not said.endswith(b"$3\r\nend\r\n"):
            said += direct.recv(65_536)
    refused = re.compile(rb"-ERR (this is a proxy|wrong number of arguments for 'replicaof')[^\r]*")
    assert refused.sub(b"-no", heard) == refused.sub(b"-no", said)
    session = conversation.session
    assert session.mute is None and session.plain
    assert session.db == int(as_the_node_sees(server, conversation.lane)["db"])
    conversation.lane.close()
