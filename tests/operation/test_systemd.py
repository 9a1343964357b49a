"""What systemd is told, seen from its end of the socket."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from proxy.operation.systemd import Systemd


@pytest.fixture
def heard(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.setblocking(False)
        yield listening


def said(heard: socket.socket) -> list[str]:
    """What was said since."""
    messages = []
    try:
        while True:
            messages.append(heard.recv(4096).decode())
    except BlockingIOError:
        return messages


def test_it_is_told_in_its_own_words(heard: socket.socket) -> None:
    systemd = Systemd.of({"NOTIFY_SOCKET": heard.getsockname()})
    systemd.ready()
    systemd.reloading()
    systemd.stopping()
    ready, reloading, stopping = said(heard)
    assert (ready, stopping) == ("READY=1", "STOPPING=1")
    first, time = reloading.splitlines()
    assert first == "RELOADING=1"
    assert time.startswith("MONOTONIC_USEC=")
    assert int(time.partition("=")[2]) > 0


def test_an_abstract_socket_will_do() -> None:
    name = f"baton-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(f"\0{name}")
        listening.setblocking(False)
        Systemd.of({"NOTIFY_SOCKET": f"@{name}"}).ready()
        assert said(listening) == ["READY=1"]


@pytest.mark.parametrize("address", ["", "nonsense", "/nowhere/at/all", "vsock:2:1"])
def test_that_nobody_listens_harms_nobody(address: str) -> None:
    Systemd.of({"NOTIFY_SOCKET": address}).ready()


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({"WATCHDOG_USEC": "3000000"}, 3.0),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": str(os.getpid())}, 3.0),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "1"}, 0.0),
        ({"WATCHDOG_USEC": "soon"}, 0.0),
        ({}, 0.0),
    ],
)
def test_the_watchdog_is_as_the_environment_tells(environment: dict[str, str], seconds: float) -> None:
    assert Systemd.of(environment).watchdog == seconds


async def test_the_watchdog_is_fed_twice_in_its_time_as_long_as_the_process_lives(
    heard: socket.socket, autojump_clock: MockClock
) -> None:
    lives = True

    async def alive() -> bool:
        return lives

    async with trio.open_nursery() as nursery:
        nursery.start_soon(Systemd(heard.getsockname(), 4.0).feed, alive)
        await trio.sleep(9)
        assert said(heard) == ["WATCHDOG=1"] * 5
        lives = False
        await trio.sleep(9)
        assert said(heard) == []
        nursery.cancel_scope.cancel()


async def test_who_has_no_watchdog_is_not_asked(heard: socket.socket) -> None:
    async def alive() -> bool:
        raise AssertionError("nobody wants to know")

    await Systemd(heard.getsockname(), 0.0).feed(alive)
    assert said(heard) == []
