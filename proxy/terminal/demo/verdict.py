"""What was lost and what was doubled, told from histories alone.

An operation is *acknowledged* (its reply came), *unknown* (an error came instead: it may have been applied or
not) or was never asked for. Acknowledged ones must be there once, unknown ones once at most.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise

from attrs import field, frozen


@frozen
class Verdict:
    lost: int = 0
    doubled: int = 0
    faults: tuple[str, ...] = ()
    """One sentence for each wrong thing that is neither a loss nor a doubling; they count as errors."""
    notes: tuple[str, ...] = field(default=(), eq=False)
    """Which ones are lost or doubled: sentences that count for nothing."""


def together(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict on several independent histories."""
    verdicts = list(verdicts)
    return Verdict(
        lost=sum(verdict.lost for verdict in verdicts),
        doubled=sum(verdict.doubled for verdict in verdicts),
        faults=tuple(fault for verdict in verdicts for fault in verdict.faults),
        notes=tuple(note for verdict in verdicts for note in verdict.notes),
    )


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict on one history seen on several nodes: what is missing on both is missing once."""
    verdicts = list(verdicts)
    return Verdict(
        lost=max((verdict.lost for verdict in verdicts), default=0),
        doubled=max((verdict.doubled for verdict in verdicts), default=0),
        faults=tuple(dict.fromkeys(fault for verdict in verdicts for fault in verdict.faults)),
        notes=tuple(dict.fromkeys(note for verdict in verdicts for note in verdict.notes)),
    )


def judge_counter(replies: Iterable[int | None], final: int) -> Verdict:
    """A key that one client alone increments by one: each reply is the one before plus one.

    `None` stands for an unknown increment, after which the next reply may or may not have moved by one more.
    `final` is the value that a node has in the end.
    """
    lost = doubled = low = unknown = 0
    for reply in replies:
        if reply is None:
            unknown += 1
            continue
        lost += max(0, low + 1 - reply)
        doubled += max(0, reply - (low + unknown + 1))
        low, unknown = reply, 0
    return Verdict(lost + max(0, low - final), doubled + max(0, final - (low + unknown)))


def judge_shared_counter(written: Collection[int], unknown: int, final: int) -> Verdict:
    """A key that several clients increment by WATCH, GET, MULTI, SET, EXEC: every value is written once.

    `written` are the values whose EXEC was acknowledged. The same value twice means that one client overwrote
    the other's, a conflict that WATCH has missed: an update lost.
    """
    overwritten = len(written) - len(set(written))
    highest = max(written, default=0)
    missing = max(0, highest - len(set(written)) - unknown)
    rolled_back = sum(1 for value in set(written) if value > final)
    return Verdict(
        lost=overwritten + rolled_back,
        doubled=missing + max(0, final - highest - unknown),
    )


def judge_sequence(
    acknowledged: Collection[int],
    unknown: Collection[int],
    seen: Sequence[int],
    left: Sequence[int] = (),
) -> Verdict:
    """Numbers sent in ascending order: each seen, or still left in its place, once, and in that order."""
    counts = Counter([*seen, *left])
    strays = counts.keys() - set(acknowledged) - set(unknown)
    first_time = list(dict.fromkeys(seen))
    overtaken = sum(1 for one, next_one in pairwise(first_time) if next_one < one)
    faults = []
    if strays:
        faults.append(f"{len(strays)} seen that were never sent, or were refused: {sorted(strays)[:5]}")
    if overtaken:
        faults.append(f"{overtaken} out of order")
    lost = [number for number in acknowledged if number not in counts]
    doubled = [number for number, count in counts.items() if count > 1]
    of = f"of {len(acknowledged)} up to {max(acknowledged, default=0)}"
    notes = [f"{what}, {of}: {some[:5]}" for what, some in (("lost", lost), ("doubled", doubled)) if some]
    return Verdict(
        lost=len(lost),
        doubled=sum(counts[number] - 1 for number in doubled),
        faults=tuple(faults),
        notes=tuple(notes),
    )
