"""Fixtures: real servers in the main versions found on this machine, and the real proxy in front of them.

Whatever starts a proxy runs with lanes of both modes. Where it runs with several versions of the server, or
before and after the steps of a switchover, the modes take turns: each test sees both modes and all versions,
but a version in one of the modes. Which one depends on the test's name alone, and so each version has about
as many tests in either mode. By hand, ``--lanes=shared`` or ``--lanes=private`` has one mode with all
versions, and ``--lanes=each`` all there is; so has, always, a test marked ``each_with_each``.

Tests run side by side: most of their time they wait for servers. What measures, or needs the machine for
itself, is marked ``alone``: scripts/test runs it by ``--alone=only``, after all the others. What is dear to
make and kept for several tests is made once: they go to one process (``KEPT``).
"""

import os
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from proxy.telling import Told, listen
from tests import control, encryption
from tests.baton import MODES, BatonProcess, with_lanes
from tests.binaries import each_in_turn, find_all, find_main
from tests.ports import give_way
from tests.servers import Pair, RedisServer, Trio
from tests.tls.authority import Papers

# A noisy machine is no failure of the code: pytest's own time limit is the only one.
settings.register_profile("baton", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("baton")

BINARIES = find_main()
VERSIONS = list(find_all())

KEPT = ("image", "opened", "scraped", "site", "standing", "twins", "world")
"""Fixtures that are kept for a module or for all tests. ``@`` and the name stand behind who uses one."""
MORE_THAN_CORES = 1
MOST_PROCESSES = 8
"""A container may show many cores and grant few."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--lanes",
        choices=(*MODES, "in-turn", "each"),
        default="in-turn",
        help="the mode of the lanes: one of the two; both, taking turns with the versions; or each with each",
    )
    parser.addoption(
        "--control-user",
        action="store_true",
        help="the proxy logs in to the nodes as the README's user, whose every denial is a failure",
    )
    parser.addoption("--tls", action="store_true", help="TLS on every leg; the server that speaks it only")
    parser.addoption(
        "--alone",
        choices=("with", "without", "only"),
        default="with",
        help="tests that need the machine for themselves: with the others, left out, or only these",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "each_with_each: runs in each mode of the lanes with each version")
    config.addinivalue_line("markers", "no_control_user: left out where the proxy logs in as that one")
    config.addinivalue_line("markers", "alone: needs the machine for itself, so runs after all the others")
    control.MODE.on = bool(config.getoption("--control-user"))
    give_way()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """How many processes ``-n auto`` makes: while some wait for servers, others use the cores."""
    return min(len(os.sched_getaffinity(0)) + MORE_THAN_CORES, MOST_PROCESSES)


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
    for item in items:  # before pytest-xdist looks for them
        if kept := [name for name in KEPT if name in getattr(item, "fixturenames", ())]:
            item.add_marker(pytest.mark.xdist_group(_group(item, kept[0])))
    yield
    chosen = config.getoption("--lanes")
    turns = defaultdict[str, set[int]](set)
    for item in items:
        turns[_test(item)].add(_turn(item))
    alone = config.getoption("--alone")
    left_out = [
        item
        for item in items
        if not _takes_part(item, chosen, turns[_test(item)])
        or not _has_its_turn(item, alone)
        or (config.getoption("--tls") and not _speaks_tls(item))
        or (control.MODE.on and item.get_closest_marker("no_control_user"))
    ]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        gone = set(left_out)
        items[:] = [item for item in items if item not in gone]
    items.sort(key=_is_short)


def _group(item: pytest.Item, kept: str) -> str:
    if kept == "standing":
        return f"{item.path.stem.removeprefix('test_')}-{_given(item)['redis_binary']}"
    if kept == "twins":
        return "-".join([kept, _given(item)["redis_binary"], _given(item)["lanes"]])
    return kept


def _is_short(item: pytest.Item) -> bool:
    """Sorts those with a time limit of their own first: nobody is to wait for a long one at the end."""
    return item.get_closest_marker("timeout") is None


def _takes_part(item: pytest.Item, chosen: str, turns: set[int]) -> bool:
    mode = _given(item).get("lanes")
    if mode is None or chosen == "each":
        return True
    if chosen in MODES:
        return bool(mode == chosen)
    if len(turns) == 1 or item.get_closest_marker("each_with_each"):
        return True
    return bool(MODES[(zlib.crc32(_test(item).encode()) + _turn(item)) % len(MODES)] == mode)


def _has_its_turn(item: pytest.Item, alone: str) -> bool:
    return alone == "with" or (alone == "only") == bool(item.get_closest_marker("alone"))


def _speaks_tls(item: pytest.Item) -> bool:
    return bool(_given(item).get("redis_binary", encryption.SPEAKS_TLS) == encryption.SPEAKS_TLS)


def _turn(item: pytest.Item) -> int:
    """Even or odd: versions take turns, or before and after a step."""
    version, place = (_given(item).get(name) for name in ("redis_binary", "place"))
    if version in VERSIONS:
        return VERSIONS.index(version) % len(MODES)
    when = getattr(place, "when", None)  # of a kill: before a step, or after it
    return 0 if when is None else ("before", "after").index(when)


def _given(item: pytest.Item) -> dict[str, Any]:
    callspec = getattr(item, "callspec", None)
    return {} if callspec is None else callspec.params


def _test(item: pytest.Item) -> str:
    return item.nodeid.partition("[")[0]


@pytest.fixture(scope="session", autouse=True)
def _run_in_tls(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    if not pytestconfig.getoption("--tls"):
        yield
        return
    with encryption.everywhere(tmp_path_factory.mktemp("certificates")):
        yield


@pytest.fixture
def tls_on_every_leg(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Papers]:
    """Servers, proxies and clients that this test makes speak TLS."""
    with encryption.everywhere(tmp_path_factory.mktemp("certificates")) as papers:
        yield papers


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
