"""A scene in which the proxy, each node and the clients have a network namespace of their own.

Between the proxy and each node, and between the nodes, there is a wire on which things can go wrong; between
clients and proxy one on which nothing does.
"""

import random
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Literal

import attrs

from tests.faults.faults import CALM, Trouble
from tests.faults.namespaces import Namespace
from tests.faults.on_roads import Writes, prompted_proxy
from tests.faults.prompter import Prompter
from tests.faults.scene import Scene
from tests.faults.wires import Cable, Tunnel, Wire, ends
from tests.servers import RedisServer

OPEN = ("bind 0.0.0.0", "protected-mode no")
NAMES = ("red", "blue")
CONNECT_SECONDS = 10.0


@attrs.define(eq=False)
class Node:
    """A server in its namespace."""

    name: str
    namespace: Namespace
    server: RedisServer
    wire: Wire
    """From the proxy."""

    @property
    def address(self) -> str:
        return f"{self.wire.far.address}:{self.server.port}"

    def command(self, *words: Any) -> Any:
        return self.namespace.run(self.server.command, *words)

    def info(self, section: str = "replication") -> dict[str, Any]:
        return self.namespace.run(self.server.info, section)


@attrs.define(eq=False)
class OnWires:
    """Performs :class:`tests.faults.scene.Place`."""

    proxys: dict[str, Wire]
    """From the proxy to each node."""
    nodes: Wire
    """From red to blue."""
    writes: Writes | None
    """None where the packets are not seen."""
    _wrong: Wire | None = None

    def begin(self, pair: str, what: Trouble, old: str, new: str) -> None:
        if pair == "replica-primary":
            self._wrong = self.nodes
            # Its directions are those of who asks, the replica: which may be at the far end.
            if old == NAMES[0] and (what.only_to_node or what.only_from_node):
                what = attrs.evolve(what, only_to_node=what.only_from_node, only_from_node=what.only_to_node)
        else:
            self._wrong = self.proxys[old if pair == "proxy-primary" else new]
        self._wrong.begin(what)

    def heal(self) -> None:
        if self._wrong is not None:
            self._wrong.begin(CALM)
            self._wrong = None

    def written(self) -> list[str] | None:
        return None if self.writes is None else self.writes.take()


@contextmanager
def scene_on_wires(
    binary: Path, directory: Path, lanes: str, seed: int, kind: Literal["tunnel", "cable"]
) -> Iterator[Scene[Trouble]]:
    """Two nodes in sync and a proxy with lanes of this mode; it has switched over twice already."""
    directory.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:

        def namespace(name: str) -> Namespace:
            made = Namespace(name)
            stack.callback(made.close)
            return made

        def wire(
            near: Namespace, far: Namespace, number: int, heard: Callable[[bytes], object] = len
        ) -> Wire:
            if kind == "cable":
                return Cable(*ends(near, far, number)).open()
            laid = Tunnel(*ends(near, far, number), heard, random.Random(f"{seed} {number}")).open()
            stack.callback(laid.close)
            return laid

        writes = Writes() if kind == "tunnel" else None

        def look(name: str) -> Callable[[bytes], object]:
            return len if writes is None else partial(writes.look, name)

        clients, at_proxy = namespace("clients"), namespace("proxy")
        red, blue = (namespace(name) for name in NAMES)
        door = Cable(*ends(clients, at_proxy, 0)).open()
        place = OnWires(
            {"red": wire(at_proxy, red, 1, look("red")), "blue": wire(at_proxy, blue, 2, look("blue"))},
            wire(red, blue, 3),
            writes,
        )
        nodes = []
        for home, name in zip((red, blue), NAMES, strict=True):
            server = home.run(RedisServer.start, binary, directory / name, *OPEN)
            stack.callback(home.run, server.end)
            nodes.append(Node(name, home, server, place.proxys[name]))
        primary, replica = nodes
        replica.command("REPLICAOF", place.nodes.near.address, primary.server.port)
        blue.run(replica.server.wait_link_up)
        red.run(primary.server.wait_replicas, 1)

        prompter = Prompter(directory / "prompter").open()
        stack.callback(prompter.close)
        from_proxy = [node.address for node in nodes]
        from_node = [
            f"{end.address}:{node.server.port}"
            for end, node in zip((place.nodes.near, place.nodes.far), nodes, strict=True)
        ]
        proxy = prompted_proxy(from_proxy, prompter, lanes, listen=f"{door.far.address}:0")
        announced = [f"{one}={other}" for one, other in zip(from_proxy, from_node, strict=True)]
        proxy.environment = {**proxy.environment, "BATON_NODES_ANNOUNCE": " ".join(announced)}
        stack.callback(at_proxy.run, proxy.end)
        at_proxy.run(proxy.restart)

        def connect() -> socket.socket:
            return clients.run(socket.create_connection, (door.far.address, proxy.port), CONNECT_SECONDS)

        def operate(*what: Any) -> dict[str, Any]:
            return at_proxy.run(proxy.switchover, *what)

        scene = Scene(
            (primary, replica), proxy, place, prompter, connect, operate, partial(at_proxy.run, proxy.admin)
        )
        scene.warm_up()
        yield scene
