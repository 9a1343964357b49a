"""Clients that send half of what they claim, come and go, or do not read: nobody else notices."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.baton import BatonProcess
from tests.hostile.bystander import Bystander
from tests.hostile.memory import descriptors, peak_kib, resident_kib
from tests.servers import Pair
from tests.talking import Talk
from tests.waiting import wait_until

Start = Callable[..., BatonProcess]
Watch = Callable[[BatonProcess], Bystander]

MIB = 1024 * 1024
CLAIM = b"*3\r\n$3\r\nSET\r\n$4\r\nlong\r\n$500000000\r\n"
RESET_AT_ONCE = struct.pack("ii", 1, 0)


@contextmanager
def crowd(proxy: BatonProcess, count: int) -> Iterator[list[socket.socket]]:
    """So many connections, until the end."""
    with contextlib.ExitStack() as open_:
        yield [
            open_.enter_context(socket.create_connection(("127.0.0.1", proxy.port), 10)) for _ in range(count)
        ]


def clients(proxy: BatonProcess) -> int:
    return int(proxy.admin("INFO", "clients")["connected_clients"])


def send_all_that_is_taken(connections: list[socket.socket], data: bytes) -> None:
    """As much as goes out without waiting; who was closed meanwhile is passed over."""
    for connection in connections:
        connection.setblocking(False)
        with contextlib.suppress(OSError):
            view = memoryview(data)
            while view:
                view = view[connection.send(view) :]


def closed(connections: list[socket.socket]) -> int:
    """How many of them the proxy has closed."""
    count = 0
    for connection in connections:
        connection.setblocking(False)
        try:
            count += connection.recv(1) == b""
        except BlockingIOError:
            pass
        except OSError:
            count += 1
    return count


def test_what_is_only_claimed_takes_no_memory(pair: Pair, baton: Start, bystander: Watch) -> None:
    proxy = baton(*pair)
    watched = bystander(proxy)
    before = peak_kib(proxy)
    with crowd(proxy, 300) as connections:
        send_all_that_is_taken(connections, CLAIM)
        watched.goes_on()
        assert closed(connections) == 0
    assert peak_kib(proxy) - before < 20 * 1024
    wait_until(lambda: clients(proxy) == 1, "only the bystander is there")


def test_of_a_flood_of_half_frames_the_greediest_are_let_go(
    pair: Pair, baton: Start, bystander: Watch
) -> None:
    """Forty clients want to have a megabyte each kept for them, of eight that there are."""
    proxy = baton(*pair, environment={"BATON_LIMITS_CLIENTS_BYTES": str(8 * MIB)})
    watched = bystander(proxy)
    before = resident_kib(proxy)
    with crowd(proxy, 40) as connections:
        for _ in range(20):
            send_all_that_is_taken(connections, CLAIM + b"x" * (64 * 1024) if not _ else b"x" * (64 * 1024))
            watched.goes_on(3)
        wait_until(
            lambda: closed(connections) >= 20, lambda: f"many are let go, and not {closed(connections)}"
        )
        watched.goes_on()
        assert closed(connections) < 40
        assert resident_kib(proxy) - before < 60 * 1024
    wait_until(lambda: clients(proxy) == 1, "only the bystander is there")
    assert proxy.log().count("all clients together") == proxy.log().count("-client-closed")


def test_a_slow_loris_is_one_client_more_and_nothing_else(pair: Pair, baton: Start, bystander: Watch) -> None:
    """Commands that come byte by byte: each is executed once, when it is whole."""
    proxy = baton(*pair)
    watched = bystander(proxy)
    before = peak_kib(proxy)
    command = b"*2\r\n$4\r\nINCR\r\n$5\r\nloris\r\n"
    with crowd(proxy, 100) as connections:
        for place in range(len(command)):
            for connection in connections:
                connection.sendall(command[place : place + 1])
        for connection in connections:
            connection.settimeout(10)
            assert connection.recv(100).startswith(b":")
        watched.goes_on()
    assert pair.primary.command("GET", "loris") in (b"100", "100")
    assert peak_kib(proxy) - before < 20 * 1024


def test_a_flood_of_connects_leaves_nothing_behind(pair: Pair, baton: Start, bystander: Watch) -> None:
    """Closed at once, reset at once, or in the middle of a command."""
    proxy = baton(*pair)
    watched = bystander(proxy)
    before, held = resident_kib(proxy), descriptors(proxy)

    def flood(number: int) -> None:
        for turn in range(150):
            with contextlib.suppress(OSError), contextlib.closing(proxy_socket(proxy)) as connection:
                if (number + turn) % 3 == 0:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_ONCE)
                elif (number + turn) % 3 == 1:
                    connection.sendall(b"*1\r\n$4\r\nPI")

    threads = [threading.Thread(target=flood, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    watched.goes_on()
    wait_until(lambda: clients(proxy) == 1, lambda: f"only the bystander is there, of {clients(proxy)}")
    wait_until(lambda: descriptors(proxy) <= held + 2, lambda: f"{held} descriptors, {descriptors(proxy)}")
    assert resident_kib(proxy) - before < 20 * 1024


def proxy_socket(proxy: BatonProcess) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), 10)


def test_clients_that_never_read_are_bounded_and_keep_nobody_waiting(
    pair: Pair, baton: Start, bystander: Watch
) -> None:
    """Sixteen of them ask for four megabytes each."""
    proxy = baton(*pair, environment={"BATON_LIMITS_CLIENT_OUTPUT_BYTES": str(MIB)})
    pair.primary.command("SET", "long", "x" * (MIB // 4))
    watched = bystander(proxy)
    before = resident_kib(proxy)
    with crowd(proxy, 16) as connections:
        send_all_that_is_taken(connections, b"*2\r\n$3\r\nGET\r\n$4\r\nlong\r\n" * 16)
        watched.goes_on(100)
        assert resident_kib(proxy) - before < 16 * 2 * 1024 + 30 * 1024
        report = proxy.switchover(budget_ms=5000)
        assert report["outcome"] == "done", report
        watched.goes_on()
        assert resident_kib(proxy) - before < 16 * 2 * 1024 + 30 * 1024
    wait_until(lambda: clients(proxy) == 1, "only the bystander is there")


def test_who_breaks_the_protocol_and_reads_late_still_gets_all_that_is_due(pair: Pair, baton: Start) -> None:
    """What comes for it is left to the kernel while it does not read; so it is fetched when it does."""
    proxy = baton(*pair)
    pair.primary.command("SET", "long", "x" * MIB)
    talk = Talk(proxy.raw())
    assert talk.ask("PING") == "PONG"
    talk.socket.sendall(b"*2\r\n$3\r\nGET\r\n$4\r\nlong\r\n" * 20)
    wait_until(lambda: "unread=0" not in str(proxy.admin("CLIENTS")), "what it does not read is kept for it")
    talk.socket.sendall(b"*x\r\n")
    got = talk.rest()
    assert got.count(b"$1048576\r\n") == 20
    assert got.endswith(b"\r\n-ERR Protocol error: invalid multibulk length\r\n")
