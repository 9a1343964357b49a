"""A new password for the nodes is tried at each of them, and told where it is refused, until all accept it.

File and nodes never change in the same moment, and it does not matter which comes first: connections that are
there go on with the old one, for Redis asks for a password once.
"""

import trio
from attrs import define, field

from proxy.nodes.errors import LinkLost, NodeError
from proxy.nodes.link import Link, Login
from proxy.nodes.node import Node
from proxy.operation.ground import Ground
from proxy.telling import tell

PURPOSE = "login"
"""Of the connections by which it is tried, in the nodes' CLIENT LIST."""


@define(eq=False)
class Trial:
    """Of one process."""

    ground: Ground
    every_s: float
    _accepted: dict[Node, Login] = field(factory=dict)
    """The login that a node accepted last, or with which it was first met."""
    _told: dict[Node, str] = field(factory=dict)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            nodes = list(self.ground.route.nodes)
            for node in nodes:
                if self._accepted.setdefault(node, node.login) != node.login:
                    await self._try(node)
            for gone in self._accepted.keys() - set(nodes):
                del self._accepted[gone]
                self._told.pop(gone, None)
            await trio.sleep(self.every_s)

    async def _try(self, node: Node) -> None:
        login = node.login
        try:
            with trio.fail_after(node.connect_within):
                link = await Link.open(node.address, login, f"{node.name}:{PURPOSE}", node.security)
            link.close()
        except (LinkLost, trio.TooSlowError):
            return  # the keeper tells of that
        except NodeError as refused:
            if self._told.get(node) != str(refused):
                self._told[node] = str(refused)
                tell("-login-refused", node=node, why=refused)
        else:
            self._accepted[node] = login
            self._told.pop(node, None)
            tell("+login-accepted", node=node, user=login.name)
