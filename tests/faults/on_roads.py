"""A scene whose processes reach each other over roads: one from the proxy to each node, one from each node's
follower."""

import random
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import attrs

from tests.baton import ANY_PORT, BatonProcess, serve_command, with_lanes
from tests.faults.faults import Fault
from tests.faults.forwarder import HOST, Road, Roads
from tests.faults.load import TOKEN
from tests.faults.prompter import Prompter
from tests.faults.scene import ENVIRONMENT, Scene
from tests.servers import RedisServer


@attrs.define(eq=False)
class Node:
    """A server, and the two roads to it."""

    name: str
    server: RedisServer
    proxys: Road
    followers: Road

    @property
    def address(self) -> str:
        return f"{HOST}:{self.proxys.port}"

    def command(self, *words: Any) -> Any:
        return self.server.command(*words)

    def info(self, section: str = "replication") -> dict[str, Any]:
        return self.server.info(section)


@attrs.define(eq=False)
class Writes:
    """To which nodes clients' writes went, as the roads saw it."""

    seen: list[str] = attrs.field(factory=list)
    _lock: threading.Lock = attrs.field(factory=threading.Lock)

    def look(self, name: str, piece: bytes) -> None:
        with self._lock:
            if TOKEN.encode() in piece and self.seen[-1:] != [name]:
                self.seen.append(name)

    def take(self) -> list[str]:
        with self._lock:
            seen, self.seen = self.seen, []
        return seen


@attrs.define(eq=False)
class OnRoads:
    """Performs :class:`tests.faults.scene.Place`."""

    roads: Roads
    nodes: dict[str, Node]
    writes: Writes

    def begin(self, pair: str, what: Fault, old: str, new: str) -> None:
        between = {
            "proxy-primary": [self.nodes[old].proxys],
            "proxy-replica": [self.nodes[new].proxys],
            "replica-primary": [node.followers for node in self.nodes.values()],
        }
        for road in between[pair]:
            road.begin(what)

    def heal(self) -> None:
        for road in self.roads.all:
            road.heal()

    def written(self) -> list[str]:
        return self.writes.take()


@contextmanager
def scene_on_roads(binary: Path, directory: Path, lanes: str, seed: int) -> Iterator[Scene[Fault]]:
    """Two nodes in sync and a proxy with lanes of this mode; it has switched over twice already."""
    directory.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        roads, writes = Roads().open(), Writes()
        stack.callback(roads.close)
        nodes: dict[str, Node] = {}
        for name in ("red", "blue"):
            server = RedisServer.start(binary, directory / name)
            stack.callback(server.end)
            proxys = roads.lay(f"proxy-{name}", server.port, partial(writes.look, name))
            nodes[name] = Node(name, server, proxys, roads.lay(f"follower-{name}", server.port))
        for road in roads.all:
            road.dice = random.Random(f"{seed} {road.name}")
        red, blue = nodes.values()
        blue.command("REPLICAOF", HOST, red.followers.port)
        blue.server.wait_link_up()
        red.server.wait_replicas(1)
        prompter = Prompter(directory / "prompter").open()
        stack.callback(prompter.close)
        announced = [f"{node.address}={HOST}:{node.followers.port}" for node in nodes.values()]
        proxy = prompted_proxy([node.address for node in nodes.values()], prompter, lanes)
        proxy.environment = {**proxy.environment, "BATON_NODES_ANNOUNCE": " ".join(announced)}
        stack.callback(proxy.end)
        proxy.restart()

        def connect() -> socket.socket:
            return socket.create_connection((HOST, proxy.port), 10)

        place = OnRoads(roads, nodes, writes)
        scene = Scene((red, blue), proxy, place, prompter, connect, proxy.switchover, proxy.admin)
        scene.warm_up()
        yield scene


def prompted_proxy(nodes: list[str], prompter: Prompter, lanes: str, listen: str = ANY_PORT) -> BatonProcess:
    """A proxy that is not started yet, and will tell of each step."""
    command = serve_command(nodes, listen=listen)
    at = command.index("proxy.cli")
    command[at : at + 1] = ["tests.faults.runner", str(prompter.path)]
    return BatonProcess(command, {**ENVIRONMENT, **with_lanes(lanes)}, prompter.path.with_name("baton.log"))
