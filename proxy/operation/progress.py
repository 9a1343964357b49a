"""A switchover as events: one as it begins, one at the end of each step, exactly one when it is over."""

from typing import Any

from proxy.switchover.report import ASKING, HELD, RELEASED, Report
from proxy.telling import tell

ENDED = {
    "preflight": "+preflight",
    "warm": "+warmed",
    "hold": "+drained",
    "pause": "+paused",
    "converge": "+converged",
    "promote": "+promoted",
    "demote": "+demoted",
    "swap": "+swapped",
    "settle": "+settled",
}
"""The event that tells the end of each step."""
_UNDONE = {"REFUSED": "-refused", "CALLEDOFF": "-called-off"}
"""By the kind of error."""


def tell_begin(report: Report, to: str | None, budget_ms: int, dry_run: bool = False) -> None:
    """It begins; from now on its steps are told as they end."""
    number = report.number
    more: dict[str, Any] = {"dry_run": True} if dry_run else {}
    tell("+switchover", switchover=number, to=to or "whichever is fit", budget_ms=budget_ms, **more)

    def reached(what: str, ms: float) -> None:
        if what == RELEASED:
            tell("+released", switchover=number, hold_ms=ms)
        elif what == HELD:
            tell("+held", switchover=number, budget_ms=budget_ms)
        elif what == ASKING:
            tell("-promotion-unknown", switchover=number, ms=ms)
        else:
            tell(ENDED[what], switchover=number, ms=ms)

    report.progress = reached


def tell_end(report: Report) -> None:
    """It is over: its outcome stands in the report."""
    number = report.number
    for note in report.notes:
        tell("-note", switchover=number, note=note)
    if not report.kind:
        tell(
            "+switched-over",
            switchover=number,
            outcome=report.outcome,
            from_=report.origin,
            to=report.target,
            hold_ms=report.hold_ms,
            ms=report.elapsed_ms,
            clients_carried=report.clients_carried,
            clients_closed=report.clients_closed,
            clients_held=report.clients_held,
            full_resyncs=report.full_resyncs,
        )
    else:
        tell(_UNDONE.get(report.kind, "-failed"), switchover=number, kind=report.kind, why=report.why)
