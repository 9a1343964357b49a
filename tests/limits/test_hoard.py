"""What all clients together may have kept for them: the greediest goes first, and nobody else."""

from __future__ import annotations

import contextlib
import socket

import pytest

from proxy.wire.encoding import command
from tests.baton import MODES, BatonProcess
from tests.limits.conftest import Beside, Limited
from tests.limits.events import told_of
from tests.limits.visitors import FULL, Visitors
from tests.servers import RedisServer
from tests.talking import Talk
from tests.waiting import wait_until

MIB = 1024 * 1024


@pytest.fixture(params=MODES)
def lanes(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def half_command(talk: Talk, size: int) -> None:
    with contextlib.suppress(ConnectionError):
        talk.socket.sendall(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$400000000\r\n" + b"x" * size)


def open_transaction(talk: Talk, size: int) -> None:
    assert talk.ask("MULTI") == "OK"
    with contextlib.suppress(ConnectionError, EOFError):
        for _ in range(size // 100_000 + 1):
            assert talk.ask("SET", "k", "x" * 100_000) == "QUEUED"


def waiting_commands(talk: Talk, size: int) -> None:
    talk.send("BLPOP", "none", 0)
    with contextlib.suppress(ConnectionError):
        talk.socket.sendall(command("SET", "k", "x" * 1000) * (size // 1000 + 1))


def many_channels(talk: Talk, size: int) -> None:
    with contextlib.suppress(ConnectionError, EOFError):
        for number in range(size // 100_000):
            names = [f"{number}:{each}:{'x' * 1000}" for each in range(100)]
            talk.send("SUBSCRIBE", *names)
            assert [talk.reply()[0] for _ in names] == ["subscribe"] * 100


def blocked_by_a_long_name(talk: Talk, size: int) -> None:
    talk.send("BLPOP", "x" * size, 0)


def a_long_name(talk: Talk, size: int) -> None:
    with contextlib.suppress(ConnectionError, EOFError):
        assert talk.ask("CLIENT", "SETNAME", "x" * size) == "OK"


def kept(proxy: BatonProcess) -> int:
    return int(proxy.admin("INFO", "clients")["kept_bytes"])


@pytest.mark.parametrize(
    "keep",
    [
        half_command,
        open_transaction,
        waiting_commands,
        many_channels,
        blocked_by_a_long_name,
        a_long_name,
    ],
)
def test_the_greediest_is_let_go_and_the_others_stay(
    limited: Limited, beside: Beside, visitors: Visitors, keep: object
) -> None:
    proxy = limited(clients_bytes=6 * MIB, waiting_bytes=16 * MIB)
    beside(proxy)
    talks = [visitors.come(proxy) for _ in range(5)]
    for talk in talks[:4]:
        keep(talk, MIB)  # type: ignore[operator]
    wait_until(lambda: kept(proxy) > 3 * MIB, lambda: f"it is noticed: {kept(proxy)}")
    assert not told_of(proxy, "-client-closed")
    keep(talks[4], 4 * MIB)  # type: ignore[operator]
    assert b"-" not in talks[4].rest()[:1]
    [event] = told_of(proxy, "-client-closed")
    assert event["why"].startswith("it kept ") and "all clients together" in event["why"]
    assert all(talk.is_quiet() for talk in talks[:4])
    wait_until(lambda: kept(proxy) < 6 * MIB, "it fits")
    for talk in talks[:4]:
        talk.socket.close()
    wait_until(lambda: kept(proxy) == 0, lambda: f"nothing is kept: {kept(proxy)}")


def test_who_does_not_read_is_weighed_too(
    limited: Limited, beside: Beside, visitors: Visitors, node: RedisServer
) -> None:
    """What it is owed is drained for a hold; otherwise hardly anything is taken from the node for it."""
    proxy = limited(clients_bytes=4 * MIB)
    node.command("SETRANGE", "big", 16 * MIB - 1, "x")
    deaf, modest = visitors.come(proxy), visitors.come(proxy)
    deaf.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    deaf.send("GET", "big")
    half_command(modest, MIB)
    assert deaf.socket.recv(1) == b"$", "its answer has begun"
    wait_until(lambda: kept(proxy) > MIB, "it is kept")
    proxy.admin("HOLD", "10000")
    wait_until(lambda: told_of(proxy, "-client-closed"), lambda: f"the deaf one is let go: {kept(proxy)}")
    proxy.admin("RELEASE")
    beside(proxy)
    assert len(told_of(proxy, "-client-closed")) == 1
    assert modest.is_quiet()


def test_what_the_node_does_not_take_is_weighed_too(
    limited: Limited, visitors: Visitors, node: RedisServer
) -> None:
    """Each command is whole, and shorter than what is allowed; the kernel takes some MiB of each."""
    proxy = limited(clients_bytes=20 * MIB)
    modest, *greedy = visitors.stay(proxy, 11)
    node.freeze()
    try:
        modest.send("SET", "modest", "x" * 10_000)
        for talk in greedy:
            with contextlib.suppress(ConnectionError):
                talk.send("SET", "greedy", "x" * 8 * MIB)
        wait_until(lambda: told_of(proxy, "-client-closed"), lambda: f"one is let go: {kept(proxy)}")
    finally:
        node.thaw()
    assert modest.reply() == "OK"


def test_a_flood_of_half_commands_is_bounded(limited: Limited, beside: Beside, visitors: Visitors) -> None:
    proxy = limited(clients_bytes=2 * MIB)
    beside(proxy)
    for _ in range(40):
        half_command(visitors.come(proxy), 200_000)
    wait_until(lambda: 0 < kept(proxy) <= 2 * MIB, lambda: f"it fits: {kept(proxy)}")
    wait_until(lambda: len(told_of(proxy, "-client-closed")) >= 29, "most had to go")


def test_when_the_process_has_too_much_nobody_is_let_in_and_the_greedy_go(
    limited: Limited, beside: Beside, visitors: Visitors
) -> None:
    proxy = limited(process_bytes=160 * MIB)
    beside(proxy)
    modest = visitors.come(proxy)
    half_command(modest, 30_000)
    visitors.wait_let_in(proxy)
    greedy = visitors.come(proxy)
    half_command(greedy, 150 * MIB)
    assert greedy.rest() == b""
    assert [event["limit"] for event in told_of(proxy, "-memory")] == [str(160 * MIB)]
    visitors.wait_let_in(proxy)  # it has become smaller again
    wait_until(lambda: told_of(proxy, "+memory"), "that is told")
    assert modest.is_quiet()
    proxy.admin("CONFIG", "SET", "limits.process_bytes", str(8 * MIB))  # less than it takes by itself
    wait_until(lambda: not visitors.is_let_in(proxy), "nobody is let in")
    assert visitors.come(proxy).rest() == FULL
    assert modest.is_quiet()  # it keeps nothing that would help
    assert len(told_of(proxy, "-client-closed")) == 1
