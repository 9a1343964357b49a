"""Who is who at the node: the clients of a route, the lanes that they have there, and the lanes' ids.

The id of a lane is asked for only when it is needed, by CLIENT LIST over a connection of the proxy's own, and
found by the lane's address: the lane's own user may lack ``client|id``.
"""

import logging
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import trio
from attrs import frozen

from proxy.nodes.errors import NodeError
from proxy.nodes.node import Node
from proxy.relay.lane import Lane
from proxy.session.common import ClientAtLane
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
        client = self._find(number)
        return 0 if client is None or client.lane is None else client.lane.id

    def nothing_behind(self, number: int) -> bool:
        """Nothing of this client is under way behind the command whose reply is coming in."""
        client = self._find(number)
        if client is None:
            return False
        lines = (
            [line for line in client.lane.ledger if line.client is client] if client.lane is not None else []
        )
        return len(lines) == 1 and client.answering is None

    def at_lanes(self) -> dict[bytes, ClientAtLane]:
        """The clients that have lanes, by the addresses at which the node sees those."""
        return {
            local_address(lane).encode(): ClientAtLane(
                client.number,
                peer_address(client).encode(),
                lane.id,
                client.session.subscriptions.latest if client.session.subscriptions is not None else b"",
            )
            for client in self.clients
            if (lane := client.lane) is not None
        }

    def address_of(self, number: int) -> bytes:
        """The address of a client, as CLIENT LIST would write it; empty if there is no such client."""
        client = self._find(number)
        return b"" if client is None else peer_address(client).encode()

    def close(self, number: int) -> bool:
        """Close this client at once; False if there is no such client."""
        client = self._find(number)
        if client is not None:
            client.close()
        return client is not None

    def lane_of(self, address: bytes) -> bytes | None:
        """Where the node sees the lane of the client at this address; None if there is none."""
        wanted = address.decode("latin-1")
        for client in self.clients:
            if client.lane is not None and peer_address(client) == wanted:
                return local_address(client.lane).encode()
        return None

    def _find(self, number: int) -> "Client | None":
        return next((client for client in self.clients if client.number == number), None)


def local_address(lane: Lane) -> str:
    """The lane's own end, as CLIENT LIST writes it."""
    return _written(lane.transport.getsockname())


def peer_address(client: "Client") -> str:
    """The client's end of its connection, as CLIENT LIST writes it; empty if the connection is broken."""
    try:
        return _written(client.transport.getpeername())
    except OSError:
        return ""


def _written(address: tuple[Any, ...]) -> str:
    host, port, *_ = address
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
    unknown = [lane for lane in lanes if lane.id is None]
    for lane in unknown:
        lane.id = 0  # the command goes all the same, and finds nobody
    client.looked_up(name, frame)
    for lane in unknown:
        lane.id = None  # who asks next may have better luck
