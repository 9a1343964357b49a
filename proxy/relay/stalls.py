"""A CLIENT PAUSE that is not ours: writes wait in the proxy, so that reads go on.

Theory. A node that is paused for writes holds the first one on a connection, and all that comes behind it.
For a client of its own that is its own affair; on a shared lane others would wait behind it. A lane that gets
nothing, although the node answers a PING, is *stalled*: it leaves its connection to those whose replies are
owed there, and goes on over another. From then on the commands that such a pause holds wait in the proxy,
until what was left behind is answered: then the pause is over. Under CLIENT PAUSE ALL nobody is answered, and
everybody waits at the node, as without a proxy.
"""

from typing import TYPE_CHECKING

import trio
from attrs import define, field

from proxy.nodes.errors import NodeError, ReplyError
from proxy.relay.proving import Proving
from proxy.telling import tell

if TYPE_CHECKING:
    from proxy.relay.client import Client
    from proxy.relay.route import Route
    from proxy.relay.shared import SharedLane

TICK_SECONDS = 0.02
PATIENCE = 2
"""Ticks for which a lane may get nothing."""
PING_SECONDS = 0.5


@define(eq=False)
class Stalls:
    """The stalled lanes of one route, and the writes that wait for them."""

    route: "Route"
    held: frozenset[bytes] = frozenset()
    """Names of commands, in capitals, that wait; empty when nothing is stalled."""
    _left: int = 0
    _waiting: dict["Client", None] = field(factory=dict)
    _seen: dict["SharedLane", tuple[int, int]] = field(factory=dict)
    """By lane, what it had received when it was looked at, and how often that was so in a row."""

    def wait(self, client: "Client") -> None:
        """Be called when writes go on."""
        self._waiting[client] = None

    def forget(self, client: "Client") -> None:
        self._waiting.pop(client, None)

    async def watch(self) -> None:
        """Until cancelled."""
        while True:
            await trio.sleep(TICK_SECONDS)
            if self.route.gate.closed:
                self._seen.clear()
            elif stalled := self._look():
                try:
                    await self._leave(stalled)
                except Exception:
                    tell("-fault", where="leaving a lane", exc_info=True)

    def _look(self) -> list["SharedLane"]:
        seen, self._seen = self._seen, {}
        for lane in self.route.lanes:
            if lane.ledger and lane.unsent is None and not lane.closed:
                before, times = seen.get(lane, (-1, 0))
                self._seen[lane] = (lane.received, times + 1 if before == lane.received else 0)
        return [lane for lane, (_, times) in self._seen.items() if times >= PATIENCE]

    async def _leave(self, stalled: list["SharedLane"]) -> None:
        node = self.route.primary
        try:
            with trio.fail_after(PING_SECONDS):
                for _ in range(2):  # it may have been busy until the first was answered
                    if node is not None:
                        await (await node.link()).call("PING")
                    await trio.sleep(TICK_SECONDS)
        except ReplyError as fault:
            if fault.text.startswith("BUSY"):  # a script runs too long, and who asks anew is told so
                for lane in stalled:
                    if lane.ledger and not lane.closed:
                        _let_through(lane)
            return
        except (NodeError, trio.TooSlowError):
            return  # it is busy, or gone: whoever watches over the nodes finds out
        for lane in stalled:
            received, _ = self._seen.pop(lane, (-1, 0))
            if lane.received == received and lane.ledger and not (lane.closed or self.route.gate.closed):
                if not self.held:
                    tell("-writes-held", node=node)
                    self.held = self.route.common.commands.writes
                    self.route.choose_plain()
                self._left += 1
                _let_through(lane).when_idle(self._answered)

    def _answered(self) -> None:
        self._left -= 1
        if not self._left:
            tell("+writes-go-on")
            self.held = frozenset()
            self.route.choose_plain()
            waiting, self._waiting = self._waiting, {}
            for client in waiting:
                client.go_on()


def _let_through(lane: "SharedLane") -> "SharedLane":
    assert isinstance(lane.receiver, Proving), "only what was left lets all through"
    return lane.receiver.let_through()
