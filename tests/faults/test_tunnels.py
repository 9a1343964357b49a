"""Tunnels and cables do what their troubles say: a trouble that does nothing would prove nothing."""

import random
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from tests.faults import namespaces
from tests.faults.faults import CALM, TROUBLES, Trouble
from tests.faults.namespaces import Namespace, why_not
from tests.faults.on_wires import OPEN
from tests.faults.wires import Cable, Tunnel, Wire, ends, netem
from tests.servers import RedisServer
from tests.talking import Talk
from tests.waiting import wait_until

BY_NAME = {trouble.name: trouble for trouble in TROUBLES}
MOMENT = 0.4
PATIENCE = 100.0
"""Seconds. TCP doubles its pause with each packet that is lost: six in a row take it 12 s, and where four in
ten are lost each way, that is not rare."""
Connect = Callable[[Wire, RedisServer], Talk]


@pytest.fixture
def homes() -> Iterator[tuple[Namespace, Namespace]]:
    """One for the client, one for the server."""
    if why := why_not():
        pytest.skip(why)
    here, there = Namespace("here"), Namespace("there")
    yield here, there
    here.close()
    there.close()


@pytest.fixture
def server(homes: tuple[Namespace, Namespace], redis_binary: Path, tmp_path: Path) -> Iterator[RedisServer]:
    started = homes[1].run(RedisServer.start, redis_binary, tmp_path / "redis", *OPEN)
    yield started
    homes[1].run(started.end)


@pytest.fixture
def heard() -> list[bytes]:
    return []


@pytest.fixture
def tunnel(homes: tuple[Namespace, Namespace], heard: list[bytes]) -> Iterator[Tunnel]:
    wire = Tunnel(*ends(*homes, 1), heard.append, random.Random(1)).open()
    yield wire
    wire.close()


@pytest.fixture
def talk() -> Iterator[Connect]:
    """A factory: each call makes one more connection over a wire to a server."""
    with ExitStack() as made:

        def connect(wire: Wire, server: RedisServer) -> Talk:
            dial = partial(socket.create_connection, (wire.far.address, server.port), 10)
            return Talk(made.enter_context(wire.near.namespace.run(dial)))

        yield connect


def no_answer(client: Talk) -> None:
    client.socket.settimeout(MOMENT)
    with pytest.raises(TimeoutError):
        client.reply()
    client.socket.settimeout(10)


def value(wire: Wire, server: RedisServer) -> object:
    return wire.far.namespace.run(server.command, "GET", "n")


@pytest.mark.timeout(3 * PATIENCE)
@pytest.mark.parametrize("trouble", [CALM, *(each for each in TROUBLES if each.only_slows)], ids=str)
def test_everything_arrives_once_and_in_order_however_packets_fare(
    trouble: Trouble, tunnel: Tunnel, server: RedisServer, heard: list[bytes], talk: Connect
) -> None:
    client = talk(tunnel, server)
    client.socket.settimeout(PATIENCE)
    tunnel.begin(trouble)
    assert client.ask("SET", "k", "x" * 20_000) == "OK"
    for number in range(1, 11):
        assert client.ask("INCR", "n") == number
    assert client.ask("STRLEN", "k") == 20_000
    assert b"".join(heard).count(b"INCR") <= 10


@pytest.mark.parametrize(("name", "arrives"), [("cut", "1"), ("cut-to-node", "1"), ("cut-from-node", "2")])
def test_a_cut_lets_through_what_it_says_and_all_of_it_afterwards(
    name: str, arrives: str, tunnel: Tunnel, server: RedisServer, talk: Connect
) -> None:
    client = talk(tunnel, server)
    assert client.ask("INCR", "n") == 1
    tunnel.begin(BY_NAME[name])
    client.send("INCR", "n")
    no_answer(client)
    assert value(tunnel, server) == arrives
    tunnel.begin(CALM)
    assert client.reply() == 2


def unplugged(wire: Wire, server: RedisServer, talk: Connect) -> None:
    client = talk(wire, server)
    wire.begin(BY_NAME["unplugged"])
    client.send("INCR", "n")
    no_answer(client)
    wire.begin(CALM)
    assert client.reply() == 1
    wait_until(lambda: talk(wire, server).ask("PING") == "PONG", "new connections")


def test_a_tunnel_that_is_unplugged_goes_on_afterwards(
    tunnel: Tunnel, server: RedisServer, talk: Connect
) -> None:
    unplugged(tunnel, server, talk)


def test_a_cable_that_is_unplugged_goes_on_afterwards(
    homes: tuple[Namespace, Namespace], server: RedisServer, talk: Connect
) -> None:
    unplugged(Cable(*ends(*homes, 1)).open(), server, talk)


def test_nothing_of_it_is_seen_outside(tunnel: Tunnel) -> None:
    said = subprocess.run(["ip", "-brief", "link"], capture_output=True, text=True, check=True).stdout
    assert tunnel.near.device not in said


def test_who_may_make_no_namespace_is_told_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise PermissionError("Operation not permitted")

    monkeypatch.setattr(namespaces, "_leave", refuse)
    assert why_not() == "no network namespaces: Operation not permitted"
    monkeypatch.setenv("PATH", "")
    assert why_not() == "no network namespaces: there is no `ip` (iproute2)"


def test_netem_is_told_in_its_own_words() -> None:
    assert [netem(trouble) for trouble in (*TROUBLES, CALM)] == [
        "delay 20ms 0ms",
        "delay 15ms 15ms",
        "loss 20%",
        "loss 40%",
        "delay 3ms 3ms duplicate 50%",
        "loss 100%",
        "loss 100%",
        "loss 100%",
        "",
        "",
    ]
