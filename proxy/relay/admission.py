"""Whether the node would let in a client that does not log in.

A shared lane without a login may have been opened before the default user got a password, and a client that
comes later must not be served over it. So for newcomers the node is asked anew, over a connection that is as
one just made: RESET makes it that again, where the user may say it. Who was let in before the answer changed
stays with his like, as on Redis he would stay logged in.
"""

from functools import partial
from typing import TYPE_CHECKING, cast

from attrs import define, field

from proxy.nodes.errors import NodeError
from proxy.nodes.node import Node
from proxy.relay.lane import Lane
from proxy.relay.ledger import Nobody
from proxy.relay.opening import Heard, LaneRefused, open_shared
from proxy.relay.patience import patiently
from proxy.relay.quiet import until_idle
from proxy.session.replay import BLANK
from proxy.session.session import Session
from proxy.telling import tell
from proxy.wire.encoding import command

if TYPE_CHECKING:
    from proxy.relay.client import Client
    from proxy.relay.route import Route


@define(eq=False)
class Admission:
    """Of one route's primary."""

    route: "Route"
    _newcomers: dict["Client", None] = field(factory=dict)
    """Who waits until it is known how he is received."""
    _asking: bool = False
    _since: int = 1
    """Counts how often the answer has changed."""
    _locked: bool = False
    """Who does not log in is not served."""
    lane: Lane | None = None
    """Over which the node is asked."""

    def admit(self, client: "Client") -> bool:
        """Whether it is known how the node receives this client; else the client goes on when it is."""
        session = client.session
        if session.auth is not None or session.admission:
            return True
        self._newcomers[client] = None
        if not self._asking:
            self._asking = True
            self.route.nursery.start_soon(self._ask)
        return False

    def forget(self, client: "Client") -> None:
        """The client is gone."""
        self._newcomers.pop(client, None)

    def forget_node(self) -> None:
        """Another node is the primary."""
        if self.lane is not None:
            self.lane.drop()
            self.lane = None

    async def _ask(self) -> None:
        try:
            while self._newcomers:
                newcomers, self._newcomers = self._newcomers, {}
                await self._receive(newcomers)
        finally:
            self._asking = False

    async def _receive(self, newcomers: dict["Client", None]) -> None:
        node, locked = self.route.primary, None
        try:
            if node is not None:
                locked = await patiently(
                    self.route,
                    node,
                    lambda: not all(client.closed for client in newcomers),
                    partial(self._is_locked, node),
                )
            if locked is not None:
                if locked != self._locked:
                    self._locked = locked
                    self._since += 1
                for client in newcomers:
                    client.session.admission = self._since
        except Exception as fault:
            if not isinstance(fault, NodeError | LaneRefused):
                tell("-fault", where="receiving newcomers", exc_info=True)
            self.forget_node()
            self.route.suspect.set()
            tell("-clients-closed", clients=len(newcomers), node=node, why=str(fault))
            for client in newcomers:
                if client.own_lane is None:  # else it stays where it is
                    self.route.turn_away(client, fault)
        else:
            for client in newcomers:
                client.go_on()

    async def _is_locked(self, node: Node) -> bool:
        lane = self.lane
        if lane is not None and not lane.closed:
            blank, pinged = Heard(), Heard()
            nobody = cast("Client", Nobody(Session(0, self.route.common)))
            lane.cork()
            lane.ask(nobody, command("RESET"), blank)
            lane.ask(nobody, command("PING"), pinged)
            lane.flush()
            try:
                await until_idle([lane])
            except BaseException:  # it was too slow: what comes later answers nobody
                lane.drop()
                raise
            if blank.reply.startswith(b"+") and not lane.closed:
                return pinged.reply.startswith((b"-NOAUTH", b"-NOPERM"))
            lane.drop()
        await self.route.ask_role(node)
        self.lane, unfit = await open_shared(self.route, node, BLANK)
        return bool(unfit)
