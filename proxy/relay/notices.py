"""Telling clients that asked for it that a switchover comes, and that it is over."""

import math
from typing import TYPE_CHECKING

import trio
from attrs import define, field

from proxy.session.maintenance import failed_over, failing_over, is_told

if TYPE_CHECKING:
    from proxy.relay.client import Client
    from proxy.relay.route import Route


AT_ONCE = 32


@define(eq=False)
class Notices:
    """The notices of one switchover."""

    _told: list["Client"] = field(factory=list)
    _sequence: int = 0

    async def begin(self, route: "Route", budget: float) -> None:
        """It comes, and will hold the clients for so many seconds at most."""
        route.announced += 1
        self._sequence = route.announced
        notice = failing_over(self._sequence, math.ceil(budget))
        self._told = [client for client in route.clients if is_told(client.session) and not client.leaving]
        await self._tell(self._told, notice)

    def end(self, route: "Route") -> None:
        """It is over."""
        told, self._told = self._told, []
        if told:
            route.nursery.start_soon(self._tell, told, failed_over(self._sequence))

    @staticmethod
    async def _tell(clients: list["Client"], notice: bytes) -> None:
        """Some at a time, for the others are served meanwhile."""
        for count, client in enumerate(clients, 1):
            if is_told(client.session) and not client.closed:
                client.push(notice)
            if count % AT_ONCE == 0:
                await trio.lowlevel.checkpoint()
