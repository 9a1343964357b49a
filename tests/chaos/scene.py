"""Nodes and a proxy of their own for one run."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from attrs import frozen

from tests.baton import BatonProcess, with_lanes
from tests.chaos.run import Run
from tests.servers import RedisServer
from tests.valve import Valve
from tests.waiting import wait_until


@frozen
class Shape:
    """What kind of nodes."""

    name: str
    count: int
    late: bool = False
    """Replication goes through valves, and is held up at times."""
    config: tuple[str, ...] = ()


NO_PINGS = "repl-ping-replica-period 3600"
"""One that comes between promotion and demotion costs a copy of everything; tests/nodes/test_recovery.py has
them come. Here that would be chance, a few milliseconds of every ten seconds."""

SHAPES = (
    Shape("pair", 2),
    Shape("late-pair", 2, late=True),
    # Here the clients wait for a replica after the promotion, while those who bypass the proxy go on.
    Shape("late-trio-that-needs-a-replica", 3, late=True, config=("min-replicas-to-write 1",)),
)


@contextmanager
def scene(binary: Path, directory: Path, shape: Shape, seed: int, lanes: str) -> Iterator[Run]:
    """A run with nodes of its own, ready to play, and a proxy with lanes of this mode.

    The proxy that ends by itself or logs a traceback is an AssertionError.
    """
    with ExitStack() as stack:
        nodes = []
        for number in range(shape.count):
            nodes.append(RedisServer.start(binary, directory / f"redis-{number}", NO_PINGS, *shape.config))
            stack.callback(nodes[-1].end)
        valves = [Valve(node) for node in nodes] if shape.late else []
        for valve in valves:
            stack.callback(valve.close)
        primary, *replicas = nodes
        for replica in replicas:
            replica.command("REPLICAOF", "127.0.0.1", valves[0].port if shape.late else primary.port)
        for replica in replicas:
            replica.wait_link_up()
        primary.wait_replicas(len(replicas))
        pairs = zip(nodes, valves, strict=False)
        announce = " ".join(f"{node.address}=127.0.0.1:{valve.port}" for node, valve in pairs)
        proxy = BatonProcess.start(
            [node.address for node in nodes],
            directory / "baton.log",
            environment=with_lanes(lanes) | ({"BATON_NODES_ANNOUNCE": announce} if announce else {}),
        )
        stack.callback(proxy.end)
        wait_until(lambda: proxy.admin("PING"), "the console answers")
        yield Run(nodes, proxy, seed, valves)
