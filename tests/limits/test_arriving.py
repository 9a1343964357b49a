"""Shaking hands, on one's own stage: only so many at once, and who is silent gives up the place."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network

import attrs
import pytest
import trio

from proxy.app import make_route
from proxy.nodes.address import Address
from proxy.operation.door import arriving
from proxy.operation.door.door import Door
from proxy.operation.door.listening import entrances_at
from proxy.operation.door.pacing import Pace
from proxy.operation.ground import Ground
from proxy.relay.reactor import Reactor
from proxy.settings import Settings
from proxy.telling import Told
from tests.limits.headers import line
from tests.waiting import until

HEADER = line("192.0.2.7", 1)


@attrs.define(eq=False)
class Stage:
    """A door that believes PROXY headers from everywhere, and a route without nodes behind it."""

    door: Door
    ground: Ground
    port: int
    sockets: list[socket.socket] = attrs.field(factory=list)

    def come(self, first: bytes = b"") -> socket.socket:
        sock = socket.create_connection(("127.0.0.1", self.port), 10)
        self.sockets.append(sock)
        sock.sendall(first)
        return sock

    @property
    def clients(self) -> int:
        return len(self.ground.route.clients)

    @property
    def arriving(self) -> int:
        return self.ground.route.arriving


@asynccontextmanager
async def stage(**settings: object) -> AsyncIterator[Stage]:
    chosen = Settings(proxy_protocol_from=(ip_network("0.0.0.0/0"),), **settings)  # type: ignore[arg-type]
    async with trio.open_nursery() as nursery:
        route, keeper = make_route(chosen, "test", nursery, Reactor())
        ground = Ground(route, keeper, chosen, "test")
        entrances = await entrances_at("--listen", Address("127.0.0.1", 0))
        made = Stage(Door(ground, entrances), ground, entrances[0].socket.getsockname()[1])
        nursery.start_soon(made.door.stand_open)
        nursery.start_soon(route.reactor.run)
        try:
            yield made
        finally:
            nursery.cancel_scope.cancel()
            for sock in made.sockets:
                sock.close()
            for client in list(route.clients):
                client.close()
    route.reactor.close()


async def test_who_comes_when_all_places_are_taken_waits_in_the_kernel(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(arriving, "AT_ONCE", 3)
    monkeypatch.setattr(arriving, "PATIENCE_SECONDS", 1000.0)
    async with stage() as there:
        silent = [there.come() for _ in range(3)]
        await until(lambda: there.arriving == 3, "all places are taken")
        there.come(HEADER)
        for _ in range(10):
            await trio.sleep(0.005)
            assert (there.arriving, there.clients) == (3, 0)
        silent[0].sendall(HEADER)
        await until(lambda: there.clients == 2, "there was a place for it then")


async def test_who_is_silent_gives_up_the_place_that_another_wants(
    monkeypatch: pytest.MonkeyPatch, told: list[Told]
) -> None:
    monkeypatch.setattr(arriving, "AT_ONCE", 3)
    monkeypatch.setattr(arriving, "PATIENCE_SECONDS", 0.05)
    async with stage(handshake_ms=1_000_000) as there:
        for _ in range(20):
            there.come(b"PROXY ")
        innocent = there.come(HEADER)
        await until(lambda: there.clients == 1, "the honest one is let in")
        assert there.ground.route.refused["handshake_ms"] >= 15
        assert innocent.getsockname()
    assert {each["limit"] for each in told if each["event"] == "-client-refused"} == {"handshake_ms"}


async def test_a_place_is_kept_for_whom_we_had_no_time_to_hear(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its bytes are in the kernel: that nobody has read them is not its fault."""
    monkeypatch.setattr(arriving, "AT_ONCE", 1)
    monkeypatch.setattr(arriving, "PATIENCE_SECONDS", -1.0)

    async def no_time(sock: socket.socket) -> object:
        await busy.wait()
        return await read(sock)

    busy, read = trio.Event(), arriving.read_header
    monkeypatch.setattr(arriving, "read_header", no_time)
    async with stage() as there:
        there.come(HEADER)
        await until(lambda: there.arriving == 1, "it has the place")
        there.come(HEADER)
        for _ in range(10):
            await trio.sleep(0.005)
            assert there.arriving == 1 and not there.ground.route.refused
        busy.set()
        await until(lambda: there.clients == 2, "both are let in")


async def test_nothing_of_an_arrival_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(clients_per_address=1) as there:
        for first in (HEADER, HEADER, b"nonsense", b"PROXY TCP4"):
            there.come(first)
        there.sockets[-1].close()
        await until(lambda: there.ground.route.refused.total() == 3, "three are turned away")
        assert (there.clients, there.arriving) == (1, 0)
        assert there.ground.route.hosts == {"192.0.2.7": 1}
        assert not +there.door.admittance.shaking
        for either in there.sockets[:2]:  # which one was in first is not said
            either.close()
        await until(lambda: not there.clients, "it has gone")
        assert not there.ground.route.hosts


async def test_who_shakes_hands_when_the_door_closes_is_let_in_still() -> None:
    async with stage() as there:
        slow = there.come(HEADER[:9])
        await until(lambda: there.arriving == 1, "it has begun")
        late = there.come(HEADER)  # before the door, or through it already
        there.door.close()
        slow.sendall(HEADER[9:])
        await until(lambda: there.clients == 2, "both are in")
        with pytest.raises(OSError, match="refused"):
            there.come()
        assert late.getsockname()


def test_a_pace_lets_in_what_a_second_brings_and_not_more() -> None:
    pace = Pace()

    def let_in(now: float, rate: float) -> int:
        count = pace.may_come(now, rate)
        for _ in range(count):
            pace.came()
        return count

    assert [let_in(100.0, 8), let_in(100.0625, 8), let_in(100.125, 8)] == [8, 0, 1]
    assert [let_in(100.5, 8), let_in(1000.0, 8), let_in(1000.0, 8)] == [3, 8, 0]
    assert [let_in(1001.0, 3), let_in(1001.0, 1000), let_in(1001.1, 1000)] == [3, 0, 100]
