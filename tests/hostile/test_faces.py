"""Who comes to the console, or by HTTP, and says nothing of use: the operator and the probes get in."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from proxy.admin.console.serving import VISITORS_MAX
from proxy.admin.http.serving import CONNECTIONS_MAX
from tests.baton import ANY_PORT, BatonProcess
from tests.hostile.bystander import Bystander
from tests.hostile.memory import descriptors, resident_kib
from tests.servers import Pair
from tests.talking import Talk
from tests.waiting import wait_until

Start = Callable[..., BatonProcess]
Watch = Callable[[BatonProcess], Bystander]

GROWTH_MAX_KIB = 40 * 1024


@pytest.fixture
def lanes() -> str:
    """Neither face has anything to do with them."""
    return "shared"


@contextmanager
def strangers(port: int, count: int, says: bytes) -> Iterator[list[socket.socket]]:
    """So many connections that say this and nothing more, until the end."""
    with contextlib.ExitStack() as open_:
        made = []
        for _ in range(count):
            connection = open_.enter_context(socket.create_connection(("127.0.0.1", port), 10))
            with contextlib.suppress(OSError):
                connection.sendall(says)
            made.append(connection)
        yield made


def asked(port: int, path: str) -> bytes:
    """What one who asks by HTTP is answered."""
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        return Talk(connection).rest()


def test_strangers_with_half_a_command_do_not_keep_the_operator_out(
    pair: Pair, baton: Start, bystander: Watch
) -> None:
    proxy = baton(*pair, environment={"BATON_ADMIN_PASSWORD": "fig"})
    watched = bystander(proxy)
    before = resident_kib(proxy)
    with strangers(proxy.admin_port, 3 * VISITORS_MAX, b"*2\r\n$4\r\nAUTH\r\n$60000\r\n" + b"x" * 50_000):
        with socket.create_connection(("127.0.0.1", proxy.admin_port), 10) as connection:
            operator = Talk(connection)
            assert operator.ask("AUTH", "fig") == "OK"
            assert operator.ask("PING") == "PONG"
            assert "connected_clients:1" in operator.ask("INFO", "clients")
        watched.goes_on()
    assert resident_kib(proxy) - before < GROWTH_MAX_KIB


def test_a_slow_loris_at_the_console_gets_its_answer_when_it_has_said_all(
    pair: Pair, baton: Start, bystander: Watch
) -> None:
    proxy = baton(*pair)
    watched = bystander(proxy)
    with strangers(proxy.admin_port, 20, b"") as slow:
        for place in range(len(b"PING\r\n")):
            for connection in slow:
                connection.sendall(b"PING\r\n"[place : place + 1])
        assert [Talk(connection).reply() for connection in slow] == ["PONG"] * len(slow)
        watched.goes_on()


def test_what_is_no_command_is_told_so_and_closed(pair: Pair, baton: Start, bystander: Watch) -> None:
    proxy = baton(*pair)
    watched = bystander(proxy)
    hello = b"\x16\x03\x01\x02\0\x01"
    for says in (hello, b"POST / HTTP/1.1\r\nHost: a\r\n\r\n", b"*99999999999\r\n", b"*1\r\n+a\r\n"):
        with strangers(proxy.admin_port, 1, says) as [connection]:
            told = Talk(connection).rest()
            assert told.startswith(b"-ERR ") and told.count(b"\r\n") == 1, (says, told)
    assert proxy.admin("PING") in (b"PONG", "PONG", True)
    watched.goes_on()


def test_a_slow_loris_by_http_keeps_no_probe_out(pair: Pair, baton: Start, bystander: Watch) -> None:
    proxy = baton(*pair, "--http", ANY_PORT)
    watched = bystander(proxy)
    before = resident_kib(proxy)
    half = b"POST /v1/switchover HTTP/1.1\r\nHost: localhost\r\nContent-Length: 16000\r\n\r\n" + b"x" * 15_000
    for says in (b"GET /livez HTT", half):
        with strangers(proxy.http_port, CONNECTIONS_MAX + 50, says):
            assert asked(proxy.http_port, "/livez").startswith(b"HTTP/1.1 200 ")
            assert asked(proxy.http_port, "/readyz").startswith(b"HTTP/1.1 200 ")
            watched.goes_on()
    assert resident_kib(proxy) - before < GROWTH_MAX_KIB


def test_who_asks_for_http_2_and_leaves_leaves_nothing_behind(pair: Pair, baton: Start) -> None:
    proxy = baton(*pair, "--http", ANY_PORT)
    assert asked(proxy.http_port, "/livez").startswith(b"HTTP/1.1 200 ")
    held = descriptors(proxy)
    upgrade = (
        b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
        b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n"
    )
    for says in (
        upgrade,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ):
        with strangers(proxy.http_port, 20, says) as made:
            for connection in made:
                assert connection.recv(9) == b"HTTP/1.1 "
    wait_until(
        lambda: descriptors(proxy) <= held + 1, lambda: f"{held} descriptors, not {descriptors(proxy)}"
    )


def test_what_is_no_http_is_told_so_and_closed(pair: Pair, baton: Start, bystander: Watch) -> None:
    proxy = baton(*pair, "--http", ANY_PORT)
    watched = bystander(proxy)
    for says in (b"PING\r\n\r\n", b"\x16\x03\x01\x02\0\x01\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n"):
        with strangers(proxy.http_port, 1, says) as [connection]:
            assert Talk(connection).rest().startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 421 ")), says
    assert asked(proxy.http_port, "/livez").startswith(b"HTTP/1.1 200 ")
    watched.goes_on()
