"""Many clients on one lane: the real proxy with shared lanes, before real nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.baton import BatonProcess, with_lanes
from tests.binaries import find_main
from tests.servers import RedisServer
from tests.shared.scene import Shared

PICKER = "user picker on >fig ~* &* +@all"
"""Whoever logs in as picker has a lane that can be told from the proxy's own connections at the node."""


@pytest.fixture(scope="module", params=list(find_main()) or ["no-redis-server"])
def redis_binary(request: pytest.FixtureRequest) -> Path:
    """Each main version in turn: all tests of a module with the one, then with the next."""
    return find_main()[request.param]


@pytest.fixture(scope="module")
def standing(redis_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    """One node and the proxy before it, for all tests of a module: the lanes that one test leaves behind are
    there for the next, as in life."""
    directory = tmp_path_factory.mktemp("standing")
    node = RedisServer.start(redis_binary, directory / "redis", PICKER)
    try:
        proxy = BatonProcess.start([node.address], directory / "baton.log", environment=with_lanes("shared"))
        try:
            yield Shared([node], proxy)
        finally:
            proxy.end()
    finally:
        node.end()


@pytest.fixture
def lone(standing: Shared) -> Iterator[Shared]:
    """The same, without data and without clients."""
    yield standing
    standing.leave()


@pytest.fixture
def lanes() -> str:
    """Here all is about shared lanes; the other tests run with both modes."""
    return "shared"


@pytest.fixture
def fresh(redis_server: Callable[..., RedisServer], baton: Callable[..., BatonProcess]) -> Shared:
    """One node and the proxy before it, for a test that changes what the node is like."""
    node = redis_server(PICKER)
    return Shared([node], baton(node))


@pytest.fixture
def scene(redis_server: Callable[..., RedisServer], baton: Callable[..., BatonProcess]) -> Shared:
    """A pair in sync, and the proxy before it."""
    primary, replica = redis_server(PICKER), redis_server(PICKER)
    replica.replicate(primary)
    replica.wait_link_up()
    primary.wait_replicas(1)
    return Shared([primary, replica], baton(primary, replica))
