"""Handing over subscriptions without loss and without doubling.

While the pause keeps publishers quiet and the candidate has every byte, a mark (a PING with a nonce) goes
down both lanes of each subscriber and each MONITOR; whatever answers it is the mark. The old lane gives out
what comes ahead of its mark, the warm lane throws that away; what comes behind the mark is kept on either,
until it is known which lane goes on.
"""

import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING

import trio
from attrs import define, field

from proxy.relay.lane import Lane
from proxy.relay.quiet import until_idle
from proxy.session.session import Session, Want
from proxy.session.transactions import QUEUED
from proxy.wire.encoding import command

if TYPE_CHECKING:
    from proxy.relay.client import Client


@define(eq=False)
class Mark(Want):
    """The reply to the mark: from here on the lane's messages are kept."""

    lane: Lane
    lifted: bool = False
    """The switchover is over or called off: the reply comes too late to mean anything."""

    def take(self, session: Session, piece: bytes, last: bool) -> bytes:
        if session.transaction is not None and piece == QUEUED:
            session.transaction.hold_place()  # a RESP3 subscriber with an open MULTI
        if last and not self.lifted:
            self.lane.kept = []
        return b""


@define(eq=False)
class Marks:
    """The marks of one switchover."""

    _marks: dict["Client", list[Mark]] = field(factory=dict)

    async def put(self, warm: Mapping["Client", Lane], within: float) -> list["Client"]:
        """Mark both lanes of whoever is listening, and hear them."""
        nonce = command("PING", "baton:" + secrets.token_hex(8))
        for client, lane in warm.items():
            if client.session.listening and (old := client.own_lane) is not None and not client.closed:
                self._marks[client] = [Mark(old), Mark(lane)]
                for mark in self._marks[client]:
                    mark.lane.listen(True)  # also where the client reads slowly: what it is due waits here
                    mark.lane.owe_wanted(client, mark)
                    mark.lane.send(nonce)
        return await self.heard(within)

    async def heard(self, within: float) -> list["Client"]:
        """Wait for the answers, so many seconds; gives those whose lanes have not answered then."""
        with trio.move_on_after(within):
            await until_idle([mark.lane for marks in self._marks.values() for mark in marks])
        return [
            client
            for client, marks in self._marks.items()
            if not client.closed and any(mark.lane.kept is None for mark in marks)
        ]

    def lift(self) -> None:
        """What was kept counts on the lane that goes on; no mark is waited for any more."""
        for client, marks in self._marks.items():
            for mark in marks:
                mark.lifted = True
            if (lane := client.own_lane) is not None:
                lane.release_kept()
