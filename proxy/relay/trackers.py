"""Clients with CLIENT TRACKING, in one switchover.

Order is all. Tracking is on at the warm lane before the client's first read there. What a client cached, it
read on its old lane, from which nothing is owed when the lanes are swapped; so the word to forget all comes
behind every such read, and ahead of what the new primary answers, since the gate is closed still. An
invalidation that was on its way from the old primary is lost then, and covered by it.

Who redirects to another client is set up when the warm lane of that one is open, and its id is known.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import trio
from attrs import define, field

from proxy.nodes.node import Node
from proxy.relay.directory import learn
from proxy.relay.lane import Lane
from proxy.relay.opening import open_lane
from proxy.session.ids import IDS_FROM
from proxy.session.replay import BLANK, Score
from proxy.session.tracking import forget_all

if TYPE_CHECKING:
    from proxy.relay.client import Client
    from proxy.relay.route import Route

AGAIN = 0.001
"""Seconds after which it is looked again whether a message has come to its end."""


@define(eq=False)
class Trackers:
    """Those who are told of changes, or have somebody else told."""

    route: "Route"
    node: Node
    warm: Mapping["Client", Lane]
    _targets: dict[int, "Client"] = field(factory=dict)
    """By their ids, those to whom somebody redirects."""
    _nobody: Lane | None = None
    """A connection that is closed soon, for who redirects to a client that is gone: so the node tells him."""

    def score(self, client: "Client") -> Score:
        """What the client's warm lane is to be set up with, as far as it can be."""
        score = Score.of(client.session)
        return score.redirected(self._target_id(client)) if redirect(client) else score

    async def learn(self) -> list["Client"]:
        """Learn the ids of the warm lanes that others redirect to; gives these others. NodeError."""
        redirecting = [client for client in self.warm if redirect(client)]
        wanted = {redirect(client) for client in redirecting}
        self._targets = {id_: client for client in self.warm if (id_ := IDS_FROM + client.number) in wanted}
        if self._nobody is None and self._targets.keys() < wanted:
            self._nobody = await open_lane(self.route, self.node, redirecting[0], BLANK)
        lanes = {self._target(client) for client in redirecting}
        unknown = [lane for lane in lanes if lane is not None and not lane.id]
        if unknown:
            await learn(unknown, self.node)
        return redirecting

    async def heard_out(self, within: float) -> list["Client"]:
        """Wait, so many seconds, until no client is in the middle of a message; gives those who are then.

        A long list of invalidations is given out as it comes, and owed to no command.
        """
        with trio.move_on_after(within):
            while halfway := [lane for _, lane in self.route.own_lanes() if lane.inside]:
                for lane in halfway:
                    lane.listen(True)
                await trio.sleep(AGAIN)
            return []
        return [client for client, lane in self.route.own_lanes() if lane in halfway]

    def lost(self) -> dict["Client", str]:
        """Who cannot be carried, because a lane has died that was to be told, and why."""
        return {
            client: "the lane to which it redirects invalidations was lost"
            for client in self.route.apart
            if redirect(client)
            and client.lane is not None
            and ((lane := self.warm.get(client)) is None or lane.closed or self._target_id(client) is None)
        }

    def forget_all(self) -> None:
        """Every client has left its old lane: all that was cached may be wrong from here on."""
        clients = {client.number: client for client in self.route.apart}
        for client in clients.values():
            tracking = client.session.tracking
            if tracking is None:
                continue
            told = clients.get(tracking.redirect - IDS_FROM) if tracking.redirect else client
            if told is not None:
                told.deliver(forget_all(client.session, told.session))
        self.drop()

    def drop(self) -> None:
        if self._nobody is not None:
            self._nobody.drop()
            self._nobody = None

    def _target(self, client: "Client") -> Lane | None:
        """The warm lane to which the client redirects; None if that is to be opened still."""
        target = self._targets.get(redirect(client))
        return self._nobody if target is None else self.warm.get(target, self._nobody)

    def _target_id(self, client: "Client") -> int | None:
        lane = self._target(client)
        return None if lane is None or lane.closed else lane.id or None


def redirect(client: "Client") -> int:
    """The id of the client to whom this one redirects; 0 if it does not."""
    tracking = client.session.tracking
    return 0 if tracking is None else tracking.redirect
