"""The lanes of a route that belong to no client: those that are shared, and spare ones for who needs his own.

Theory. A client is on the shared lane of its (login, protocol, database). A command that may not go there
takes a spare lane on which everything is set up as in the client's session, or has one opened; when nothing
keeps the client there the lane is spare again, as it is, for whoever has just that set up. Spare lanes that
nobody needs for some seconds are closed, and so are shared ones that nobody is on.
"""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, cast

import trio
from attrs import define, field

from proxy.nodes.errors import NodeError
from proxy.nodes.node import Node
from proxy.relay.lane import Lane
from proxy.relay.opening import LaneRefused, make_blank, open_shared, set_up
from proxy.relay.patience import patiently
from proxy.relay.shared import SharedLane
from proxy.session.replay import BLANK, Score
from proxy.session.session import Session
from proxy.telling import tell

if TYPE_CHECKING:
    from proxy.relay.client import Client
    from proxy.relay.performer import Performer
    from proxy.relay.route import Route

SWEEP_SECONDS = 1.0
KEPT_SECONDS = 5.0
"""How long a lane is kept that nobody needs."""
SPARE_MAX = 256
"""Spare lanes beyond these are closed at once."""
REFUSED = "its login is refused"
BRIEF = frozenset(("AUTH", "CLIENT", "HELLO", "RESET", "SCRIPT", "SELECT"))
"""Why a client needs a lane for a moment: who opens a connection says these."""
BRIEF_MAX = 4
"""How many lanes are opened for them; more clients wait for one another."""


@define(eq=False)
class Lanes:
    """The lanes of one route that its clients share or take turns with."""

    route: "Route"
    per_identity: int = 1
    _shared: dict[tuple[object, ...], list[SharedLane]] = field(factory=dict)
    _spare: dict[tuple[Score, int], list[Lane]] = field(factory=dict)
    _since: dict[Lane | SharedLane, float] = field(factory=dict)
    """When a lane was found to be needed by nobody."""
    _opening: set[SharedLane] = field(factory=set)
    _brief: set["Client"] = field(factory=set)
    """Who has a lane for a moment only, which was not there before."""
    _queue: dict["Client", None] = field(factory=dict)
    """Who needs one for a moment, and waits for another to come back."""

    def __iter__(self) -> Iterator[SharedLane]:
        """The shared lanes, and what they left behind that owes something still."""
        return (lane for lanes in list(self._shared.values()) for lane in list(lanes))

    def owing(self) -> list[SharedLane]:
        """The shared lanes that owe something, those that were left among them."""
        return [each for lane in self for each in (lane, *lane.left) if each.owes and not each.closed]

    @property
    def spare(self) -> int:
        """How many spare lanes there are."""
        return sum(map(len, self._spare.values()))

    def with_users(self) -> Iterator[tuple[Lane | SharedLane, bytes]]:
        """All connections, and as whom they are logged in."""
        for lane in self:
            yield from ((each, lane.score.user) for each in (lane, *lane.left) if not each.closed)
        for (score, _), spare in self._spare.items():
            yield from ((each, score.user) for each in spare if not each.closed)

    def of(self, session: Session) -> SharedLane:
        """The shared lane for what this session sends."""
        key = (session.auth, session.protocol, session.db, session.admission if session.auth is None else 0)
        lanes = self._shared.get(key)
        if lanes is None:
            score = Score.shared(session)
            lanes = self._shared[key] = [
                SharedLane(self.route.reactor, self.route.common, score, self.route.lane_lost, self.open)
                for _ in range(self.per_identity)
            ]
        return lanes[0] if len(lanes) == 1 else min(lanes, key=lambda lane: lane.clients)

    @staticmethod
    def _spare_key(session: Session) -> tuple[Score, int]:
        return Score.of(session), session.admission if session.auth is None else 0

    def lend(self, client: "Client") -> bool:
        """Give the client a lane of its own; True if it has it now, else it goes on when it has."""
        session = client.session
        fresh = session.transaction is None and session.blocked is None  # else there is something to replay
        spare = self._spare.get(self._spare_key(session)) if fresh else None
        while spare:
            lane = spare.pop()
            self._since.pop(lane, None)
            if not lane.closed:
                client.bind(lane)
                return True
        if client.why in BRIEF:
            if len(self._brief) >= BRIEF_MAX and client not in self._brief:
                self._queue[client] = None
                return False
            self._brief.add(client)
        self.route.want_lane(client)
        return False

    async def adapt(self, client: "Client", needed: Score) -> Lane | None:
        """A spare lane that is set up anew for this client; None if there is none, or it cannot be."""
        for (score, _), spare in list(self._spare.items()):
            while spare:
                lane = spare.pop()
                self._since.pop(lane, None)
                if not lane.closed:
                    return await self._adapt(lane, client, score, needed)
        return None

    @staticmethod
    async def _adapt(lane: Lane, client: "Client", score: Score, needed: Score) -> Lane | None:
        try:
            await make_blank(lane, client, score)
            if client.lane is not None or client.closed:  # it is not to be subscribed twice
                lane.drop()
                return None
            await set_up(lane, client, BLANK, needed)
        except (NodeError, LaneRefused) as fault:
            tell("-spare-lane", why=fault)
            lane.drop()
            return None
        except BaseException:
            lane.drop()
            raise
        return lane

    def forget(self, client: "Performer") -> None:
        """The client needs no lane for a moment any more; whoever waits for one is next."""
        self._queue.pop(cast("Client", client), None)
        self._brief.discard(cast("Client", client))
        while self._queue and len(self._brief) < BRIEF_MAX:
            following = next(iter(self._queue))
            del self._queue[following]
            following.go_on()

    def stays(self, client: "Performer") -> None:
        """It needs its lane for more than a moment: nobody is to wait for that."""
        if client in self._brief:
            self.forget(client)

    def take_back(self, client: "Client", lane: Lane) -> None:
        """The client needs no lane of its own any more."""
        lane.owner = client.lane = None
        client.session.moved = True
        if lane.is_clean and len(self._since) < SPARE_MAX:
            self._spare.setdefault(self._spare_key(client.session), []).append(lane)
            self._since[lane] = self.route.now()
        else:
            lane.drop()
        client.join(self.of(client.session))
        self.forget(client)

    def open(self, lane: SharedLane) -> None:
        """Connect a shared lane to the primary; whoever waits for it goes on then."""
        if lane not in self._opening:
            self._opening.add(lane)
            self.route.nursery.start_soon(self._open, lane)

    async def _open(self, lane: SharedLane) -> None:
        route = self.route
        node = route.primary
        opened = None
        try:
            if node is not None:
                opened = await patiently(route, node, lambda: True, partial(self._connected, node, lane))
            moved = route.gate.closed or route.primary is not node or not lane.closed
            if opened is None or moved or lane.unfit or not opened.is_clean:
                if opened is not None:
                    opened.drop()
                self._opening.discard(lane)
                lane.go_on()
            else:
                lane.connect(opened.surrender(), opened.tag)
        except (NodeError, LaneRefused) as fault:
            self._failed(lane, node, fault)
        except Exception as bug:
            tell("-fault", where="opening a shared lane", exc_info=True)
            self._failed(lane, node, bug)
        finally:
            self._opening.discard(lane)

    async def _connected(self, node: Node, lane: SharedLane) -> Lane:
        await self.route.ask_role(node)
        opened, lane.unfit = await open_shared(self.route, node, lane.score)
        return opened

    def _failed(self, lane: SharedLane, node: Node | None, fault: Exception) -> None:
        """Redis would have refused, or closed, the clients' own connections."""
        self.route.suspect.set()
        if any(not left.closed for left in lane.left):
            return  # who is logged in goes on: the connection is taken back when it owes nothing
        waiting, lane.waiting = lane.waiting, {}
        on_it = [client for client in waiting if client.lane is lane]
        if isinstance(fault, LaneRefused) and fault.identity:
            lane.unfit = REFUSED
            on_it = [client for client in self.route.clients if client.lane is lane]
        if on_it:
            tell("-clients-closed", clients=len(on_it), node=node, why=fault)
        for client in on_it:
            if "BUSY " in str(fault):
                cast("Client", client).refuse(fault)
                client.go_on()
            else:
                self.route.turn_away(client, fault)
        for client in waiting:
            self.forget(client)  # it stays on its own lane, then

    def drop_spare(self) -> None:
        """They lead to a node that is the primary no more."""
        for lanes in self._spare.values():
            for lane in lanes:
                self._since.pop(lane, None)
                lane.drop()
        self._spare.clear()

    def drop(self) -> None:
        """No lane leads to the primary any more; nobody is on one."""
        self.drop_spare()
        for lane in self:
            lane.waiting.clear()
            for each in (*lane.left, lane):
                each.die("it leads to a node that is the primary no more")
        self._shared.clear()
        self._since.clear()

    async def sweep(self) -> None:
        """Close, until cancelled, what nobody needs."""
        while True:
            await trio.sleep(SWEEP_SECONDS)
            late = self.route.now() - KEPT_SECONDS
            for key, spare in list(self._spare.items()):
                for lane in [each for each in spare if each.closed or self._since[each] < late]:
                    spare.remove(lane)
                    del self._since[lane]
                    lane.drop()
                if not spare:
                    del self._spare[key]
            for client in list(self.route.apart):
                client.come_back()
            for shared in self:
                if shared.closed and shared.waiting:
                    self.open(shared)
            for brief in [client for client in self._brief if client.own_lane is not None]:
                self.stays(brief)
            for identity, lanes in list(self._shared.items()):
                if any(lane.clients or lane.owes or lane in self._opening or lane.left for lane in lanes):
                    self._since.pop(lanes[0], None)
                elif self._since.setdefault(lanes[0], self.route.now()) < late or lanes[0].unfit == REFUSED:
                    del self._shared[identity], self._since[lanes[0]]
                    for unused in lanes:
                        unused.shut()
