"""Nodes come and go while the proxy runs: replicas are replaced one by one, without a restart.

Rules:

1. Who comes is asked first: it must answer, and follow our primary or have its history. A node that calls
   itself primary beside ours is refused: of two primaries nobody could tell afterwards which one is meant.
2. The primary does not go; SWITCHOVER comes first. Nor does the last node.
3. Neither during a switchover, nor while the keeper looks at the nodes.
4. Nothing of it outlasts a restart: the settings say what the nodes are then.
"""

from attrs import define, evolve

from proxy.nodes.address import Address
from proxy.nodes.link import Login
from proxy.nodes.node import Node
from proxy.nodes.roster import survey
from proxy.operation.ground import Ground
from proxy.relay.keeper import WITHIN
from proxy.switchover.errors import Refused
from proxy.switchover.facts import Standing
from proxy.telling import tell

NODES_MAX = 64
"""All of them are asked every second."""


@define(eq=False)
class Membership:
    """Of one route."""

    ground: Ground

    def make(self, address: Address) -> Node:
        """A node as the settings in force would have it."""
        settings = self.ground.settings
        login = Login(settings.user, settings.password)
        within = settings.connect_timeout_ms / 1000
        return Node(address, login, f"baton:{self.ground.instance}", within, self.ground.route.security)

    async def add(self, text: str) -> Node:
        """Take a node in. Raises Refused, and Busy."""
        ground = self.ground
        address = Address.parse(text)
        with ground.alone(lambda: f"a node is being taken in (NODES ADD {address})"):
            async with ground.keeper.watching:
                if ground.route.node(address) is not None:
                    raise Refused(f"node: {address} is among the nodes already")
                if len(ground.route.nodes) >= NODES_MAX:
                    raise Refused(f"node: there are {NODES_MAX} nodes already")
                node = self.make(address)
                try:
                    await self._judge(node)
                except BaseException:
                    node.close()
                    raise
                self._announce(node)
                ground.route.nodes.append(node)
                self._note()
                tell("+node-added", node=node)
                await ground.keeper.look()
        return node

    async def remove(self, text: str) -> None:
        """Forget a node. Raises Refused, and Busy."""
        ground = self.ground
        address = Address.parse(text)
        with ground.alone(lambda: f"a node is being forgotten (NODES REMOVE {address})"):
            async with ground.keeper.watching:
                node = ground.route.node(address)
                if node is None:
                    known = ", ".join(map(str, ground.route.nodes))
                    raise Refused(f"node: {address} is not among the nodes: {known}")
                if node is ground.route.primary:
                    raise Refused(f"node: {node} is the primary; SWITCHOVER moves it")
                if len(ground.route.nodes) == 1:
                    raise Refused(f"node: {node} is the last one")
                ground.route.nodes.remove(node)
                node.close()
                self._note()
                tell("-node-removed", node=node)
                await ground.keeper.look()

    def _announce(self, node: Node) -> None:
        """Who was forgotten and comes back is reached by the others as the settings tell still."""
        keeper, announced = self.ground.keeper, self.ground.settings.announce.get(node.address)
        places = {
            known: place for known, place in keeper.announce.items() if known in self.ground.route.nodes
        }
        if announced is not None:
            places[node] = (announced.host, announced.port)
        keeper.announce = places

    def _note(self) -> None:
        """What CONFIG GET says of the nodes is so."""
        ground = self.ground
        ground.settings = evolve(ground.settings, nodes=tuple(node.address for node in ground.route.nodes))

    async def _judge(self, node: Node) -> None:
        """Raise Refused where this node stands elsewhere."""
        route = self.ground.route
        found = await survey([*route.nodes, node], 2 * WITHIN)
        if node in found.silent:
            raise Refused(f"node: {found.silent[node]}")
        new = found.standings[node]
        for known in route.nodes:
            standing = found.standings.get(known)
            if standing is not None and standing.run_id == new.run_id:
                raise Refused(f"node: {node} is {known}, which is among the nodes already")
        leads = found.standings.get(route.primary) if route.primary is not None else None
        if route.primary is None:
            return  # whom it should follow is not known: the operator knows, and the keeper looks at all
        if new.primary:
            place = "{} {}".format(*self.ground.keeper.place(route.primary))
            raise Refused(f"node: {node} is a primary itself; first tell it REPLICAOF {place}")
        if leads is None:
            raise Refused(f"node: {route.primary} does not answer, so nobody knows whether {node} follows it")
        if not self._is_ours(new, leads):
            raise Refused(
                f"node: {node} follows {new.follows}, and has history {new.replid[:8]},"
                f" not {leads.replid[:8]} of {route.primary}"
            )

    def _is_ours(self, new: Standing, leads: Standing) -> bool:
        """It has our primary's history; else, if it has not got anything yet, it was told to follow it."""
        primary = self.ground.route.primary
        assert primary is not None
        places = {"{}:{}".format(*self.ground.keeper.place(primary)), str(primary)}
        return new.replid == leads.replid or (new.follows in places and not new.link_up)
