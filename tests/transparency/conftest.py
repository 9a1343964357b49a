"""Twins, kept for all the conversations of one server version."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.baton import BatonProcess
from tests.binaries import find_all, find_main
from tests.servers import Pair, RedisServer
from tests.transparency.conversations import Table
from tests.transparency.differences import ON_VALKEY, LeftOut
from tests.transparency.monitoring import EYE
from tests.transparency.shapes import Shape, shapes_of
from tests.transparency.twins import Twins

BINARIES = find_all() if "BATON_TRANSPARENCY" in os.environ else find_main()


@pytest.fixture(scope="session", params=list(BINARIES))
def twins(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twins]:
    """The twins, in each version of the server."""
    with ExitStack() as started:
        yield start(BINARIES[request.param], tmp_path_factory.mktemp("twins"), started)


def start(binary: Path, folder: Path, started: ExitStack) -> Twins:
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
    proxy = BatonProcess.start([primary.address, replica.address], folder / "baton.log")
    started.callback(proxy.end)
    return Twins(straight, Pair(primary, replica), proxy)


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
