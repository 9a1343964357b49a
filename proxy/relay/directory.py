"""Who is who at the node: the clients of a route, the lanes that they have there, and the lanes' ids.

The id of a lane is asked for only when it is needed, by CLIENT LIST over a connection of the proxy's own, and
found by the lane's address: the lane's own user may lack ``client|id``.
"""

from collections.abc import Container, Iterable
from typing import TYPE_CHECKING

import trio
from attrs import define, field

from proxy.nodes.errors import NodeError
from proxy.nodes.node import Node
from proxy.relay.idling import idle
from proxy.relay.lane import Lane
from proxy.relay.shared import SharedLane
from proxy.session.common import Entry
from proxy.session.session import LoadScript, Session
from proxy.telling import tell
from proxy.transport.naming import named
from proxy.wire.requests import Frame

if TYPE_CHECKING:
    from proxy.relay.client import Client
    from proxy.relay.performer import Performer
    from proxy.relay.route import Route

LOOK_UP_SECONDS = 1.0
AGAIN = 0.001
"""Seconds after which it is looked again whether a client has got its lane."""
TOLD = "CLIENT TRACKING REDIRECT"
"""Why a client stays on a lane of its own: another one's invalidations come there."""


@define(eq=False)
class Directory:
    """Performs :class:`proxy.session.common.Directory`. What it is asked is rare, so it searches."""

    route: "Route"
    _wanted: set["Client"] = field(factory=set)
    """Who is to get a lane of its own before somebody's command can go on."""
    _in_vain: set["Client"] = field(factory=set)
    """Who did not get one in time."""

    def entries(self, numbers: Container[int] | None = None) -> Iterable[Entry]:
        """The clients of these numbers, or all."""
        now = self.route.now()
        ends = dict[Lane | SharedLane, tuple[bytes, bytes]]()
        return [
            _entry(client, now, ends)
            for client in self.route.clients
            if numbers is None or client.number in numbers
        ]

    def at(self, address: bytes) -> Entry | None:
        """The client at this address."""
        wanted = address.decode("latin-1")
        found = next((client for client in self.route.clients if client.peer_name == wanted), None)
        return None if found is None else _entry(found, self.route.now(), {})

    def lanes(self) -> Iterable[Entry]:
        """The lanes that belong to no client alone, or to none at all, as if they were clients."""
        for lane, user in self.route.unowned():
            if not lane.closed:
                address, here = _ends(lane)
                yield Entry(0, address, Session(0, self.route.common, user=user), address, here)

    def node_id(self, number: int) -> int | None:
        """The node's id of this client, whose lane carries nobody else: 0 if there is none, None if it must
        be looked up first."""
        client = self._find(number)
        lane = None if client is None else client.own_lane
        return 0 if lane is None else lane.id

    def target_id(self, number: int) -> int | None:
        """As :meth:`node_id`, for who is to be told by the node: looked up, the client gets a lane of its own
        and stays there."""
        client = self._find(number)
        if client is not None and client.own_lane is not None and self.route.shares:
            client.session.strange = client.session.strange or TOLD  # it may have been about to go back
        if client is None or client.own_lane is not None or client in self._in_vain:
            return self.node_id(number)
        self._wanted.add(client)
        return None

    def nothing_behind(self, number: int) -> bool:
        """Nothing of this client is under way behind the command whose reply is coming in."""
        client = self._find(number)
        if client is None:
            return False
        if client.answering is not None or client.lane is None:
            return False
        lane = client.own_lane
        if lane is None:
            return not client.owed
        return sum(line.client is client for line in lane.ledger) == 1

    def close(self, number: int) -> bool:
        """Close this client at once; False if there is no such client."""
        client = self._find(number)
        if client is not None:
            client.close()
        return client is not None

    async def look_up(self, client: "Performer", name: bytes, frame: Frame) -> None:
        """Learn the ids of all lanes that have none yet, and let the client's command go on."""
        node = self.route.primary
        wanted, self._wanted = self._wanted, set()
        lanes: list[Lane] = []
        try:
            with trio.fail_after(LOOK_UP_SECONDS):
                await self._settle(wanted)
                lanes = [lane for _, lane in self.route.own_lanes() if lane.id is None]
                if node is not None and lanes:
                    await learn(lanes, node)
        except (NodeError, trio.TooSlowError):
            self.route.suspect.set()
        unknown = [lane for lane in lanes if lane.id is None]
        for lane in unknown:
            lane.id = 0  # the command goes all the same, and finds nobody
        self._in_vain = {each for each in wanted if each.own_lane is None}
        client.looked_up(name, frame)
        self._in_vain = set()
        for lane in unknown:
            lane.id = None  # who asks next may have better luck

    async def _settle(self, clients: Iterable["Client"]) -> None:
        """Give these a lane of their own, on which they stay as long as they live."""
        for client in clients:
            client.session.strange = client.session.strange or TOLD
            while client.own_lane is None and not (client.closed or client.leaving):
                if client.lane is not None and not client.owed:
                    client.part()
                if client.lane is None:
                    client.why = client.session.strange
                    self.route.lanes.lend(client)
                await trio.sleep(AGAIN)

    def _find(self, number: int) -> "Client | None":
        return next((client for client in self.route.clients if client.number == number), None)


def _entry(client: "Client", now: float, ends: dict[Lane | SharedLane, tuple[bytes, bytes]]) -> Entry:
    """``ends`` are of the lanes that have been met."""
    age = now - client.since
    lane = client.lane
    if lane is not None and not lane.closed and lane not in ends:
        ends[lane] = _ends(lane)
    address, here = (b"", b"") if lane is None else ends.get(lane, (b"", b""))
    own = client.own_lane
    return Entry(
        client.number,
        client.peer_name.encode(),
        client.session,
        address,
        here,
        alone=own is not None and bool(address),
        node_id=0 if own is None else own.id,
        idle=int(idle(client, now)),
        age=int(age),
    )


def local_address(lane: Lane | SharedLane) -> str:
    """The lane's own end, as CLIENT LIST writes it."""
    return named(lane.transport.getsockname())


def _ends(lane: Lane | SharedLane) -> tuple[bytes, bytes]:
    """The lane's own end and the node's, as CLIENT LIST writes them."""
    try:
        here = named(lane.transport.getpeername())
    except OSError:
        here = ""  # the node is gone
    return local_address(lane).encode(), here.encode()


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
        tell("-script-not-loaded", node=node, why=str(fault) or "no answer")
    client.looked_up(step.name, step.frame)
