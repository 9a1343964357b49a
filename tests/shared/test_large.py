"""Nobody pays for what another sends, asks for, or does not read."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator

import pytest

from proxy.wire.encoding import command
from tests.shared.scene import FEW, SOON_SECONDS, Shared, latency
from tests.shared.throng import Throng, plain
from tests.talking import Talk
from tests.waiting import wait_until

MIB = 1024 * 1024
LARGE = 100 * MIB
KEPT_KIB = 48 * 1024
"""What the proxy may keep of replies that somebody does not read."""
RESET_AT_ONCE = struct.pack("ii", 1, 0)


@pytest.fixture
def busy(lone: Shared) -> Iterator[Throng]:
    """Clients on the shared lane beside it all, of whom each gets the replies that it is owed."""
    throng = Throng(lone)
    for number in range(16):
        throng.add(f"p{number}", plain(f"p{number}"))
    with throng:
        throng.wait_checked(100)
        yield throng
        throng.wait_checked(100)
    throng.assert_well()
    assert throng.longest < 2 * SOON_SECONDS


def test_a_value_of_100_mb_holds_up_nobody_and_is_kept_once(lone: Shared, busy: Throng) -> None:
    sender, other = lone.talk("PING", timeout=30), lone.talk("PING")
    before = lone.peak_kib()
    sender.socket.sendall(b"*3\r\n$3\r\nSET\r\n$5\r\nlarge\r\n$%d\r\n" % LARGE)
    piece, longest = bytes(4 * MIB), 0.0
    for _ in range(LARGE // len(piece)):
        sender.socket.sendall(piece)
        longest = max(longest, latency(other))
    sender.socket.sendall(b"\r\n")
    assert sender.reply() == "OK"
    assert lone.primary.command("STRLEN", "large") == LARGE
    assert longest < SOON_SECONDS
    assert lone.peak_kib() - before < 1.3 * LARGE / 1024 + KEPT_KIB
    lone.wait_shared(other)


def test_a_reply_of_100_mb_holds_up_nobody_and_stays_in_the_node(lone: Shared, busy: Throng) -> None:
    lone.primary.command("SETRANGE", "large", LARGE - 1, "x")
    slow, other = lone.talk("PING", timeout=30), lone.talk("PING")
    lone.wait_shared(slow, other)
    before = lone.peak_kib()
    slow.send_all("GET large", "ECHO behind")
    slow.expect(b"$%d\r\n" % LARGE)
    assert max(latency(other) for _ in range(50)) < SOON_SECONDS
    busy.wait_checked(500)
    longest, left = 0.0, LARGE
    while left:
        left -= received(slow, left)
        if left % (8 * MIB) == 0:
            longest = max(longest, latency(other))
    slow.expect(b"\r\n$6\r\nbehind\r\n")
    assert longest < SOON_SECONDS
    assert lone.peak_kib() - before < KEPT_KIB
    assert slow.ask("ECHO", "again") == "again"


def received(talk: Talk, most: int) -> int:
    """How many bytes come now."""
    data = talk.socket.recv(min(4 * MIB, most))
    assert data, f"the connection was closed, {most} bytes before the end"
    return len(data)


def test_a_list_of_a_million_elements_holds_up_nobody(lone: Shared, busy: Throng) -> None:
    loader = lone.straight()
    for begin in range(1, 1_000_001, 10_000):
        loader.ask("RPUSH", "list", *range(begin, begin + 10_000))
    reader, other = lone.talk("PING", timeout=30), lone.talk("PING")
    lone.wait_shared(reader, other)
    before = lone.peak_kib()
    reader.send_all("LRANGE list 0 -1", "ECHO behind")
    got = bytearray()
    longest, turn = 0.0, 0
    while not got.endswith(b"$6\r\nbehind\r\n"):
        before_it = len(got)
        got += reader.socket.recv(MIB)
        assert len(got) > before_it, "the connection was closed"
        turn += 1
        if turn % 8 == 0:
            longest = max(longest, latency(other))
    assert (
        got
        == b"*1000000\r\n"
        + b"".join(b"$%d\r\n%d\r\n" % (len(str(number)), number) for number in range(1, 1_000_001))
        + b"$6\r\nbehind\r\n"
    )
    assert longest < SOON_SECONDS
    assert lone.peak_kib() - before < KEPT_KIB


def test_who_does_not_read_50_mb_of_replies_holds_up_nobody_and_is_served_in_the_end(
    lone: Shared, busy: Throng
) -> None:
    lone.primary.command("SETRANGE", "piece", 100_000 - 1, "x")
    slow, other = lone.talk("PING", timeout=30), lone.talk("PING")
    lone.wait_shared(slow, other)
    before = lone.peak_kib()
    count = 500
    slow.send_all(*["GET piece"] * count, "ECHO behind")
    assert max(latency(other) for _ in range(100)) < SOON_SECONDS
    busy.wait_checked(1000)
    assert lone.peak_kib() - before < KEPT_KIB
    piece = "\0" * 99_999 + "x"
    for _ in range(count):
        assert slow.reply() == piece
    assert slow.reply() == "behind"


def test_who_does_not_read_many_small_replies_costs_no_memory_without_bound(
    lone: Shared, busy: Throng
) -> None:
    """Redis itself would take no more of such a client's commands, once its replies are not sent."""
    lone.primary.command("SET", "fruit", "f" * 2000)
    slow, other = lone.talk("PING", timeout=30), lone.talk("PING")
    lone.wait_shared(slow, other)
    count = 40_000  # 80 MB of replies
    sender = threading.Thread(target=slow.socket.sendall, args=(command("GET", "fruit") * count,))
    before = lone.peak_kib()
    sender.start()
    busy.wait_checked(1000)
    assert max(latency(other) for _ in range(50)) < SOON_SECONDS
    assert lone.peak_kib() - before < KEPT_KIB
    wanted = b"$2000\r\n" + b"f" * 2000 + b"\r\n"
    left = count * len(wanted)
    while left:
        left -= received(slow, left)
    sender.join()
    assert slow.ask("ECHO", "behind") == "behind"


def test_who_goes_while_it_is_owed_replies_holds_up_nobody(lone: Shared, busy: Throng) -> None:
    lone.primary.command("SETRANGE", "piece", 100_000 - 1, "x")
    lone.primary.command("SETRANGE", "large", 20 * MIB - 1, "x")
    other = lone.talk("PING")
    before = lone.peak_kib()
    for turn in range(30):
        leaver = lone.talk("PING")
        asked = ("GET large", "INCR gone") if turn % 3 == 0 else (*["GET piece"] * 20, "INCR gone")
        leaver.send_all(*asked)
        if turn % 2:
            leaver.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_ONCE)
        leaver.socket.close()
        assert latency(other) < SOON_SECONDS
    assert lone.peak_kib() - before < KEPT_KIB
    wait_until(lambda: len(lone.connections()) <= FEW, lambda: f"lanes are closed: {lone.connections()}")


def test_half_a_value_holds_up_nobody_and_is_never_stored(lone: Shared, busy: Throng) -> None:
    other = lone.talk("PING")
    halves = [lone.talk("PING") for _ in range(10)]
    for number, talk in enumerate(halves):
        size = LARGE if number % 2 else 1000
        talk.socket.sendall(b"*3\r\n$3\r\nSET\r\n$4\r\nhalf\r\n$%d\r\n" % size + b"x" * 500)
        assert latency(other) < SOON_SECONDS
    for talk in halves:
        talk.socket.close()
    assert latency(other) < SOON_SECONDS
    assert other.ask("EXISTS", "half") == 0
    wait_until(lambda: len(lone.connections()) <= FEW, lambda: f"lanes are closed: {lone.connections()}")


def test_who_is_sent_much_and_sends_much_is_served_in_order(lone: Shared, busy: Throng) -> None:
    lone.primary.command("SETRANGE", "piece", 3 * MIB - 1, "x")
    talk = lone.talk("PING")
    for turn in range(5):
        told = talk.ask_all(
            f"SET turn {turn}", "GET piece", "GET turn", "SETRANGE small 200000 x", "GET turn"
        )
        assert [told[0], *told[2:]] == ["OK", str(turn), 200_001, str(turn)]
        assert len(told[1]) == 3 * MIB
        value = f"{turn}" * 100_000
        assert talk.ask("SET", "value", value) == "OK"
        assert talk.ask("GET", "value") == value
    for _ in range(20):
        assert talk.ask("GET", "turn") == "4"
