"""After a crash: the operator says who is primary."""

import trio
from attrs import define

from proxy.nodes.errors import NodeError
from proxy.nodes.node import Node
from proxy.nodes.promotion import Outcome, Promotion
from proxy.nodes.roster import survey
from proxy.operation.ground import Ground
from proxy.operation.switching import Switching
from proxy.relay.keeper import WITHIN
from proxy.switchover.errors import CalledOff, Refused

RESOLVE_SECONDS = 5.0


@define(eq=False)
class Resolving:
    """Where the nodes alone cannot tell."""

    ground: Ground
    switching: Switching

    async def resolve(self, address: str) -> str:
        """See :class:`proxy.admin.operator.Operator`."""
        ground = self.ground
        node = ground.node(address)
        if self.switching.unknown:
            return self.switching.decide(node)
        with ground.alone(lambda: f"who is primary is being resolved (RESOLVE {node})"):
            try:
                async with ground.keeper.watching:
                    with trio.fail_after(RESOLVE_SECONDS):
                        return await self._resolve(node)
            except (NodeError, trio.TooSlowError) as fault:
                raise CalledOff(f"resolve: {fault or 'a node did not answer in time'}") from fault
            finally:
                ground.route.suspect.set()

    async def _resolve(self, node: Node) -> str:
        """This one is the primary, and who else claims to be follows it."""
        keeper = self.ground.keeper
        keeper.last = found = await survey(self.ground.route.nodes, WITHIN)
        if node not in found.primaries:
            if found.primaries or node not in found.replicas:
                raise Refused(f"resolve: {node} is no primary; to make it one, use SWITCHOVER TO {node}")
            await self._promote(node)
        host, port = keeper.place(node)
        told = []
        for other in found.primaries or found.replicas:
            if other is not node:
                await other.demote(host, port)
                told.append(str(other))
        await keeper.gather_behind(node)
        keeper.settle_on(node)
        await keeper.look()  # so that NODES tells what was done
        return f"{node} is the primary" + (f"; {', '.join(told)} was told to follow it" if told else "")

    @staticmethod
    async def _promote(node: Node) -> None:
        """Nobody is primary, as where a new one restarted before it could keep its role: each follows the
        other."""
        promotion = Promotion(node)
        try:
            if await promotion.ask(RESOLVE_SECONDS) is not Outcome.PRIMARY:
                raise CalledOff(f"resolve: {promotion.why}")
        finally:
            promotion.close()
