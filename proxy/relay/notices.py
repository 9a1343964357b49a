"""Telling clients that asked for it that a switchover comes, and that it is over."""

import math
from typing import TYPE_CHECKING

from attrs import define, field

from proxy.session.maintenance import failed_over, failing_over, is_told

if TYPE_CHECKING:
    from proxy.relay.client import Client
    from proxy.relay.route import Route


@define(eq=False)
class Notices:
    """The notices of one switchover."""

    _told: list["Client"] = field(factory=list)
    _sequence: int = 0

    def begin(self, route: "Route", budget: float) -> None:
        """It comes, and will hold the clients for so many seconds at most."""
        route.announced += 1
        self._sequence = route.announced
        notice = failing_over(self._sequence, math.ceil(budget))
        self._told = [client for client in route.clients if is_told(client.session) and not client.leaving]
        for client in self._told:
            client.push(notice)

    def end(self) -> None:
        """It is over."""
        notice = failed_over(self._sequence)
        for client in self._told:
            if is_told(client.session):
                client.push(notice)
        self._told.clear()
