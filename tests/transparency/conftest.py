"""Twins, kept for all the conversations of one server version."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.baton import MODES, BatonProcess, with_lanes
from tests.binaries import each_in_turn, find_all, find_main
from tests.servers import Pair, RedisServer
from tests.transparency.conversations import Table
from tests.transparency.differences import ON_VALKEY, LeftOut
from tests.transparency.monitoring import EYE
from tests.transparency.shapes import Shape, shapes_of
from tests.transparency.twins import Twins

redis_binary = each_in_turn(
    find_all() if "BATON_TRANSPARENCY" in os.environ else find_main(), scope="session"
)


@pytest.fixture(scope="session", params=MODES)
def lanes(request: pytest.FixtureRequest) -> str:
    """The mode in which the proxy runs its lanes, kept as long as the twins are."""
    return str(request.param)


@pytest.fixture(scope="session")
def twins(redis_binary: Path, lanes: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twins]:
    """The twins, in each version of the server and with lanes of each mode."""
    with ExitStack() as started:
        yield start(redis_binary, lanes, tmp_path_factory.mktemp("twins"), started)


def start(binary: Path, lanes: str, folder: Path, started: ExitStack) -> Twins:
    """A server, a pair of nodes and the proxy for it; they end with ``started``."""

    def server(name: str) -> RedisServer:
        one = RedisServer.start(binary, folder / name)
        started.callback(one.end)
        one.command("CLIENT", "SETNAME", EYE)
        return one

    straight, primary, replica = server("straight"), server("primary"), server("replica")
    replica.replicate(primary)
    replica.wait_link_up()
    primary.wait_replicas(1)
    nodes = [primary.address, replica.address]
    proxy = BatonProcess.start(nodes, folder / "baton.log", environment=with_lanes(lanes))
    started.callback(proxy.end)
    return Twins(straight, Pair(primary, replica), proxy, lanes == "shared")


@pytest.fixture(scope="session")
def shapes(twins: Twins) -> dict[str, Shape]:
    """The command table of the server."""
    return shapes_of(twins.server)


def left_out_on(twins: Twins) -> tuple[LeftOut, ...]:
    """What is not said to this version of the server."""
    return ON_VALKEY if twins.server.version == "8.0" else ()


@pytest.fixture(scope="session")
def table(shapes: dict[str, Shape], twins: Twins) -> Table:
    return Table(shapes, False, left_out_on(twins))


@pytest.fixture(scope="session")
def switched_table(shapes: dict[str, Shape], twins: Twins) -> Table:
    return Table(shapes, True, left_out_on(twins))
