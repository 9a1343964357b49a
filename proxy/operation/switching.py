"""The switchover as an operator has it: checked, rehearsed, done, called off, and remembered."""

import resource
import time
from collections import deque
from collections.abc import Sequence

import trio
from attrs import define, field

from proxy.nodes.node import Node
from proxy.nodes.roster import survey
from proxy.operation.ground import Ground
from proxy.operation.holding import BY_HAND
from proxy.operation.process import open_files
from proxy.operation.progress import tell_begin, tell_end
from proxy.relay.examination import Examination, examine
from proxy.relay.keeper import WITHIN
from proxy.relay.stage import Stage
from proxy.switchover.errors import Busy, CalledOff, Refused, SwitchoverError
from proxy.switchover.preflight.case import Finding, Terms
from proxy.switchover.report import STEPS, UNKNOWN, Report
from proxy.switchover.story import Bounds, rehearse, switch_over

HISTORY_MAX = 100
"""Switchovers that are remembered."""
DESCRIPTORS_BESIDE = 32
"""Descriptors that a switchover may need beside one for each warm lane."""


@define(eq=False)
class Switching:
    """One at a time."""

    ground: Ground
    report: Report | None = None
    """Of the one under way, or else of the last one."""
    history: deque[Report] = field(factory=lambda: deque(maxlen=HISTORY_MAX))
    """The newest first."""
    done: int = 0
    stage: Stage | None = None
    """Of the one that was the last to get so far."""
    _begun: int = 0
    _scope: trio.CancelScope | None = None
    """Around the one under way."""

    async def check(self, to: str | None) -> Sequence[Finding]:
        self.ground.none_under_way()
        return (await self._examine(to)).findings

    async def switchover(self, to: str | None, budget_ms: int | None, dry_run: bool = False) -> Report:
        """See :class:`proxy.admin.operator.Operator`. Cancelled before the edge it is undone."""
        ground = self.ground
        if BY_HAND in ground.route.gate.reasons:
            raise Busy("the clients are held by hand; RELEASE comes first")
        if ground.leaving:
            raise Refused("drain: the proxy is leaving")
        with ground.alone(self.where):
            self._begun += 1
            self.report = report = Report(trio.current_time, self._begun, time.time())
            self.history.appendleft(report)
            budget = budget_ms or ground.settings.budget_ms
            tell_begin(report, to, budget, dry_run)
            try:
                await self._cancellable(report, to, budget / 1000, dry_run)
            except BaseException as fault:
                self._undone(report, fault)
                raise
            finally:
                report.end()
                tell_end(report)
        self.done += not dry_run
        return report

    def where(self) -> str:
        """How far the one under way has come."""
        assert self.report is not None
        step, outcome = self.report.step, self.report.outcome
        return f"a switchover is under way ({step}: {outcome}); SWITCHOVER STATUS tells more"

    async def _cancellable(self, report: Report, to: str | None, budget: float, dry_run: bool) -> None:
        try:
            with trio.CancelScope() as self._scope:
                async with self.ground.keeper.watching:
                    await self._direct(report, to, budget, dry_run)
            if self._scope.cancelled_caught:
                raise CalledOff(f"{report.step or STEPS[0]}: cancelled by the operator")
        finally:
            self._scope = None

    @staticmethod
    def _undone(report: Report, fault: BaseException) -> None:
        if isinstance(fault, SwitchoverError):
            report.undone(fault.kind, str(fault))
        elif isinstance(fault, Exception):
            report.undone("FAILED", f"{type(fault).__name__}: {fault}")
        else:
            report.undone("CALLEDOFF", f"{report.step or STEPS[0]}: the proxy is leaving")

    async def _direct(self, report: Report, to: str | None, budget: float, dry_run: bool) -> None:
        ground, route = self.ground, self.ground.route
        with report.at("preflight"):
            found = await self._examine(to)
            if found.refusal is not None:
                raise Refused(f"{found.refusal.name}: {found.refusal.text}")
        assert route.primary is not None and found.candidate is not None and found.follow is not None
        report.origin, report.target = str(route.primary), str(found.candidate)
        report.notes += [f"{each.name}: {each.text}" for each in found.findings if each.verdict == "warn"]
        others = [node for node in route.nodes if node not in (route.primary, found.candidate)]
        stage = Stage(route, route.primary, found.candidate, others, found.follow, report, budget)
        if dry_run:
            stage.rehearsal = True
            await rehearse(stage, report)
            return
        self.stage = stage
        fence = max(ground.settings.fence_ms / 1000, 2 * budget)
        await switch_over(stage, Bounds(budget, fence), report)
        with trio.CancelScope(shield=True):  # it is done, whoever leaves meanwhile
            ground.keeper.last = await survey(route.nodes, WITHIN)  # so that NODES tells what was done
        route.suspect.set()

    def cancel(self) -> str:
        """Call off the one under way; tells at which step. The story looks one last time at its edge, so what
        is answered here is so."""
        report, scope = self.report, self._scope
        if report is None or scope is None:
            raise Refused("cancel: no switchover is under way")
        step = report.step or STEPS[0]
        if STEPS.index(step) >= STEPS.index("promote"):
            raise Refused(
                f"cancel: too late, it is at {step}, and from the promotion on it is carried through"
            )
        scope.cancel()
        return step

    @property
    def unknown(self) -> bool:
        """Nobody can find out whether the candidate was promoted, and the clients wait."""
        return self._scope is not None and self.report is not None and self.report.outcome == UNKNOWN

    def decide(self, node: Node) -> str:
        """The operator's word, where it is unknown."""
        assert self.stage is not None
        if node is not self.stage.old:
            raise Refused(f"resolve: {node} has not answered since it was told to be primary; it is asked on")
        self.stage.decision = node
        return (
            f"{node} stays the primary; keep {self.stage.new} away from clients until it is a replica again"
        )

    async def _examine(self, to: str | None) -> Examination:
        ground, route = self.ground, self.ground.route
        if route.primary is None:
            raise Refused(f"primary: there is none: {ground.keeper.why}")
        wanted = ground.node(to) if to is not None else None
        terms = Terms(
            instance=ground.instance,
            lanes=len(route.own_lanes()) + len(list(route.lanes)),
            max_lag_bytes=ground.settings.max_lag_bytes,
            allow_sentinel=ground.settings.allow_sentinel,
        )
        found = await examine(route.primary, route.nodes, wanted, terms, ground.keeper.announce)
        findings = [*found.findings, await _descriptors(terms.lanes)]
        return Examination(findings, found.candidate, found.follow)


async def _descriptors(lanes: int) -> Finding:
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = limit - await open_files()
    text = f"{free} of {limit} descriptors are free, {lanes + DESCRIPTORS_BESIDE} are needed"
    return Finding("descriptors", "ok" if free >= lanes + DESCRIPTORS_BESIDE else "refuse", text)
