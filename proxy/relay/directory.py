"""Who is who at the node: the clients of a route, the lanes that they have there, and the lanes' ids.

The id of a lane is asked for only when it is needed, by CLIENT LIST over a connection of the proxy's own, and
found by the lane's address: the lane's own user may lack ``client|id``.
"""

import logging
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import trio
from attrs import frozen

from proxy.nodes.errors import NodeError
from proxy.nodes.node import Node
from proxy.relay.lane import Lane
from proxy.session.session import LoadScript
from proxy.wire.requests import Frame

if TYPE_CHECKING:
    from proxy.relay.client import Client
    from proxy.relay.performer import Performer
    from proxy.relay.route import Route

log = logging.getLogger("baton")

LOOK_UP_SECONDS = 1.0


@frozen
class Directory:
    """Performs :class:`proxy.session.common.Directory`. What it is asked is rare, so it searches."""

    clients: Mapping["Client", None]

    def node_id(self, number: int) -> int | None:
        """The node's id of the client's lane; 0 if it has none, None if it must be looked up first."""
        for client in self.clients:
            if client.number == number:
                return client.lane.id if client.lane is not None else 0
        return 0

    def nothing_behind(self, number: int) -> bool:
        """Nothing of this client is under way behind the command whose reply is coming in."""
        for client in self.clients:
            if client.number == number:
                lane = client.lane
                lines = [line for line in lane.ledger if line.client is client] if lane is not None else []
                return len(lines) == 1 and client.answering is None
        return False

    def at_lane(self, address: bytes) -> tuple[int, bytes] | None:
        """Number and address of the client whose lane the node sees at this address."""
        wanted = address.decode("latin-1")
        for client in self.clients:
            if client.lane is not None and local_address(client.lane) == wanted:
                return client.number, client.peer_name.encode()
        return None

    def lane_of(self, address: bytes) -> bytes | None:
        """Where the node sees the lane of the client at this address."""
        wanted = address.decode("latin-1")
        for client in self.clients:
            if client.lane is not None and client.peer_name == wanted:
                return local_address(client.lane).encode()
        return None


def local_address(lane: Lane) -> str:
    """The lane's own end, as CLIENT LIST writes it."""
    host, port, *_ = lane.transport.getsockname()
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


async def learn(lanes: Iterable[Lane], node: Node) -> None:
    """Ask the node for the ids of these lanes (CLIENT LIST); 0 where it does not list one.
    NodeError."""
    ids = await node.client_ids()
    for lane in lanes:
        if not lane.closed:
            lane.id = ids.get(local_address(lane), 0)


async def load_script(route: "Route", client: "Performer", step: LoadScript) -> None:
    """Load a script that the primary has lost, and let the client's command go on."""
    node = route.primary
    try:
        if node is not None:
            with trio.fail_after(LOOK_UP_SECONDS):
                await node.load_scripts([step.body])
    except (NodeError, trio.TooSlowError) as fault:
        log.warning("a script could not be loaded on %s: %s", node, fault or "no answer")
    client.looked_up(step.name, step.frame)


async def look_up(route: "Route", client: "Performer", name: bytes, frame: Frame) -> None:
    """Learn the ids of all lanes that have none yet, and let the client's command go on."""
    node = route.primary
    lanes = [lane for lane in route.lanes() if lane.id is None]
    try:
        if node is not None:
            with trio.fail_after(LOOK_UP_SECONDS):
                await learn(lanes, node)
    except (NodeError, trio.TooSlowError):
        route.suspect.set()
    for lane in lanes:
        lane.id = lane.id or 0  # not asked for again: the command would never go
    client.looked_up(name, frame)
