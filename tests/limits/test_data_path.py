"""What one client may send: the longest command, its arguments, and what may wait."""

from __future__ import annotations

import socket

import pytest

from proxy.wire.encoding import command
from tests.baton import MODES
from tests.limits.conftest import Beside, Limited
from tests.limits.events import told_of
from tests.limits.visitors import PING, Visitors
from tests.servers import RedisServer
from tests.talking import Talk
from tests.waiting import wait_until

KIB = 1024
MOST = 128 * KIB


@pytest.fixture(params=MODES)
def lanes(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_command_longer_than_allowed_closes_its_client_alone(
    limited: Limited, beside: Beside, visitors: Visitors, node: RedisServer
) -> None:
    proxy = limited(command_bytes=MOST)
    beside(proxy)
    longest = b"x" * (MOST - len(command("SET", "key", b"x" * MOST)) + MOST)
    assert len(command("SET", "key", longest)) == MOST
    half = b"*3\r\n$3\r\nSET\r\n$3\r\nbad\r\n$900000\r\n" + b"x" * 2 * MOST
    inline = b"SET bad " + b"x" * (MOST + 9) + b"\r\n"
    for long in (command("SET", "bad", longest + b"x"), command("SET", "bad", b"y" * 700_000), half):
        talk = visitors.come(proxy)
        assert talk.ask("SET", "key", longest) == "OK"
        talk.socket.sendall(PING)
        assert talk.reply() == "PONG"
        assert visitors.come(proxy, first=long).rest() == b""  # without a word, as Redis
        assert talk.ask("GET", "key") == longest.decode()
    assert b"too big inline request" in visitors.come(proxy, first=inline).rest()
    assert node.command("EXISTS", "bad") == 0
    closed = told_of(proxy, "-client-closed")
    assert [event["why"] for event in closed] == [f"a command of more than {MOST} bytes"] * 3


def test_more_arguments_than_allowed_are_the_protocol_error_of_redis(
    limited: Limited, beside: Beside, visitors: Visitors, node: RedisServer
) -> None:
    proxy = limited(command_arguments=16 * KIB)
    beside(proxy)
    talk = visitors.come(proxy)
    assert talk.ask("DEL", *map(str, range(16 * KIB - 1))) == 0
    straight = visitors.come(node, first=b"*2147483648\r\n").rest()
    assert straight == b"-ERR Protocol error: invalid multibulk length\r\n"
    assert visitors.come(proxy, first=PING + b"*%d\r\n" % (16 * KIB + 1)).rest() == b"+PONG\r\n" + straight
    proxy.admin("CONFIG", "SET", "limits.command_arguments", str(32 * KIB))
    assert visitors.come(proxy).ask("DEL", *map(str, range(20 * KIB))) == 0


def send_ahead(talk: Talk, piece: bytes, pieces: int) -> int:
    """Send pieces until nobody takes them any more; how many bytes were taken."""
    talk.socket.settimeout(2.0)
    taken = 0
    try:
        for _ in range(pieces):
            rest = memoryview(piece)
            while rest:
                sent = talk.socket.send(rest)
                taken, rest = taken + sent, rest[sent:]
    except TimeoutError:
        pass
    return taken


ECHOES = command("ECHO", "x" * KIB) * 64
ECHO_REPLY = b"$1024\r\n" + b"x" * KIB + b"\r\n"
AHEAD = [({"waiting_bytes": 64 * KIB}, ECHOES), ({"waiting_commands": 100}, PING * 5000)]


@pytest.mark.parametrize(("settings", "piece"), AHEAD)
def test_who_sends_ahead_without_end_is_not_received_from(
    limited: Limited, beside: Beside, visitors: Visitors, settings: dict[str, int], piece: bytes
) -> None:
    """Behind a BLPOP nothing goes on: what comes waits in the proxy, and then in the kernel."""
    proxy = limited(**settings)
    innocent = beside(proxy)
    talk = visitors.come(proxy)
    talk.send("BLPOP", "list", 0)
    talk.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 * KIB)
    whole = piece * 40
    taken = send_ahead(talk, whole, 40)
    assert taken < 40 * len(whole)  # the kernel's buffers take some MiB
    kept = int(proxy.admin("INFO", "clients")["kept_bytes"])
    assert 0 < kept < 3_000_000
    innocent.goes_on()
    replies = ECHO_REPLY if piece is ECHOES else b"+PONG\r\n"
    proxy.admin("CONFIG", "SET", "limits.waiting_commands", "200")
    assert visitors.come(proxy).ask("RPUSH", "list", "x") == 1
    talk.socket.settimeout(20)
    each = len(piece) // piece.count(b"*")
    talk.expect(command("list", "x") + replies * (taken // each))  # `reply` might have taken more than one
    wait_until(lambda: int(proxy.admin("INFO", "clients")["kept_bytes"]) < 100_000, "little is kept")
