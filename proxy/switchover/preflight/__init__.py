"""May it begin? The named checks, and the choice of a candidate. Pure: facts in, findings out.

A check is a function from a `Case` to a `Verdict`, and a row in one of three tables: `replication` (does the
candidate follow, and closely), `agreement` (is it configured as the primary is), `surroundings` (who else is
there, is there room, may we do what we must). A new check is a function and a row. A fact that is not there
raises `UnreadError`; `check` makes of it a warning, or where nothing can be judged without it, a refusal.
"""

from collections.abc import Sequence

from proxy.switchover.facts import NodeFacts, Probes, UnreadError, refuse, warn
from proxy.switchover.preflight import agreement, replication, surroundings
from proxy.switchover.preflight.case import Case, Check, Finding, Terms

CHECKS: tuple[tuple[str, Check], ...] = replication.CHECKS + agreement.CHECKS + surroundings.CHECKS


def check(
    primary: NodeFacts, candidate: NodeFacts, others: Sequence[NodeFacts], probes: Probes, terms: Terms
) -> list[Finding]:
    """Return one finding of every check, in the order of the tables; `others` are the remaining nodes."""
    case = Case(primary, candidate, tuple(others), probes, terms)
    return [_find(name, run, case) for name, run in CHECKS]


def _find(name: str, run: Check, case: Case) -> Finding:
    try:
        verdict = run(case)
    except UnreadError as error:
        verdict = refuse(str(error)) if error.vital else warn(f"not checked: {error}")
    return Finding(name, verdict.level, verdict.text)
