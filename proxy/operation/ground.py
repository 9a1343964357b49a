"""What all that an operator can do stands on: one route, who watches over its nodes, the settings in force.

One thing at a time is done that moves roles or nodes; who comes meanwhile is told what is under way.
"""

import contextlib
from collections.abc import Callable, Iterator

from attrs import define

from proxy.nodes.address import Address
from proxy.nodes.node import Node
from proxy.relay.keeper import Keeper
from proxy.relay.route import Route
from proxy.settings import Settings
from proxy.switchover.errors import Busy, Refused


@define(eq=False)
class Ground:
    """Shared by all of :mod:`proxy.operation`."""

    route: Route
    keeper: Keeper
    settings: Settings
    """In force just now; see ``tuning``."""
    instance: str
    """Names this process, at the nodes too."""
    leaving: bool = False
    """No client is accepted any more."""
    _under_way: Callable[[], str] | None = None
    """Says what is being done."""

    @contextlib.contextmanager
    def alone(self, what: Callable[[], str]) -> Iterator[None]:
        """Do something beside which nothing else is done. Raises Busy, with the words of who was first."""
        self.none_under_way()
        self._under_way = what
        try:
            yield
        finally:
            self._under_way = None

    @property
    def busy(self) -> bool:
        """Something is under way."""
        return self._under_way is not None

    def none_under_way(self) -> None:
        """Raise Busy where something is."""
        if self._under_way is not None:
            raise Busy(self._under_way())

    def node(self, address: str) -> Node:
        """The node of this address. Raises Refused where there is none."""
        node = self.route.node(Address.parse(address))
        if node is None:
            raise Refused(
                f"candidate: {address} is not among the nodes: {', '.join(map(str, self.route.nodes))}"
            )
        return node
