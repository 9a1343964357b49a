"""The largest value that Redis takes, 512 MiB, goes through; one byte more is Redis's own error."""

from __future__ import annotations

from collections.abc import Iterator

from proxy.wire.encoding import command
from tests.path.way import Way
from tests.talking import Talk

MIB = 1024 * 1024
LIMIT = 512 * MIB
"""Bytes. Redis's default ``proto-max-bulk-len``."""
REST_KIB = 100 * 1024
"""What the proxy may take beside the value, its own code included."""


def pieces() -> Iterator[bytes]:
    """The value, in pieces of 1 MiB of which no two are alike."""
    body = bytes(range(256)) * (MIB // 256)
    for number in range(LIMIT // MIB):
        head = b"%08d" % number
        yield head + body[len(head) :]


def receive_value(talk: Talk) -> None:
    """Read the value as one bulk; a piece that is missing, doubled or damaged is named."""
    talk.expect(b"$%d\r\n" % LIMIT)
    came = bytearray(MIB)
    for number, piece in enumerate(pieces()):
        fill(came, talk)
        assert came == piece, f"piece {number} is {bytes(came[:16])!r}…"
    talk.expect(b"\r\n")


def fill(whole: bytearray, talk: Talk) -> None:
    free = memoryview(whole)
    while free:
        count = talk.socket.recv_into(free)
        assert count, "the connection was closed"
        free = free[count:]


def test_a_value_of_512_mib_goes_through_and_comes_back_and_is_kept_once(way: Way) -> None:
    talk = way.talk(30)
    talk.socket.sendall(b"*3\r\n$3\r\nSET\r\n$5\r\nlarge\r\n$%d\r\n" % LIMIT)
    for piece in pieces():
        talk.socket.sendall(piece)
    talk.socket.sendall(b"\r\n")
    talk.expect(b"+OK\r\n")
    talk.send_all("GET large", "STRLEN large")
    receive_value(talk)
    assert talk.reply() == LIMIT
    assert way.peak_kib() < 1.3 * LIMIT / 1024 + REST_KIB


def test_a_value_of_one_byte_more_gets_the_same_error_and_the_same_end_as_from_redis(way: Way) -> None:
    claim = command("PING") + b"*3\r\n$3\r\nSET\r\n$5\r\nlarge\r\n$%d\r\n" % (LIMIT + 1)
    straight, talk = way.straight(), way.talk()
    for each in (straight, talk):
        each.socket.sendall(claim)
    said = straight.rest()
    assert said == b"+PONG\r\n-ERR Protocol error: invalid bulk length\r\n"
    assert talk.rest() == said  # to its end: the connection is closed
    assert way.node.command("EXISTS", "large") == 0


def test_a_value_that_would_grow_beyond_512_mib_is_an_error_and_the_client_goes_on(way: Way) -> None:
    grow = ["APPEND large x", f"SETRANGE large {LIMIT} x", "STRLEN large", "ECHO end"]
    way.node.command("SETRANGE", "large", LIMIT - 1, "x")
    told = way.straight().ask_all(*grow)
    assert "exceeds maximum allowed size" in str(told[0]) and told[2:] == [LIMIT, "end"]
    assert [str(reply) for reply in way.talk().ask_all(*grow)] == [str(reply) for reply in told]
