"""Fixtures: real servers in the main versions found on this machine, and the real proxy in front of them.

Whatever starts a proxy runs with lanes of both modes. Where it runs with several versions of the server, or
before and after the steps of a switchover, the modes take turns: each test sees both modes and all versions,
but a version in one of the modes. Which one depends on the test's name alone, and so each version has about
as many tests in either mode. By hand, ``--lanes=shared`` or ``--lanes=private`` has one mode with all
versions, and ``--lanes=each`` all there is; so has, always, a test marked ``each_with_each``.
"""

import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from proxy.telling import Told, listen
from tests.baton import MODES, BatonProcess, with_lanes
from tests.binaries import each_in_turn, find_all, find_main
from tests.servers import Pair, RedisServer, Trio

# A noisy machine is no failure of the code: pytest's own time limit is the only one.
settings.register_profile("baton", deadline=None)
settings.load_profile("baton")

BINARIES = find_main()
VERSIONS = list(find_all())


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--lanes",
        choices=(*MODES, "in-turn", "each"),
        default="in-turn",
        help="the mode of the lanes: one of the two; both, taking turns with the versions; or each with each",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "each_with_each: runs in each mode of the lanes with each version")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    chosen = config.getoption("--lanes")
    turns = defaultdict[str, set[int]](set)
    for item in items:
        turns[_test(item)].add(_turn(item))
    left_out = [item for item in items if not _takes_part(item, chosen, turns[_test(item)])]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        gone = set(left_out)
        items[:] = [item for item in items if item not in gone]


def _takes_part(item: pytest.Item, chosen: str, turns: set[int]) -> bool:
    mode = _given(item).get("lanes")
    if mode is None or chosen == "each":
        return True
    if chosen in MODES:
        return bool(mode == chosen)
    if len(turns) == 1 or item.get_closest_marker("each_with_each"):
        return True
    return bool(MODES[(zlib.crc32(_test(item).encode()) + _turn(item)) % len(MODES)] == mode)


def _turn(item: pytest.Item) -> int:
    """Even or odd: versions take turns, or before and after a step."""
    version, place = (_given(item).get(name) for name in ("redis_binary", "place"))
    if version in VERSIONS:
        return VERSIONS.index(version) % len(MODES)
    return 0 if place is None else ("before", "after").index(place.when)


def _given(item: pytest.Item) -> dict[str, Any]:
    callspec = getattr(item, "callspec", None)
    return {} if callspec is None else callspec.params


def _test(item: pytest.Item) -> str:
    return item.nodeid.partition("[")[0]


@pytest.fixture(params=MODES)
def lanes(request: pytest.FixtureRequest) -> str:
    """The mode in which the proxy runs its lanes."""
    return str(request.param)


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
def baton(tmp_path: Path, lanes: str) -> Iterator[Callable[..., BatonProcess]]:
    """A factory: each call starts `baton serve` for the nodes and extra arguments that it is given.

    The test fails if one of them ends by itself or logs a traceback.
    """
    with ExitStack() as started:
        numbers = count()

        def start(*nodes_and_arguments: RedisServer | str, **options: Any) -> BatonProcess:
            nodes = [node.address for node in nodes_and_arguments if isinstance(node, RedisServer)]
            arguments = [word for word in nodes_and_arguments if isinstance(word, str)]
            log_file = tmp_path / f"baton-{next(numbers)}.log"
            options["environment"] = with_lanes(lanes) | dict(options.get("environment") or {})
            proxy = BatonProcess.start(nodes, log_file, *arguments, **options)
            started.callback(proxy.end)
            return proxy

        yield start


@pytest.fixture
def told() -> Iterator[list[Told]]:
    """What the code under test tells of, in this process: the events, in order."""
    heard: list[Told] = []
    stop = listen(heard.append)
    yield heard
    stop()
