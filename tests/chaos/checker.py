"""The judgement: every rule over one history."""

from collections import Counter
from collections.abc import Iterable, Sequence

from tests.chaos.history import Fault, Final, History
from tests.chaos.rules import answers, caches, counters, logs, messages, queues, swaps

RULES = (answers, caches, logs, counters, swaps, queues, messages)
SHOWN = 3
"""Faults of a rule that are written out; the rest are counted."""


def judge(history: History, final: Final) -> list[Fault]:
    """Return all that does not hold."""
    return [fault for rule in RULES for fault in rule.check(history, final)]


def told(faults: Iterable[Fault]) -> str:
    """Return the faults in lines of text, rule by rule, the most frequent first."""
    by_rule: dict[str, list[Fault]] = {}
    for fault in faults:
        by_rule.setdefault(fault.rule, []).append(fault)
    lines = []
    for rule, count in _counted(by_rule):
        lines.append(f"{rule}, {count} times:")
        lines += [f"    {fault.text}" for fault in by_rule[rule][:SHOWN]]
    return "\n".join(lines)


def _counted(by_rule: dict[str, list[Fault]]) -> Sequence[tuple[str, int]]:
    return Counter({rule: len(faults) for rule, faults in by_rule.items()}).most_common()
