"""What was acknowledged to a program, held against what it saw and what the nodes have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

from attrs import define, field

from proxy.terminal.stage.direct import Address, connect

SENTINELS: Final = {0, 10**9}
"""What a program sends last of all, to tell its readers to go home; see ledger.py."""
SHOWN = 8
"""Numbers shown of those that are lost or doubled."""

READERS: Final[Mapping[str, Callable[[Any, str], list[int]]]] = {
    "list": lambda node, key: [int(number) for number in node.lrange(key, 0, -1)],
    "zset": lambda node, key: [int(number) for number in node.zrange(key, 0, -1)],
    "stream": lambda node, key: [int(fields[b"n"]) for _, fields in node.xrange(key)],
    "counter": lambda node, key: list(range(1, int(node.get(key) or 0) + 1)),
}
"""How the numbers in a place are read, by its kind."""


@define
class Verdict:
    lost: int = 0
    doubled: int = 0
    faults: list[str] = field(factory=list)
    """A sentence for each thing that is wrong."""


def judge(report: Mapping[str, Any], nodes: Sequence[Address]) -> Verdict:
    """The verdict on one program; what is wrong on both nodes is wrong once."""
    verdict = Verdict(lost=report["missed"])
    for history in report["histories"]:
        worst = max((judge_history(history, node) for node in nodes), key=lambda one: one.lost + one.doubled)
        verdict.lost += worst.lost
        verdict.doubled += worst.doubled
        verdict.faults += worst.faults
    for db, stream, group in report["groups"]:
        for node in nodes:
            with connect(node, db=db) as direct:
                pending = direct.xpending(stream, group)["pending"]
            if pending:
                verdict.faults.append(f"{stream}: {pending} entries are pending on {node}")
    return verdict


def judge_history(history: Mapping[str, Any], node: Address) -> Verdict:
    left: list[int] = []
    if place := history["place"]:
        with connect(node, db=place["db"]) as direct:
            left = READERS[place["kind"]](direct, place["key"])
    return compare(history, left)


def compare(history: Mapping[str, Any], left: Sequence[int]) -> Verdict:
    """Every acknowledged number seen or left, once; an unknown one once at most; in order, where said."""
    found = [number for number in (*history["seen"], *left) if number not in SENTINELS]
    counts = Counter(found)
    lost = [number for number in history["acknowledged"] if not counts[number]]
    doubled = {number: count - 1 for number, count in counts.items() if count > 1}
    strays = counts.keys() - set(history["acknowledged"]) - set(history["unknown"])
    verdict = Verdict(lost=len(lost), doubled=sum(doubled.values()))
    name = history["name"]
    for what, numbers in (("lost", lost), ("doubled", [*doubled]), ("never sent", sorted(strays))):
        if numbers:
            verdict.faults.append(f"{name}: {len(numbers)} {what}: {numbers[:SHOWN]}")
    overtaken = [pair for pair in pairwise(dict.fromkeys(found)) if pair[1] < pair[0]]
    if history["ordered"] and overtaken:
        verdict.faults.append(f"{name}: {len(overtaken)} out of order: {overtaken[:SHOWN]}")
    return verdict
