"""The keeper watches over the nodes: finds the primary at the start, and notices what changes outside a
switchover.

It moves no clients by a failover; that is for later. It knows one primary, or the gate stays closed.
"""

from collections.abc import Mapping

import trio
from attrs import define, field

from proxy.nodes.errors import NodeError
from proxy.nodes.node import Node
from proxy.nodes.recovery import finish
from proxy.nodes.roster import Survey, survey
from proxy.relay.route import Route
from proxy.switchover.facts import Standing
from proxy.switchover.succession import Ambiguous, Finish, Settled, decide
from proxy.telling import tell

NO_PRIMARY = "no primary"
EVERY = 1.0
"""Seconds between two looks; sooner when a lane dies unasked."""
SUSPECT_PAUSE = 0.05
"""Seconds at least between two looks, however many lanes die."""
FINISH_SECONDS = 5.0
WITHIN = 1.0
"""Seconds that a node may take to say who it is."""


@define(eq=False)
class Keeper:
    """One route's keeper."""

    route: Route
    announce: Mapping[Node, tuple[str, int]]
    no_primary_wait: float
    """Seconds for which clients are held while there is no primary."""
    last: Survey | None = None
    why: str = ""
    """Why there is no primary, or what is wrong with the others; empty if all is well."""
    watching: trio.Lock = field(factory=trio.Lock)
    """Held by whoever changes roles: the keeper, a switchover, an operator who resolves."""
    _served: Standing | None = None
    """As what the primary was seen last."""
    _beside: frozenset[str] = frozenset()
    """Who called themselves primary at that time, too, though clients were served there; their run ids."""
    _lost_at: float | None = None
    """When the gate was closed for want of a primary."""

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            if not self.watching.locked():
                async with self.watching:
                    await self._look_safely()
            self._tire()
            with trio.move_on_after(EVERY):
                await self.route.suspect.wait()
            self.route.suspect = trio.Event()
            await trio.sleep(SUSPECT_PAUSE)

    async def _look_safely(self) -> None:
        """A fault of ours must not take the proxy down, and with it clients whose lanes are in order."""
        try:
            await self.look()
        except Exception:
            tell("-fault", where="looking after the nodes", exc_info=True)

    async def look(self) -> None:
        """Ask the nodes who they are, and act on it. To be called by who holds ``watching``."""
        self._remember(self.last)  # a switchover may have looked meanwhile
        self.last = found = await survey(self.route.nodes, WITHIN)
        self._remember(found)
        silent = "; ".join(["", *found.silent.values()])
        match decide(found.claims, found.witnesses):
            case Settled(primary) if self._is_stranger(found, primary):
                who, of_whom = primary.address, self.route.primary
                why = f"{who} calls itself primary, but did not take over from {of_whom}"
                self._keep_or_close(found, f"{why}{silent}; SWITCHOVER RESOLVE host:port decides")
            case Settled(primary):
                if self.route.primary is None and primary.second_offset >= 0:
                    # It was promoted once, perhaps by a proxy that died before that was written down.
                    self.route.nursery.start_soon(self._keep_roles, found)
                await self._learn_commands(found.node(primary))
                self.settle_on(found.node(primary))
                self._tell("")
            case Finish(stale, successor) if self.route.primary is found.node(stale):
                # While the old one serves this is somebody's clone: a switchover of ours would know of it.
                self._tell(
                    f"{successor.address} was made primary beside {stale.address}, which goes on serving"
                )
            case Finish(stale, successor, surplus):
                await self._finish(found.node(stale), found.node(successor), surplus)
            case Ambiguous(why):
                self._keep_or_close(found, why + silent)

    def _remember(self, found: Survey | None) -> None:
        primary = self.route.primary
        if found is not None and primary is not None and primary in found.primaries:
            self._served = found.standings[primary]
            self._beside = frozenset(each.run_id for each in found.claims) - {self._served.run_id}

    def _is_stranger(self, found: Survey, claimant: Standing) -> bool:
        """The primary says nothing, and this one is not its successor: a clone, or a replica that was
        restarted without its ``replicaof`` and has old data or none. A pause moves no clients there."""
        primary, served = self.route.primary, self._served
        if primary not in found.silent or served is None or served.address != str(primary):
            return False
        return claimant.run_id in self._beside or served.replid not in (claimant.replid, claimant.replid2)

    async def _learn_commands(self, node: Node) -> None:
        """Without them everything takes the slow way, which is as right."""
        try:
            with trio.fail_after(WITHIN):
                await node.learn_commands()
        except (NodeError, trio.TooSlowError) as fault:
            self._tell(f"what commands {node} has is not known: {fault or 'no answer'}")

    def settle_on(self, node: Node) -> None:
        """This is the primary. Clients whose lanes lead elsewhere are closed, as Redis's own failover
        would."""
        route = self.route
        if route.primary is not node:
            if route.primary is not None:
                tell("-primary-moved", to=node, from_=route.primary)
            else:
                tell("+primary", node=node)
            for client in [client for client in route.clients if client.lane is not None]:
                client.close()
            route.lanes.drop()
        route.lead(node)
        route.gate.open(NO_PRIMARY)

    async def _finish(self, stale: Node, successor: Node, surplus: int) -> None:
        tell("-half-done", node=successor, from_=stale, surplus_bytes=surplus)
        if self.route.primary is not successor:
            self.route.gate.close(NO_PRIMARY)
        try:
            with trio.fail_after(FINISH_SECONDS):
                why = await finish(stale, successor, *self.place(successor))
        except (NodeError, trio.TooSlowError) as fault:
            why = str(fault) or f"{stale} was not demoted within {FINISH_SECONDS:g} s"
        if why:
            self._keep_or_close(self.last, f"{why}; SWITCHOVER RESOLVE host:port decides")
        else:
            tell("+completed", node=successor, from_=stale)
            await self.gather_behind(successor)
            self.settle_on(successor)
            self._tell("")

    def place(self, node: Node) -> tuple[str, int]:
        """Host and port of a node as the others reach it, as far as the settings tell."""
        return self.announce.get(node) or (node.address.host, node.address.port)

    async def _keep_roles(self, found: Survey) -> None:
        for node, standing in found.standings.items():
            if standing.primary or standing.link_up:
                try:
                    with trio.fail_after(WITHIN):
                        await node.rewrite_config()
                except (NodeError, trio.TooSlowError) as fault:
                    tell("-role-not-kept", node=node, why=str(fault) or "no answer")

    async def gather_behind(self, primary: Node) -> None:
        """All others follow the one primary, and all keep their roles over a restart; who does not answer
        later."""
        async with trio.open_nursery() as nursery:
            for node in self.route.nodes:
                nursery.start_soon(self._follow, node, primary)

    async def _follow(self, node: Node, primary: Node) -> None:
        try:
            with trio.fail_after(WITHIN):
                if node is not primary and not (await node.role()).is_primary:
                    await node.follow(*self.place(primary))
                await node.rewrite_config()
        except (NodeError, trio.TooSlowError) as fault:
            tell("-not-following", node=node, primary=primary, why=str(fault) or "no answer")

    def _keep_or_close(self, found: Survey | None, why: str) -> None:
        """No clear primary. The one that served so far goes on as long as it says that it is one, or says
        nothing."""
        current = self.route.primary
        demoted = found is not None and current in found.replicas
        if current is None or demoted:
            self.route.primary = None
            self.route.gate.close(NO_PRIMARY)
            why += "; clients are held" if self.no_primary_wait else ""
        self._tell(why)

    def _tell(self, why: str) -> None:
        if why != self.why:
            self.why = why
            if why:
                tell("-nodes-amiss", why=why)
            else:
                tell("+nodes-well")

    def _tire(self) -> None:
        """Nobody is held for ever because there is no primary."""
        now = self.route.now()
        if NO_PRIMARY not in self.route.gate.reasons:
            self._lost_at = None
        elif self._lost_at is None:
            self._lost_at = now
        elif now - self._lost_at > self.no_primary_wait:
            for waiting in self.route.gate.queue:
                why = f"no primary for {now - self._lost_at:.0f} s"
                tell("-client-closed", client=waiting.number, why=why)
                waiting.close()
