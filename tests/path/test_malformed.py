"""What is no RESP gets the same bytes and the same end as from Redis itself."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest

from proxy.wire.encoding import command
from tests.path.way import Way
from tests.talking import Talk

PING = command("PING")
MALFORMED = {
    "a bulk that is no bulk": b"*1\r\n+PING\r\n",
    "a bulk with an integer": b"*1\r\n:1\r\n",
    "a bulk with a high byte": b"*1\r\n\xff\r\n",
    "a null bulk": b"*1\r\n$-1\r\n",
    "a negative bulk": b"*2\r\n$3\r\nGET\r\n$-5\r\n",
    "a length that is no number": b"*x\r\n",
    "an empty length": b"*\r\n",
    "a length with a plus": b"*+1\r\n$4\r\nPING\r\n",
    "a length with a leading zero": b"*01\r\n$4\r\nPING\r\n",
    "a length with a space": b"* 1\r\n$4\r\nPING\r\n",
    "a bulk length with a leading zero": b"*1\r\n$04\r\nPING\r\n",
    "a bulk length with a blank": b"*1\r\n$4 \r\nPING\r\n",
    "a bulk too long": b"*1\r\n$536870913\r\n",
    "a bulk far too long": b"*1\r\n$99999999999999999999\r\n",
    "an array too long": b"*2147483648\r\n",
    "an array far too long": b"*99999999999999999999\r\n",
    "a length line without an end": b"*" + b"1" * 70_000,
    "a bulk length line without an end": b"*1\r\n$" + b"1" * 70_000,
    "an inline without an end": b"x" * 70_000,
    "unbalanced quotes": b'SET a "b\r\n',
    "something behind a quote": b'SET a "b"c\r\n',
    "HTTP POST": b"POST / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "HTTP Host:": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
}
ANSWERED = {
    "an array that is too long up to 6.2": b"*1048577\r\n",
    "an array that is never too long": b"*1048576\r\n",
    "a NUL in the place of a bulk, after which Redis waits": b"*1\r\n\0\r\n",
    "nothing": b"",
    "empty lines": b"\r\n\r\n\n",
    "empty arrays": b"*0\r\n*-1\r\n*-10\r\n",
    "inline words": b"SET fruit fig\r\nGET fruit\nget  fruit \r\n",
    "inline quotes": b'SET \'a b\' "\\x41\\n\\""\r\nGET "a b"\r\n',
    "inline with a NUL": b"ECHO a\0b\r\nPING\r\n",
    "an empty name": b"*1\r\n$0\r\n\r\n",
    "an inline empty name": b'"" a b\r\n',
    "the wrong bytes behind a bulk": b"*1\r\n$4\r\nPINGxx",
    "unknown commands": command("NOSUCH", "a", "b") + command("") + command("GET"),
    "names in any case": command("pInG") + command("gEt", "x") + command("mULTI") + command("eXEC"),
    "many arguments": command("DEL", *(str(n) for n in range(5000))),
    "a name of 100 KB": command("x" * 100_000),
    "errors in between": command("SET", "fruit", "fig")
    + command("LPUSH", "fruit", 1)
    + command("GET", "fruit"),
}


def said_to(talk: Talk, data: bytes) -> bytes:
    """What comes back until the other side closes."""
    try:
        talk.socket.sendall(data)
        talk.socket.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # it has been refused before it was sent to the end
    return talk.rest()


@pytest.fixture
def exact(lanes: str) -> Callable[[str, bytes], bytes]:
    """What of an answer to such a request must be the same.

    Of who sends HTTP, Redis throws away the answers not sent yet; down a shared lane they have gone.
    """
    return lambda kind, said: b"" if kind.startswith("HTTP ") and lanes == "shared" else said


@pytest.mark.parametrize(("ahead", "behind"), [(b"", b""), (PING, b""), (PING, PING), (b"", PING)])
def test_odd_requests_get_the_same_bytes_and_the_same_end_as_from_redis(
    way: Way, ahead: bytes, behind: bytes, exact: Callable[[str, bytes], bytes]
) -> None:
    for kind, data in (MALFORMED | ANSWERED).items():
        way.node.command("FLUSHALL")
        straight = said_to(way.straight(), ahead + data + behind)
        way.node.command("FLUSHALL")
        assert exact(kind, said_to(way.talk(), ahead + data + behind)) == exact(kind, straight), kind


def test_a_malformed_request_closes_the_connection_by_itself(
    way: Way, exact: Callable[[str, bytes], bytes]
) -> None:
    other = way.talk()
    for kind, data in MALFORMED.items():
        talk, straight = way.talk(), way.straight()
        for each in (talk, straight):
            each.socket.sendall(PING + data)
        assert exact(kind, talk.rest()) == exact(kind, straight.rest()), kind
        assert other.ask("PING") == "PONG"


def test_malformed_requests_byte_by_byte_are_answered_as_in_one_piece(
    way: Way, exact: Callable[[str, bytes], bytes]
) -> None:
    for kind, data in MALFORMED.items():
        if len(data) > 1000:
            continue
        talk = way.talk()
        for byte in PING + data:
            talk.socket.sendall(bytes([byte]))
            if not talk.is_quiet() and talk.is_closed():
                break
        straight = said_to(way.straight(), PING + data)
        assert exact(kind, said_to(way.talk(), PING + data)) == exact(kind, straight), kind
