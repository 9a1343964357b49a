"""MULTI under way and WATCH, over a move from one lane to another."""

from collections.abc import Callable

import pytest

from proxy.session.common import Limits
from proxy.session.transactions import POISON, Transaction
from proxy.wire.encoding import command
from tests.servers import RedisServer
from tests.session.conversation import Conversation, new_session

Start = Callable[..., RedisServer]
QUEUED = b"+QUEUED\r\n"


def test_an_open_queue_is_executed_where_it_was_moved_to_and_nowhere_else(redis_server: Start) -> None:
    old, new = redis_server(), redis_server()
    conversation = Conversation(old)
    assert conversation.tell_all(command("MULTI"), command("INCR", "n")) == b"+OK\r\n" + QUEUED
    assert conversation.move(new) == []
    assert conversation.tell("INCR", "n") == QUEUED
    assert conversation.tell("EXEC") == b"*2\r\n:1\r\n:2\r\n"
    assert (old.command("GET", "n"), new.command("GET", "n")) == (None, "2")


@pytest.mark.parametrize(
    "failing", [["NOSUCH"], ["SET"], ["DISCARD", "x"], ["RESET", "x"], ["MULTI", "x"], ["WATCH"]]
)
def test_what_failed_to_queue_still_aborts_after_a_move(redis_server: Start, failing: list[str]) -> None:
    conversation = Conversation(redis_server())
    conversation.tell("MULTI")
    assert conversation.tell(*failing).startswith(b"-ERR")
    assert conversation.session.transaction is not None
    conversation.move(conversation.server)
    assert conversation.tell("EXEC").startswith(b"-EXECABORT")


@pytest.mark.parametrize("inside", [["MULTI"], ["WATCH", "k"]])
def test_what_multi_does_not_allow_is_forgiven_after_a_move_where_the_server_forgives_it(
    redis_server: Start, inside: list[str]
) -> None:
    """Redis does, Valkey does not."""
    server = redis_server()
    stays, moves = Conversation(server), Conversation(server)
    for conversation in (stays, moves):
        conversation.tell("MULTI")
        assert conversation.tell(*inside).startswith(b"-ERR")
        conversation.tell("PING")
    moves.move(server)
    answer = stays.tell("EXEC")
    assert moves.tell("EXEC") == answer
    assert answer == b"*1\r\n+PONG\r\n" or answer.startswith(b"-EXECABORT")


def test_a_discarded_queue_is_not_replayed(redis_server: Start) -> None:
    conversation = Conversation(redis_server())
    conversation.tell_all(command("MULTI"), command("INCR", "n"), command("DISCARD"))
    conversation.move(conversation.server)
    assert conversation.tell("EXEC") == b"-ERR EXEC without MULTI\r\n"
    assert conversation.session.plain


def test_a_queue_beyond_the_limit_is_not_kept_and_its_exec_aborts_after_a_move(redis_server: Start) -> None:
    conversation = Conversation(redis_server(), new_session(Limits(transaction_bytes=100)))
    conversation.tell("MULTI")
    assert conversation.tell("SET", "a", "x" * 100) == QUEUED
    assert conversation.tell("SET", "b", "x") == QUEUED
    assert conversation.session.transaction == Transaction([], 155, False, True, 2)
    assert conversation.session.transaction.replay(conversation.session) == [command("MULTI"), POISON]
    conversation.move(conversation.server)
    assert conversation.tell("EXEC").startswith(b"-EXECABORT")
    assert conversation.tell("EXISTS", "a", "b") == b":0\r\n"


def test_a_queue_beyond_the_limit_is_executed_where_it_was_queued(redis_server: Start) -> None:
    conversation = Conversation(redis_server(), new_session(Limits(transaction_bytes=100)))
    conversation.tell_all(command("MULTI"), command("SET", "a", "x" * 100))
    assert conversation.tell("EXEC") == b"*1\r\n+OK\r\n"


def test_what_is_set_up_inside_multi_holds_when_exec_has_answered(redis_server: Start) -> None:
    conversation = Conversation(redis_server())
    session = conversation.session
    frames = [
        command(*line.split())
        for line in (
            "SELECT 7",
            "SELECT 99",
            "ECHO x",
            "CLIENT SETNAME me",
        )
    ]
    conversation.tell_all(command("MULTI"), *frames, command("HELLO", 3))
    assert (session.db, session.protocol, session.settings) == (0, 2, None)
    conversation.tell("EXEC")
    assert (session.db, session.protocol) == (7, 3)
    assert (session.settings or {})[b"SETNAME"] == command("CLIENT", "SETNAME", "me")


def test_what_was_set_up_inside_multi_is_nothing_when_exec_aborts(redis_server: Start) -> None:
    conversation = Conversation(redis_server())
    conversation.tell_all(command("MULTI"), command("SELECT", 7), command("NOSUCH"))
    assert conversation.tell("EXEC").startswith(b"-EXECABORT")
    assert conversation.session.db == 0


def test_an_answer_of_exec_that_no_library_can_build_is_understood(redis_server: Start) -> None:
    conversation = Conversation(redis_server())
    conversation.tell("HELLO", 3)
    script = "redis.setresp(3) return {map={[cjson.encode({})]={1},x={double=1.5}}}"
    long = "return string.rep('x', 100000)"
    frames = [command("EVAL", text, 0) for text in (script, long, "return {err='no'}", long)]
    conversation.tell_all(command("MULTI"), *frames, command("SELECT", 5), frames[1], command("SELECT", 99))
    assert conversation.tell("EXEC").count(b"x" * 100_000) == 3
    assert conversation.session.db == 5


@pytest.mark.parametrize(("protocol", "nil"), [(2, b"*-1\r\n"), (3, b"_\r\n")])
def test_a_watch_that_did_not_come_along_makes_exec_answer_nil(
    redis_server: Start, protocol: int, nil: bytes
) -> None:
    conversation = Conversation(redis_server())
    conversation.tell("HELLO", protocol)
    conversation.tell("WATCH", "k")
    conversation.move(conversation.server)
    conversation.tell_all(command("MULTI"), command("INCR", "n"))
    assert conversation.tell("EXEC") == nil
    assert conversation.tell("GET", "n") in (b"$-1\r\n", b"_\r\n")
    conversation.tell_all(command("MULTI"), command("INCR", "n"))
    assert conversation.tell("EXEC") == b"*1\r\n:1\r\n", "the next transaction has nothing to do with it"


def test_a_lost_watch_does_not_hide_that_a_command_failed_to_queue(redis_server: Start) -> None:
    conversation = Conversation(redis_server())
    conversation.tell_all(command("WATCH", "k"), command("MULTI"), command("NOSUCH"))
    conversation.move(conversation.server)
    assert conversation.tell("EXEC").startswith(
        b"-EXECABORT Transaction discarded because of previous errors."
    )


def test_an_unwatch_inside_multi_does_not_save_a_lost_watch(redis_server: Start) -> None:
    """As on one node: what EXEC finds dirty is dirty before the UNWATCH in the queue runs."""
    server = redis_server()
    conversation = Conversation(server)
    for moved in (False, True):
        conversation.tell_all(
            command("WATCH", "k"), command("MULTI"), command("UNWATCH"), command("INCR", "n")
        )
        server.command("INCR", "k")
        if moved:
            conversation.move(server)
        assert conversation.tell("EXEC") == b"*-1\r\n"


@pytest.mark.parametrize("ending", [["UNWATCH"], ["EXEC"], ["DISCARD"], ["RESET"]])
def test_a_watch_that_has_ended_is_not_lost(redis_server: Start, ending: list[str]) -> None:
    conversation = Conversation(redis_server())
    conversation.tell("WATCH", "k")
    if ending[0] in ("EXEC", "DISCARD"):
        conversation.tell("MULTI")
    conversation.tell(*ending)
    conversation.move(conversation.server)
    conversation.tell_all(command("MULTI"), command("INCR", "n"))
    assert conversation.tell("EXEC") == b"*1\r\n:1\r\n"


@pytest.mark.parametrize("ending", [["EXEC"], ["DISCARD"], ["UNWATCH", "x"]])
def test_what_does_not_end_a_watch_leaves_it(redis_server: Start, ending: list[str]) -> None:
    conversation = Conversation(redis_server())
    conversation.tell("WATCH", "k")
    assert conversation.tell(*ending).startswith(b"-ERR")
    conversation.move(conversation.server)
    conversation.tell_all(command("MULTI"), command("INCR", "n"))
    assert conversation.tell("EXEC") == b"*-1\r\n"


def test_a_watch_sent_behind_a_reset_is_not_forgotten(redis_server: Start) -> None:
    conversation = Conversation(redis_server())
    conversation.tell_all(command("RESET"), command("WATCH", "k"), command("MULTI"), command("INCR", "n"))
    conversation.move(conversation.server)
    assert conversation.tell("EXEC") == b"*-1\r\n"
