"""What is no RESP, and what is no command of Redis's, never comes near the others on a lane."""

from __future__ import annotations

from proxy.wire.encoding import command
from tests.path.test_malformed import ANSWERED, MALFORMED, said_to
from tests.shared.scene import Shared

PING = command("PING")
AHEAD = PING + command("SET", "fruit", "fig")
SECURITY = {
    "POST, inline": b"POST / HTTP/1.1\r\nHost: fig\r\n\r\n",
    "Host:, inline": b"Host: fig\r\n",
    "post as an array": command("post", "x"),
    "Host: as an array": command("Host:"),
    "POST before others": command("POST") + PING,
}


def test_a_malformed_request_never_reaches_a_lane_of_others(lone: Shared) -> None:
    mates = [lone.picker() for _ in range(5)]
    lone.wait_shared(*mates)
    before = lone.lost()
    login = command("AUTH", "picker", "fig")
    for number, (kind, data) in enumerate(MALFORMED.items()):
        if kind.startswith("HTTP"):
            continue
        proxied, straight = lone.talk("AUTH picker fig", "PING"), lone.straight()
        assert straight.ask("AUTH", "picker", "fig") == "OK"
        for mate in mates:
            mate.send("INCR", f"count:{number}")
        assert said_to(proxied, PING + data) == said_to(straight, PING + data), kind
        assert said_to(lone.talk(), login + PING + data) == said_to(lone.straight(), login + PING + data), (
            kind
        )
        assert sorted(mate.reply() for mate in mates) == [1, 2, 3, 4, 5], kind
        assert [mate.ask("PING") for mate in mates] == ["PONG"] * 5
    assert lone.lost() == before


def test_odd_requests_that_are_answered_disturb_nobody(lone: Shared) -> None:
    mates = [lone.talk("PING") for _ in range(5)]
    for kind, data in ANSWERED.items():
        lone.primary.command("FLUSHALL")
        wanted = said_to(lone.straight(), PING + data + PING)
        lone.primary.command("FLUSHALL")
        proxied = lone.talk("PING")
        for mate in mates:
            mate.send("ECHO", kind)
        assert said_to(proxied, PING + data + PING) == wanted, kind
        assert [mate.reply() for mate in mates] == [kind] * 5, kind
    lone.wait_shared(*mates)


def test_post_and_host_close_their_client_alone_without_a_word(lone: Shared) -> None:
    """Redis loses what it has to say to commands ahead; here they may have gone another way."""
    mates = [lone.picker() for _ in range(5)]
    for kind, data in SECURITY.items():
        for opening, ahead in (((), b""), (("PING",), b""), (("PING",), AHEAD)):
            talk, straight = lone.talk("AUTH picker fig", *opening), lone.straight()
            for each in (talk, straight):
                each.socket.sendall(ahead + data)
            assert straight.rest() == b"", kind
            assert talk.rest() in (b"", b"+PONG\r\n+OK\r\n" if ahead else b""), kind
            assert [mate.ask("PING") for mate in mates] == ["PONG"] * 5, kind
    lone.wait_shared(*mates)


def test_post_inside_a_transaction_is_its_clients_own_affair(lone: Shared) -> None:
    mates = [lone.talk("PING") for _ in range(5)]
    for commands in (("MULTI", "POST x", "EXEC"), ("MULTI", "SET fruit fig", "HOST: x", "EXEC")):
        talk, straight = lone.talk("PING"), lone.straight()
        for each in (talk, straight):
            each.send_all(*commands, "QUIT")
        assert talk.rest() == straight.rest(), commands
        assert [mate.ask("PING") for mate in mates] == ["PONG"] * 5
        lone.primary.command("FLUSHALL")


def test_unknown_commands_are_answered_as_by_the_node_and_their_client_stays_private(lone: Shared) -> None:
    mates = [lone.talk("PING") for _ in range(5)]
    before = lone.received()
    for words in (("NOSUCH",), ("NOSUCH", "a", "b"), ("",), ("x" * 1000,), ("GET\r\n", "a"), ("*1",)):
        talk, straight = lone.talk("PING"), lone.straight()
        for mate in mates:
            mate.send("ECHO", "here")
        assert str(talk.ask(*words)) == str(straight.ask(*words)), words
        assert [mate.reply() for mate in mates] == ["here"] * 5
        assert talk.ask_all("SET fruit fig", "GET fruit") == ["OK", "fig"]
        lone.assert_private(talk)
        talk.socket.close()
    lone.wait_shared(*mates)
    assert lone.received() - before <= 20


def test_wrong_arguments_and_wrong_types_need_no_lane_of_their_own(lone: Shared) -> None:
    mates = [lone.talk("PING") for _ in range(5)]
    talk, straight = lone.talk("SET fruit fig"), lone.straight()
    for commands in (
        ("GET",),
        ("LPUSH fruit x", "INCR fruit"),
        ("SET a b NX XX", "GET fruit"),
        ("CLIENT", "GET fruit"),
    ):
        for mate in mates:
            mate.send("ECHO", "here")
        told = [str(reply) for reply in talk.ask_all(*commands)]
        assert told == [str(reply) for reply in straight.ask_all(*commands)]
        assert [mate.reply() for mate in mates] == ["here"] * 5
    lone.wait_shared(talk, *mates)
