"""Fixtures: real servers in the main versions found on this machine, and the real proxy in front of them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.baton import BatonProcess
from tests.binaries import each_in_turn, find_main
from tests.servers import Pair, RedisServer, Trio

# A noisy machine is no failure of the code: pytest's own time limit is the only one.
settings.register_profile("baton", deadline=None)
settings.load_profile("baton")

BINARIES = find_main()


@pytest.fixture(scope="session")
def redis_binaries() -> dict[str, Path]:
    """The redis-server binaries of the main versions, by version."""
    if not BINARIES:
        pytest.fail("no redis-server found, neither on the PATH nor in .venv/redis-6.2: run scripts/setup")
    return BINARIES


redis_binary = each_in_turn(BINARIES)


@pytest.fixture
def redis_server(redis_binary: Path, tmp_path: Path) -> Iterator[Callable[..., RedisServer]]:
    """A factory: each call starts a server, with the lines of redis.conf that it is given."""
    with ExitStack() as started:
        numbers = count()

        def start(*config: str) -> RedisServer:
            server = RedisServer.start(redis_binary, tmp_path / f"redis-{next(numbers)}", *config)
            started.callback(server.end)
            return server

        yield start


@pytest.fixture
def pair(redis_server: Callable[..., RedisServer]) -> Pair:
    """A primary and its replica, in sync."""
    primary, replica = redis_server(), redis_server()
    replica.replicate(primary)
    replica.wait_link_up()
    primary.wait_replicas(1)
    return Pair(primary, replica)


@pytest.fixture
def trio_of_nodes(redis_server: Callable[..., RedisServer]) -> Trio:
    """A primary and two replicas of it, in sync."""
    primary, *replicas = redis_server(), redis_server(), redis_server()
    for replica in replicas:
        replica.replicate(primary)
    for replica in replicas:
        replica.wait_link_up()
    primary.wait_replicas(2)
    return Trio(primary, *replicas)


@pytest.fixture
def baton(tmp_path: Path) -> Iterator[Callable[..., BatonProcess]]:
    """A factory: each call starts `baton serve` for the nodes and extra arguments that it is given.

    The test fails if one of them ends by itself or logs a traceback.
    """
    with ExitStack() as started:
        numbers = count()

        def start(*nodes_and_arguments: RedisServer | str, **options: Any) -> BatonProcess:
            nodes = [node.address for node in nodes_and_arguments if isinstance(node, RedisServer)]
            arguments = [word for word in nodes_and_arguments if isinstance(word, str)]
            log_file = tmp_path / f"baton-{next(numbers)}.log"
            proxy = BatonProcess.start(nodes, log_file, *arguments, **options)
            started.callback(proxy.end)
            return proxy

        yield start
