"""Warm lanes: a lane to the candidate for every client, set up as its session is, before the clients are
held.

Sessions go on changing meanwhile. Who may have changed is noted by the clients themselves
(``route.altered``), so that during the hold only those are looked at again.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import trio
from attrs import define, field

from proxy.nodes.errors import NodeError
from proxy.nodes.node import Node
from proxy.relay.directory import learn
from proxy.relay.lane import Lane
from proxy.relay.opening import LaneRefused, open_lane, open_shared, set_up
from proxy.relay.shared import SharedLane
from proxy.relay.trackers import Trackers
from proxy.session.client_command import is_queued
from proxy.session.replay import Score
from proxy.switchover.errors import Refused
from proxy.telling import tell

if TYPE_CHECKING:
    from proxy.relay.client import Client
    from proxy.relay.route import Route

AT_ONCE = 4
"""Lanes that are being opened at the same time. More take longer turns, which every client feels."""


@define(eq=False)
class Warmth:
    """The warm lanes of one switchover."""

    route: "Route"
    node: Node
    lanes: dict["Client", Lane] = field(factory=dict)
    refused: dict["Client", str] = field(factory=dict)
    """Clients for whom no warm lane could be set up, and why."""
    shared: dict[SharedLane, Lane] = field(factory=dict)
    """Warm connections of the shared lanes."""
    trackers: Trackers = field(init=False)
    _scores: dict["Client", Score] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        self.trackers = Trackers(self.route, self.node, self.lanes)

    async def spread(self) -> None:
        """Open a warm lane for every client that has a lane. Raises Refused where the node does not accept
        one."""
        self.route.altered = set()
        await self._share()
        await self._each([client for client, _ in self.route.own_lanes()])
        await self._each(await self.trackers.learn())

    async def renew(self) -> None:
        """During the hold: what has changed since. Every client with a lane has a warm one then."""
        altered, self.route.altered = self.route.altered, None
        await self._share()
        for client in [client for client in self.lanes if client.own_lane is None]:
            self.lanes.pop(client).drop()  # at once, for it may be subscribed
        known = self.lanes.keys()
        new = [client for client, _ in self.route.own_lanes() if client not in known]
        lost = {client for client, lane in self.lanes.items() if lane.closed}
        again = [
            client for client in known if not client.closed and (client in lost or client in (altered or ()))
        ]
        await self._each(again + new)
        await self._each(await self.trackers.learn())
        if any(is_queued(client.session) for client in self.lanes):
            await learn([lane for lane in self.lanes.values() if not lane.id], self.node)
        for client in self.route.apart:
            if client.session.caching is not None:
                client.session.caching.again = True

    async def _each(self, clients: Sequence["Client"]) -> None:
        left = iter(clients)
        faults: list[Exception] = []

        async def some(nursery: trio.Nursery) -> None:
            for client in left:
                try:
                    await self._one(client)
                except (NodeError, Refused) as fault:
                    faults.append(fault)
                    nursery.cancel_scope.cancel()

        async with trio.open_nursery() as nursery:
            for _ in range(min(AT_ONCE, len(clients))):
                nursery.start_soon(some, nursery)
        if faults:
            raise faults[0]

    async def _one(self, client: "Client") -> None:
        if client.closed:
            return
        if client.is_owed and self.route.altered is not None:
            self.route.altered.add(client)  # a reply is still to come, and may change the session
        score = self.trackers.score(client)
        lane = self.lanes.get(client)
        try:
            if lane is not None and not lane.closed:
                if score == self._scores[client]:
                    return
                try:
                    await set_up(lane, client, self._scores[client], score)
                except LaneRefused:
                    lane.drop()
                    self.lanes[client] = await open_lane(self.route, self.node, client, score)
            else:
                self.lanes[client] = await open_lane(self.route, self.node, client, score)
        except LaneRefused as fault:
            if fault.identity:
                raise _refused(self.node, client.session.user, fault) from fault
            tell("-not-carried", client=client.number, node=self.node, why=fault)
            self.refused[client] = "what it set up is refused"
            return
        self._scores[client] = score
        self.refused.pop(client, None)

    def take(self, client: "Client") -> Lane | None:
        """The client's warm lane, which is in use from now on; None if it has none that lives."""
        lane = self.lanes.pop(client, None)
        return lane if lane is not None and not lane.closed else None

    async def _share(self) -> None:
        """Every shared lane that is in use has a warm connection. Raises Refused where the node does not
        accept its user."""
        for lane in self.route.lanes:
            warm = self.shared.get(lane)
            if lane.closed or (warm is not None and not warm.closed):
                continue
            try:
                self.shared[lane], lane.unfit = await open_shared(self.route, self.node, lane.score)
            except LaneRefused as fault:
                raise _refused(self.node, lane.score.user, fault) from fault

    def take_shared(self, lane: SharedLane) -> Lane | None:
        """The warm connection of a shared lane; None if it has none that lives and serves."""
        warm = self.shared.pop(lane, None)
        if warm is None:
            return None
        if lane.unfit or not warm.is_clean:
            warm.drop()
            return None
        return warm

    def cool(self) -> None:
        """Close the warm lanes that are not in use."""
        self.route.altered = None
        for lane in self.lanes.values():
            lane.drop()
        for lane in self.shared.values():
            lane.drop()
        self.lanes.clear()
        self.shared.clear()
        self.trackers.drop()


def _refused(node: Node, user: bytes, fault: LaneRefused) -> Refused:
    return Refused(f"identity: {node} does not accept user {user.decode('utf-8', 'replace')}: {fault}")
