"""What the console's commands do: the operator's side of a route."""

import logging
import os
import resource
import time
from collections.abc import Mapping, Sequence

import trio
from attrs import define, field

from proxy.nodes.address import Address
from proxy.nodes.errors import NodeError
from proxy.nodes.node import Node
from proxy.nodes.promotion import Outcome, Promotion
from proxy.nodes.roster import describe, survey
from proxy.relay.client import Client
from proxy.relay.examination import Examination, examine
from proxy.relay.keeper import WITHIN, Keeper
from proxy.relay.route import Route
from proxy.relay.stage import Stage
from proxy.release import VERSION
from proxy.session.sharing import pinned
from proxy.settings import Settings
from proxy.switchover.errors import Busy, CalledOff, Refused, SwitchoverError
from proxy.switchover.preflight.case import Finding, Terms
from proxy.switchover.report import UNKNOWN, Report
from proxy.switchover.story import Bounds, switch_over
from proxy.wire.counting import COMPILED

log = logging.getLogger("baton")

RESOLVE_SECONDS = 5.0
DESCRIPTORS_BESIDE = 32
"""Descriptors that a switchover may need beside one for each warm lane."""


@define(eq=False)
class Steering:
    """Performs :class:`proxy.admin.operator.Operator`."""

    route: Route
    keeper: Keeper
    settings: Settings
    instance: str
    report: Report | None = None
    """Of the switchover under way, or else of the last one."""
    done: int = 0
    _under_way: bool = False
    _stage: Stage | None = None
    _began: float = field(factory=time.monotonic)

    def nodes(self) -> Sequence[str]:
        found = self.keeper.last
        lines = []
        for node in self.route.nodes:
            standing = found.standings.get(node) if found else None
            line = describe(standing) if standing else (found.silent.get(node) if found else None)
            mark = "* " if node is self.route.primary else "  "
            lines.append(mark + (line or f"{node}: not asked yet"))
        return [*lines, *([f"! {self.keeper.why}"] if self.keeper.why else [])]

    def clients(self) -> Sequence[str]:
        held = self.route.reactor.held_back
        return [_client_line(client, client.fd in held) for client in self.route.clients]

    def info(self) -> Mapping[str, Mapping[str, object]]:
        route = self.route
        return {
            "Server": {
                "baton_version": VERSION,
                "process_id": os.getpid(),
                "instance": self.instance,
                "counting": "compiled" if COMPILED else "plain",
                "uptime_in_seconds": int(time.monotonic() - self._began),
            },
            "Clients": {
                "connected_clients": len(route.clients),
                "total_connections_received": route.accepted,
                "lanes": len(route.own_lanes()),
                "shared_lanes": sum(not lane.closed for lane in route.lanes),
                "blocked_clients": sum(client.session.blocked is not None for client in route.clients),
                "pubsub_clients": sum(client.session.subscriptions is not None for client in route.clients),
                "lost_lanes": route.lost_lanes,
                "handler_faults": route.reactor.crashed,
            },
            "Route": {
                "primary": route.primary or "",
                "nodes": len(route.nodes),
                "gate": "closed: " + ", ".join(route.gate.reasons) if route.gate.closed else "open",
                "waiting_clients": len(route.gate.queue) + len(route.reactor.held_back),
                "scripts": len(route.common.scripts),
            },
            "Switchover": {"switchovers_done": self.done, **self.status()},
        }

    def status(self) -> Mapping[str, str | int]:
        return self.report.status() if self.report is not None else {"state": "none yet"}

    async def check(self, to: str | None) -> Sequence[Finding]:
        self._none_under_way()
        return (await self._examine(to)).findings

    async def switchover(self, to: str | None, budget_ms: int | None) -> Report:
        self._none_under_way()
        self._under_way = True
        self.report = report = Report(trio.current_time)
        try:
            async with self.keeper.watching:
                await self._switch_over(report, to, (budget_ms or self.settings.budget_ms) / 1000)
        except SwitchoverError as fault:
            report.outcome = f"{fault.kind.lower()}: {fault}"
            log.warning("switchover %s", report.outcome)
            raise
        except Exception as bug:
            report.outcome = f"failed: {type(bug).__name__}: {bug}"
            raise
        finally:
            self._under_way = False
            report.end()
        self.done += 1
        log.info("switchover from %s to %s: held for %.1f ms", report.origin, report.target, report.hold_ms)
        for note in report.notes:
            log.warning("switchover: %s", note)
        return report

    async def _switch_over(self, report: Report, to: str | None, budget: float) -> None:
        route = self.route
        with report.at("preflight"):
            found = await self._examine(to)
            if found.refusal is not None:
                raise Refused(f"{found.refusal.name}: {found.refusal.text}")
        assert route.primary is not None and found.candidate is not None and found.follow is not None
        report.origin, report.target = str(route.primary), str(found.candidate)
        report.notes += [f"{each.name}: {each.text}" for each in found.findings if each.verdict == "warn"]
        others = [node for node in route.nodes if node not in (route.primary, found.candidate)]
        stage = Stage(route, route.primary, found.candidate, others, found.follow, report, budget)
        self._stage = stage
        fence = max(self.settings.fence_ms / 1000, 2 * budget)
        await switch_over(stage, Bounds(budget, fence), report)
        route.suspect.set()

    async def _examine(self, to: str | None) -> Examination:
        route = self.route
        if route.primary is None:
            raise Refused(f"primary: there is none: {self.keeper.why}")
        wanted = self._node(to) if to is not None else None
        terms = Terms(
            instance=self.instance,
            lanes=len(route.own_lanes()) + len(list(route.lanes)),
            max_lag_bytes=self.settings.max_lag_bytes,
            allow_sentinel=self.settings.allow_sentinel,
        )
        found = await examine(route.primary, route.nodes, wanted, terms, self.keeper.announce)
        findings = [*found.findings, _descriptors(terms.lanes)]
        return Examination(findings, found.candidate, found.follow)

    async def resolve(self, address: str) -> str:
        node = self._node(address)
        if self._under_way and self.report is not None and self.report.outcome == UNKNOWN:
            return self._decide(node)
        self._none_under_way()
        self._under_way = True
        try:
            async with self.keeper.watching:
                with trio.fail_after(RESOLVE_SECONDS):
                    return await self._resolve(node)
        except (NodeError, trio.TooSlowError) as fault:
            raise CalledOff(f"resolve: {fault or 'a node did not answer in time'}") from fault
        finally:
            self._under_way = False
            self.route.suspect.set()

    def _decide(self, node: Node) -> str:
        """Nobody can find out whether the candidate was promoted, and the clients wait: the operator's
        word."""
        assert self._stage is not None
        if node is not self._stage.old:
            raise Refused(f"resolve: {node} has not answered since it was told to be primary; it is asked on")
        self._stage.decision = node
        return (
            f"{node} stays the primary; keep {self._stage.new} away from clients until it is a replica again"
        )

    async def _resolve(self, node: Node) -> str:
        """The operator decides: this one is the primary, and who else claims to be follows it."""
        self.keeper.last = found = await survey(self.route.nodes, WITHIN)
        if node not in found.primaries:
            if found.primaries or node not in found.replicas:
                raise Refused(f"resolve: {node} is no primary; to make it one, use SWITCHOVER TO {node}")
            await self._promote(node)
        host, port = self.keeper.place(node)
        told = []
        for other in found.primaries or found.replicas:
            if other is not node:
                await other.demote(host, port)
                told.append(str(other))
        await self.keeper.gather_behind(node)
        self.keeper.settle_on(node)
        await self.keeper.look()  # so that NODES tells what was done
        return f"{node} is the primary" + (f"; {', '.join(told)} was told to follow it" if told else "")

    async def _promote(self, node: Node) -> None:
        """Nobody is primary, as where a new one restarted before it could keep its role: each follows the
        other."""
        promotion = Promotion(node)
        try:
            if await promotion.ask(RESOLVE_SECONDS) is not Outcome.PRIMARY:
                raise CalledOff(f"resolve: {promotion.why}")
        finally:
            promotion.close()

    def _node(self, address: str) -> Node:
        node = self.route.node(Address.parse(address))
        if node is None:
            raise Refused(
                f"candidate: {address} is not among the nodes: {', '.join(map(str, self.route.nodes))}"
            )
        return node

    def _none_under_way(self) -> None:
        if self._under_way:
            where = f"{self.report.step}: {self.report.outcome}" if self.report else "resolving"
            raise Busy(f"a switchover is under way ({where}); SWITCHOVER STATUS tells more")


def _descriptors(lanes: int) -> Finding:
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = limit - len(os.listdir("/proc/self/fd"))
    text = f"{free} of {limit} descriptors are free, {lanes + DESCRIPTORS_BESIDE} are needed"
    return Finding("descriptors", "ok" if free >= lanes + DESCRIPTORS_BESIDE else "refuse", text)


def _client_line(client: Client, held: bool) -> str:
    session = client.session
    doing = [
        word
        for word, so in (
            ("multi", session.transaction),
            ("watch", session.watch),
            ("blocked", session.blocked),
            ("subscribed", session.subscriptions),
            ("waiting", client.waiting or held),
            ("monitor", session.monitoring),
            ("silent", session.mute),
        )
        if so
    ]
    return (
        f"id={client.number} addr={client.peer_name} user={session.user.decode('utf-8', 'replace')}"
        f" resp={session.protocol} db={session.db} {_lane(client)} unread={client.unsent_bytes}"
        f" state={','.join(doing) or 'plain'}"
    )


def _lane(client: Client) -> str:
    """Which lane it is on, and why, if others do not share it; and what that owes it."""
    lane = client.lane
    if lane is None:
        return "lane=none owed=0"
    if lane.shared:
        return f"lane=shared owed={client.owed}"
    why = pinned(client.session) or client.why or "mode"
    return f"lane=private why={why.replace(' ', '-').lower()} owed={len(lane.ledger)}"
