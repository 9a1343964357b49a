"""The stage of one switchover: does what the story asks, with the clients, lanes and nodes of a route."""

import contextlib

import trio
from attrs import define, field

from proxy.nodes.errors import LinkLost, NodeError
from proxy.nodes.node import Node
from proxy.nodes.promotion import Outcome, Promotion
from proxy.relay import recall
from proxy.relay.client import Client
from proxy.relay.gathering import gather
from proxy.relay.lane import Lane
from proxy.relay.marks import Marks
from proxy.relay.notices import Notices
from proxy.relay.route import Route
from proxy.relay.warmth import Warmth
from proxy.relay.watches import Watches
from proxy.switchover.errors import CalledOff, Refused
from proxy.switchover.report import Report
from proxy.switchover.stage import Promoted
from proxy.telling import tell

REASON = "switchover"
MARK_SECONDS = 0.2
"""How long a subscriber's lanes may take to answer the mark until it is looked into."""
LATE_SECONDS = 0.6
"""How much longer, where the nodes themselves do answer; less where the budget is small. It is time enough
for TCP to send a lost packet again, and once more. Then that subscriber is closed: it vetoes nothing."""
REDIRECT_SECONDS = 0.5
MIN_REPLICAS_SECONDS = 2.0
"""How long the clients wait for the replicas that the new primary needs in order to take writes."""


@define(eq=False)
class Stage:
    """Performs :class:`proxy.switchover.stage.Stage`."""

    route: Route
    old: Node
    new: Node
    others: list[Node]
    follow: tuple[str, int]
    """Host and port of the new primary, as the other nodes reach it."""
    report: Report
    budget: float
    """Seconds that the hold may take."""
    decision: Node | None = None
    """The primary by the operator's word, where nobody can find out whether the candidate was promoted."""
    rehearsal: bool = False
    """It stops before the hold: nobody is told of it."""
    warmth: Warmth = field(init=False)
    promotion: Promotion = field(init=False)
    marks: Marks = field(factory=Marks, init=False)
    watches: Watches = field(factory=Watches, init=False)
    notices: Notices = field(factory=Notices, init=False)
    _offset: int = 0
    _paused: bool = False
    _scripts: int = -1
    _wants_replicas: bool = False
    _sync_full: int = 0
    _left: list[Lane] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.warmth = Warmth(self.route, self.new)
        self.promotion = Promotion(self.new)

    @property
    def notes(self) -> list[str]:
        return self.report.notes

    async def warm(self) -> None:
        await self.promotion.prepare()
        self._sync_full = await self.new.sync_full()
        self._wants_replicas = await self.new.wants_replicas()
        await self.new.learn_commands()
        await self._load_scripts()
        await self.warmth.spread()
        await recall.learn_ids(self.route, self.old)
        if not self.rehearsal:
            await self.notices.begin(self.route, self.budget)

    async def _load_scripts(self) -> None:
        if self._scripts != self.route.common.scripts.version:
            newer = self.route.common.scripts.newer(self._scripts)
            self._scripts = self.route.common.scripts.version
            await self.new.load_scripts(newer)

    def close_gate(self) -> None:
        self.route.gate.close(REASON)
        self.route.reactor.hold(REASON)

    async def drain(self) -> None:
        try:
            await recall.drain(self.route, self.old, readers_too=False)
        except trio.Cancelled:
            if late := [client.peer_name for client, _ in recall.owing(self.route)]:
                self.notes.append(f"a reply is owed to {len(late)} clients still, {late[0]} among them")
            raise
        try:
            await self.warmth.renew()
        except Refused as fault:  # the clients are held already: that is more than a refusal
            raise CalledOff(f"hold: {fault}") from fault
        await self._load_scripts()

    async def pause(self, seconds: float) -> None:
        self._paused = True
        self._offset = await self.old.pause(max(1, round(seconds * 1000)))
        await recall.fix_stream_ids(self.route, self.old)
        await recall.drain(self.route, self.old, readers_too=True)

    async def converge(self) -> None:
        await self.new.reach(self._offset)
        late = await self.marks.put(self.warmth.lanes, MARK_SECONDS)
        late += await self.watches.carry(self.warmth.lanes, MARK_SECONDS)
        late += await self.warmth.trackers.heard_out(MARK_SECONDS)
        for client in await self._still_late() if late else ():
            self._close(client.number, "its lanes did not answer the mark, or about its watch")
            client.close()

    async def _still_late(self) -> list[Client]:
        """Who is late by his own lanes' fault: not because a node answers nobody, which calls the switchover
        off, nor because a packet was lost and had to be sent again."""
        for node in (self.old, self.new):
            await node.role()
        now = trio.current_time()
        end = now + min(LATE_SECONDS, (trio.current_effective_deadline() - now) * 3 / 4)
        late = await self.marks.heard(end - now)
        late += await self.watches.heard(max(0.0, end - trio.current_time()))
        return late + await self.warmth.trackers.heard_out(max(0.0, end - trio.current_time()))

    async def promote(self, fence: float, within: float) -> Promoted:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._renew_fence, fence)
            outcome = await self.promotion.ask(within)
            nursery.cancel_scope.cancel()
        why = self.promotion.why
        if outcome is Outcome.UNKNOWN and self.decision is self.old:
            outcome, why = Outcome.NOT_PRIMARY, f"{why}; the operator decided for {self.old}"
        if outcome is not Outcome.PRIMARY:
            self.notes[:] = [note for note in self.notes if not note.startswith("promotion")]
            self.notes.append(f"promotion: {why}")
        return {
            Outcome.PRIMARY: Promoted.YES,
            Outcome.NOT_PRIMARY: Promoted.NO,
            Outcome.UNKNOWN: Promoted.UNKNOWN,
        }[outcome]

    async def _renew_fence(self, fence: float) -> None:
        try:
            await self.fence(fence)
        except NodeError as fault:
            tell("-fence-not-renewed", node=self.old, why=fault)

    async def fence(self, seconds: float) -> None:
        await self.old.fence(round(seconds * 1000))

    async def demote(self) -> None:
        fault = None
        async with trio.open_nursery() as nursery:
            for node in self.others:
                nursery.start_soon(self._redirect, node)
            try:
                await self.old.demote(*self.follow)
            except NodeError as error:
                fault = error
        if fault is not None:
            raise fault

    async def _redirect(self, node: Node) -> None:
        """At once, for a sibling that follows the old primary is fed PINGs; again in settle, should this
        fail."""
        with trio.move_on_after(REDIRECT_SECONDS), contextlib.suppress(NodeError):
            await node.follow(*self.follow)

    async def swap(self) -> None:
        try:
            if self._wants_replicas:
                await self._await_replicas()
        finally:
            self._move()

    def _move(self) -> None:
        """Though the new primary has gone already: on the old lanes the clients would get -READONLY."""
        route = self.route
        route.lead(self.new)
        route.unblocking.clear()  # of the old primary, whose lanes are left
        self.warmth.refused.update(self.warmth.trackers.lost())
        self._move_shared()
        for client, lane in route.own_lanes():
            if why := self.warmth.refused.get(client):
                self._close(client.number, f"its session cannot be carried: {why}")
                client.close()
            elif lane.ledger or lane.inside:
                self._close(client.number, "a reply was owed to it when all should have been drained")
                client.close()
            else:
                self._left.append(client.move(self.warmth.take(client), self.watches.came(client)))
                self.report.clients_carried += 1
        for client in list(route.apart):
            client.reopen()
        self.warmth.trackers.forget_all()

    def _move_shared(self) -> None:
        """Those on a shared lane stay on it: it goes on over another connection."""
        self.route.lanes.drop_spare()
        for lane in self.route.lanes:
            if lane.owes:
                lane.die("a reply was owed when all should have been drained")
            warm = self.warmth.take_shared(lane)
            self.report.clients_carried += lane.clients
            if warm is not None:
                lane.connect(warm.surrender(), warm.tag)
            elif not lane.closed:
                lane.shut()

    async def _await_replicas(self) -> None:
        """Without them the clients would get -NOREPLICAS for some milliseconds."""
        with trio.move_on_after(MIN_REPLICAS_SECONDS) as limit:
            while not await self.new.min_replicas_met():
                await trio.sleep(0.001)
        if limit.cancelled_caught:
            self.notes.append("the new primary has too few replicas to take writes (min-replicas-to-write)")

    def _close(self, number: int, why: str) -> None:
        self.report.clients_closed += 1
        tell("-client-closed", switchover=self.report.number, client=number, why=why)

    def open_gate(self) -> None:
        route = self.route
        self.marks.lift()
        late = recall.late(route)
        if not late:
            recall.reissue_all(route)
        if late or route.unblocking:
            route.nursery.start_soon(recall.take_back, route)
        self.report.clients_held = len(route.gate.queue)
        route.reactor.release(REASON)
        route.gate.open(REASON)
        self.notices.end(route)
        for client in list(route.apart):
            if client.lane is None and client.needs_lane:
                route.want_lane(client)

    async def unpause(self) -> None:
        if self._paused:
            await self.old.unpause()

    async def settle(self) -> None:
        for lane in self._left:
            lane.drop()
        await gather(self.new, self.old, self.others, self.follow, self.notes)
        self.report.clients_held += self.route.reactor.came
        served = await self._served()  # counted from nought by a process that is new since
        self.report.full_resyncs = served - self._sync_full if served >= self._sync_full else served

    async def _served(self) -> int:
        try:
            return await self.new.sync_full()
        except LinkLost:  # once: it may have been lost by whoever else asked over it
            return await self.new.sync_full()

    def strike(self) -> None:
        self.route.reactor.release(REASON)
        self.promotion.close()
        self.warmth.cool()
        for lane in self._left:
            lane.drop()
