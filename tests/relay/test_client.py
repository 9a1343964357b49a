"""The way of commands: whole, in order, and only when they may go."""

import socket

import pytest
from hypothesis import given, settings

from proxy.relay.performer import UNREAD_MAX
from proxy.relay.reactor import IN
from proxy.wire.encoding import command
from tests.relay.bench import Bench
from tests.wire.streams import commands_of, cut, places, requests

GET, PING, SELECT = command("GET", "a"), command("PING"), command("SELECT", 1)


def test_commands_that_the_server_knows_and_nobody_has_to_look_at_pass_in_one_piece(bench: Bench) -> None:
    bench.route.plain |= {b"GET"}
    bench.says(GET)
    assert bench.lane.ledger[0].count == 1
    bench.says(GET * 3)
    assert bench.at_node() == GET * 4
    assert bench.lane.ledger[0].count == 4
    bench.answers(b"$-1\r\n" * 4)
    assert bench.at_app() == b"$-1\r\n" * 4 and not bench.lane.ledger


@settings(max_examples=60)
@given(requests, places)
def test_a_node_gets_whole_commands_as_they_came_and_owes_one_reply_each(
    stream: list[bytes], at: list[int]
) -> None:
    data = b"".join(stream)
    frames, _, _ = commands_of([data])
    bench = Bench()
    bench.route.plain |= frozenset((b"GET", b"PING"))
    got = b""
    for chunk in cut(data, at):
        if chunk:
            bench.says(chunk)
            got += bench.at_node()
            assert commands_of([got])[2], "a node never holds half a command"
    assert commands_of([got])[0] == frames
    assert sum(line.count for line in bench.lane.ledger) == len(frames)
    bench.close()


def test_behind_a_closed_gate_commands_wait_and_replies_flow(bench: Bench) -> None:
    bench.says(GET)
    bench.route.gate.close("switchover")
    bench.says(PING + SELECT[:5])
    bench.says(SELECT[5:] + GET)
    bench.answers(b"$-1\r\n")
    assert bench.at_node() == GET and bench.at_app() == b"$-1\r\n"
    assert bench.route.gate.queue == (bench.client,)
    bench.route.gate.open("switchover")
    assert bench.at_node() == PING + SELECT + GET
    assert bench.client.waiting is None and bench.client.waiting_bytes == 0
    bench.answers(b"+PONG\r\n+OK\r\n$-1\r\n")
    assert bench.client.session.db == 1 and not bench.lane.ledger


def test_logins_that_wait_for_one_another_wait_once_each(bench: Bench) -> None:
    hello = command("HELLO", 2)
    bench.says(PING + hello * 100)
    waiting = 0
    while bench.lane.ledger:
        assert len(bench.lane._on_idle or ()) <= 1
        waiting += bench.at_node() == hello
        bench.answers(b"+OK\r\n")
    assert waiting == 100


def test_what_arrives_later_waits_behind_what_waits(bench: Bench) -> None:
    bench.route.plain |= {b"GET"}
    bench.says(command("BLPOP", "k", 0) + PING)
    bench.says(GET)
    assert bench.at_node() == command("BLPOP", "k", 0)
    bench.answers(b"*2\r\n$1\r\nk\r\n$1\r\nv\r\n")
    assert bench.at_node() == PING + GET


def test_plain_commands_wait_behind_a_closed_gate_too(bench: Bench) -> None:
    bench.route.plain |= {b"PING"}
    bench.route.gate.close("switchover")
    bench.says(PING)
    assert bench.at_node() == b""


def test_nothing_passes_what_waits_though_nobody_has_told_it_to_go_on(bench: Bench) -> None:
    bench.route.plain |= {b"PING"}
    bench.route.gate.close("switchover")
    bench.says(GET)
    bench.route.gate.forget(bench.client)
    bench.route.gate.open("switchover")
    bench.says(PING)
    bench.says(SELECT)
    assert bench.at_node() == GET + PING + SELECT


def test_without_a_lane_commands_wait_for_one(bench: Bench) -> None:
    bench.move()
    bench.says(PING)
    bench.says(GET)
    assert bench.route.wanted == [bench.client] * 2
    bench.bind()
    bench.client.go_on()
    assert bench.at_node() == PING + GET


def test_who_moves_takes_an_open_transaction_along_and_loses_its_watches(bench: Bench) -> None:
    bench.says(command("WATCH", "k") + command("MULTI") + GET)
    bench.answers(b"+OK\r\n+OK\r\n+QUEUED\r\n")
    bench.at_app()
    bench.move()
    bench.bind()
    bench.client.reopen()
    assert bench.at_node() == command("MULTI") + GET
    bench.says(command("EXEC"))
    bench.answers(b"+OK\r\n+QUEUED\r\n+OK\r\n")
    assert bench.at_node() == command("DISCARD") and bench.at_app() == b"*-1\r\n"
    assert bench.client.session.moved


def test_a_malformed_request_is_answered_in_its_turn_and_ends_the_connection(bench: Bench) -> None:
    bench.says(GET + PING + b"*x\r\n" + PING)
    assert bench.at_node() == GET + PING
    bench.answers(b"$-1\r\n")
    bench.answers(b"+PONG\r\n")
    assert bench.at_app() == b"$-1\r\n+PONG\r\n-ERR Protocol error: invalid multibulk length\r\n<end>"
    assert bench.at_node() == b"<end>"


def test_a_malformed_request_behind_a_closed_gate_waits_too(bench: Bench) -> None:
    bench.route.gate.close("switchover")
    bench.says(PING + b"*x\r\n")
    assert bench.at_app() == b""
    bench.route.gate.open("switchover")
    bench.answers(b"+PONG\r\n")
    assert bench.at_app() == b"+PONG\r\n-ERR Protocol error: invalid multibulk length\r\n<end>"


def test_who_sends_no_more_gets_what_is_owed(bench: Bench) -> None:
    bench.app.sendall(GET + PING)
    bench.client.ready(IN)
    bench.app.shutdown(socket.SHUT_WR)
    bench.client.ready(IN)
    bench.answers(b"$-1\r\n")
    assert bench.at_app() == b"$-1\r\n"
    bench.answers(b"+PONG\r\n")
    assert bench.at_app() == b"+PONG\r\n<end>"


def test_who_sends_no_more_while_its_commands_wait_gets_their_answers(bench: Bench) -> None:
    bench.route.gate.close("switchover")
    bench.says(GET)
    bench.app.shutdown(socket.SHUT_WR)
    bench.client.ready(IN)
    bench.route.gate.open("switchover")
    assert bench.at_node() == GET
    bench.answers(b"$-1\r\n")
    assert bench.at_app() == b"$-1\r\n<end>"


@pytest.mark.parametrize("answer", [b"", b"*2\r\n$1\r\nk\r\n$1\r\nv\r\n"])
def test_the_node_decides_what_becomes_of_a_blocked_client_that_has_gone(bench: Bench, answer: bytes) -> None:
    """It frees one that is still blocked; what it has popped already, the client gets."""
    bench.says(command("BLPOP", "k", 0) + PING)
    bench.app.shutdown(socket.SHUT_WR)
    bench.client.ready(IN)
    assert bench.at_node() == command("BLPOP", "k", 0) + PING + b"<end>"
    if answer:
        bench.answers(answer + b"+PONG\r\n")
    bench.node.close()
    if not bench.lane.closed:
        bench.lane.ready(IN)
    assert bench.at_app() == (answer and answer + b"+PONG\r\n") + b"<end>"
    assert bench.client not in bench.route.clients


def test_a_subscriber_that_sends_no_more_is_closed_with_its_lane(bench: Bench) -> None:
    bench.says(command("SUBSCRIBE", "c"))
    bench.at_node()
    bench.answers(b"*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n")
    bench.app.shutdown(socket.SHUT_WR)
    bench.client.ready(IN)
    assert bench.client.closed and bench.at_node() == b"<end>"
    assert bench.client not in bench.route.clients


def test_who_does_not_read_is_not_read_for_until_it_does(bench: Bench) -> None:
    bench.lane.owe(bench.client, 1)
    bench.answers(b"$9000000\r\n")
    while bench.lane.events & IN:
        bench.answers(b"v" * 50_000)
    assert UNREAD_MAX < bench.client.unsent_bytes < UNREAD_MAX + 100_000
    while bench.client.unsent is not None:
        assert bench.at_app()
        bench.writable()
    assert bench.lane.events & IN


def test_who_sends_too_much_behind_a_closed_gate_is_not_received_from(bench: Bench) -> None:
    bench.route.gate.close("switchover")
    one = command("SET", "a", "v" * 30_000)
    while bench.client.events & IN:
        bench.says(one)
    allowed = bench.route.allowance.waiting_bytes
    assert allowed < bench.client.waiting_bytes <= allowed + len(one)
    waiting = len(bench.client.waiting or ())
    bench.route.gate.open("switchover")
    got = 0
    while bench.client.waiting_bytes or bench.lane.unsent is not None:
        got += len(bench.at_node())
        bench.lane.flush()
    assert got + len(bench.at_node()) == waiting * len(one)
    assert bench.client.events & IN


def test_a_wait_that_may_not_be_primed_is_answered_from_outside(bench: Bench) -> None:
    bench.client.session.moved = True
    bench.says(command("WAIT", 1, 50) + PING)
    bench.at_node()
    bench.answers(b"-NOPERM no\r\n")
    assert bench.route.outside == [(b"WAIT", b"1", b"50")] and bench.at_node() == b""
    bench.client.answered_outside(b":1\r\n")
    assert bench.at_app() == b":1\r\n" and bench.at_node() == PING


def test_a_lane_that_is_lost_takes_its_client_along(bench: Bench) -> None:
    bench.says(GET + GET)
    bench.answers(b"$-1\r\n")
    bench.node.close()
    bench.lane.ready(IN)
    assert bench.at_app() == b"$-1\r\n<end>" and bench.route.suspect.is_set()
