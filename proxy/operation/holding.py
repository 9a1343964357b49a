"""Holding the clients by hand, for maintenance that the proxy knows nothing of.

Theory. The gate closes and clients are not received from, exactly as in a switchover; what is in flight is
awaited. From the answer to HOLD until the gate opens no command of a client reaches a node. What is promised
is about commands that have not gone yet: a client that is *blocked* (BLPOP, XREAD BLOCK, WAIT) stays blocked
at the node, so an element that somebody pushes there past the proxy is still given to it; a subscriber still
hears. Rules:

1. It is bounded: it ends by itself, whether or not anybody remembers it.
2. It stands beside other reasons for which the gate is closed: with the last of them it opens.
3. A switchover and a hold by hand exclude each other: who comes second is told BUSY.
4. HOLD during a hold lengthens or shortens it, without a gap: from then on it lasts for what was asked.
"""

import trio
from attrs import define, field

from proxy.operation.ground import Ground
from proxy.relay.connection import Connection
from proxy.relay.quiet import until_idle
from proxy.relay.recall import late, only_blocked, owing, parked
from proxy.settings import BUDGET_MAX_MS
from proxy.switchover.errors import Busy, CalledOff, Refused
from proxy.telling import tell

BY_HAND = "by hand"
AGAIN = 0.01
"""Seconds after which it is looked again at who is owed something: who was not blocked may be by now."""


@define(eq=False)
class Holding:
    """One hold at a time."""

    ground: Ground
    _began: float = 0.0
    _until: float = 0.0
    """When it ends by itself; both by trio's clock."""
    _timer: trio.CancelScope = field(factory=trio.CancelScope)
    """Around the task that waits for its end."""

    @property
    def held(self) -> bool:
        return BY_HAND in self.ground.route.gate.reasons

    async def hold(self, hold_ms: int | None) -> int:
        """Answers how many ms are left of it, once nothing is in flight. Raises CalledOff where that does not
        come about in time; the clients go on then."""
        ground = self.ground
        ground.none_under_way()
        ms = ground.settings.budget_ms if hold_ms is None else hold_ms
        if not 1 <= ms <= BUDGET_MAX_MS:
            raise Refused(f"hold: from 1 to {BUDGET_MAX_MS} ms, not {ms}")
        route = ground.route
        if late(route) or parked(route) or route.unblocking:  # behind a closed gate nobody would see to it
            raise Busy("what was recalled for the last switchover is being issued again; it takes moments")
        mine = not self.held
        self._close(ms / 1000)
        tell("+held-by-hand", budget_ms=ms)
        try:
            await self._drain()
        except trio.Cancelled:
            if mine and self.held:  # nobody was told of it, and nobody would release it
                self._open("whoever asked has gone")
            raise
        left = int((self._until - trio.current_time()) * 1000)
        if not self.held or left <= 0:
            owed_to = [
                client.peer_name for client, lane in owing(ground.route) if not only_blocked(client, lane)
            ]
            owed = ""
            if owed_to:
                owed = f": a reply is owed to {len(owed_to)} clients still, {owed_to[0]} among them"
            if self.held:
                self._open("it did not come about")
            raise CalledOff(f"hold: not within {ms} ms, or released before{owed}")
        return left

    def release(self) -> float:
        """Open; answers for how many ms it was closed."""
        if not self.held:
            reasons = self.ground.route.gate.reasons
            raise Refused(
                "release: the clients are not held by hand" + (f", but {reasons[0]}" if reasons else "")
            )
        return self._open("RELEASE")

    def _close(self, seconds: float) -> None:
        route = self.ground.route
        now = trio.current_time()
        self._until = self._timer.deadline = now + seconds
        if not self.held:
            self._began = now
            route.gate.close(BY_HAND)
            route.reactor.hold(BY_HAND)
            route.nursery.start_soon(self._end)

    async def _end(self) -> None:
        """When its time is over, which may be put off or brought forward meanwhile."""
        while self.held and trio.current_time() < self._until:
            with trio.CancelScope(deadline=self._until) as self._timer:
                await trio.sleep_forever()
        if self.held:
            self._open("its time is over")

    def _open(self, why: str) -> float:
        route = self.ground.route
        ms = (trio.current_time() - self._began) * 1000
        tell("+released-by-hand", hold_ms=ms, why=why)
        route.reactor.release(BY_HAND)
        route.gate.open(BY_HAND)
        self._timer.cancel()
        return ms

    async def _drain(self) -> None:
        """Return when nothing is owed by any lane, but to who is blocked; or when the hold is over, which
        somebody may have put off, brought forward or ended meanwhile."""
        while self.held and (now := trio.current_time()) < self._until and (lanes := self._owing()):
            for lane in lanes:
                lane.listen(True)  # also where the client does not read
            with trio.move_on_at(min(now + AGAIN, self._until)):
                await until_idle(lanes)

    def _owing(self) -> list[Connection]:
        route = self.ground.route
        private = [lane for client, lane in owing(route) if not only_blocked(client, lane)]
        return [*private, *route.lanes.owing()]
