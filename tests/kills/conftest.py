"""Nodes that survive a SIGKILL, clients under load, and a proxy that does harm at one place of its story."""

import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import attrs
import pytest
import redis

from tests.baton import BatonProcess, serve_command, with_lanes
from tests.kills.harm import DONE
from tests.kills.load import Load
from tests.kills.places import Place
from tests.servers import Pair, RedisServer, free_port
from tests.waiting import wait_until

BUDGET_MS = 300
BUDGET = {"BATON_SWITCHOVER_BUDGET_MS": str(BUDGET_MS)}
OUTLASTING_FENCE = {**BUDGET, "BATON_SWITCHOVER_FENCE_MS": "10000"}
"""Longer than it takes to start another proxy, and not so long to wait for as the one in the settings."""
SHORT_FENCE = {**BUDGET, "BATON_SWITCHOVER_FENCE_MS": str(2 * BUDGET_MS)}
# Not everysec: that puts off a write by up to 2 s while a sync is under way, and a kill would lose it.
DURABLE = ("appendonly yes", "appendfsync no")


@pytest.fixture
def redis_binary(request: pytest.FixtureRequest, redis_binaries: dict[str, Path]) -> Path:
    """The versions take turns from place to place: each gap between two steps is tried on all of them."""
    place = request.node.callspec.params.get("place") if hasattr(request.node, "callspec") else None
    binaries = list(redis_binaries.values())
    return binaries[(place.number if place else 0) % len(binaries)]


def follow(replica: RedisServer, primary: RedisServer) -> None:
    """In sync, on disk too, and after a restart as well."""
    replica.replicate(primary)
    replica.wait_link_up()
    replica.command("CONFIG", "REWRITE")
    wait_until(
        lambda: (
            not any(
                replica.info("persistence")[f"aof_rewrite_{word}"] for word in ("in_progress", "scheduled")
            )
        ),
        "the data of the primary is in the replica's own AOF",
    )


@pytest.fixture
def nodes(redis_server: Callable[..., RedisServer]) -> Pair:
    """A primary and its replica, in sync, that lose nothing when they are killed."""
    pair = Pair(redis_server(*DURABLE), redis_server(*DURABLE))
    follow(pair.replica, pair.primary)
    pair.primary.wait_replicas(1)
    return pair


@attrs.define(eq=False)
class Scene:
    """The proxy that does harm, and the load through it."""

    proxy: BatonProcess
    load: Load
    _answer: list[dict[str, Any] | redis.ResponseError] = attrs.field(factory=list)
    _operator: threading.Thread | None = None

    def begin(self) -> Self:
        """Ask for a switchover, and do not wait for its answer."""
        self._answer.clear()
        self._operator = threading.Thread(target=self._ask)
        self._operator.start()
        return self

    def _ask(self) -> None:
        try:
            self._answer.append(self.proxy.switchover())
        except redis.ResponseError as fault:
            self._answer.append(fault)
        except redis.ConnectionError:
            return  # the proxy is dead

    @property
    def answered(self) -> bool:
        return bool(self._answer)

    def answer(self) -> dict[str, Any] | redis.ResponseError:
        """Wait for what the operator is told: a report, or an error."""
        assert self._operator is not None
        self._operator.join()
        assert self._answer, "the proxy did not answer"
        return self._answer[0]

    def report(self) -> dict[str, Any]:
        """The answer, which has to be a report."""
        answer = self.answer()
        assert isinstance(answer, dict), answer
        return answer

    def refusal(self) -> str:
        """The answer, which has to be an error."""
        answer = self.answer()
        assert isinstance(answer, redis.ResponseError), answer
        return str(answer)

    def wait_harm(self) -> None:
        """Wait until the node that was aimed at is dead or stands still."""
        wait_until(lambda: DONE in self.proxy.log(), lambda: f"{DONE}: {self.status()}")

    def status(self) -> dict[str, str]:
        flat = self.proxy.admin("SWITCHOVER", "STATUS")
        return dict(zip(flat[::2], flat[1::2], strict=True))

    def end(self) -> None:
        if self._operator is not None:
            self._operator.join()


@pytest.fixture
def scene(tmp_path: Path, lanes: str) -> Iterator[Callable[..., Scene]]:
    """A factory: clients under load on a proxy before these nodes.

    The proxy sends a signal at a place of its story to a node, or without one to itself.
    """
    with ExitStack() as stack:

        def start(
            place: Place,
            number: signal.Signals,
            target: RedisServer | None,
            *nodes: RedisServer,
            environment: Mapping[str, str] | None = None,
        ) -> Scene:
            what = [place.when, place.step, str(int(number)), str(target.pid if target else 0)]
            command = serve_command([node.address for node in nodes], listen=f"127.0.0.1:{free_port()}")
            at = command.index("proxy.cli")
            command[at : at + 1] = ["tests.kills.runner", *what]
            assert command[0] == sys.executable
            found = {**BUDGET, **with_lanes(lanes), **(environment or {})}
            proxy = BatonProcess(command, found, tmp_path / "harmed.log")
            proxy.restart()
            stack.callback(proxy.end)
            load = Load.start(proxy.port, nodes[0])
            stack.callback(load.stop)
            scene = Scene(proxy, load)
            stack.callback(scene.end)
            return scene

        yield start
