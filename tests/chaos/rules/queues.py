"""Every pushed element is taken by one client, once, or is there still; a first-in-first-out queue keeps its
order; nobody's blocking command gives up early, or hangs."""

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import accumulate

from tests.chaos.history import Fate, Fault, Final, History, Pop, Push, by_key

EARLY_SECONDS = 0.005
"""6.2 rounds a timeout to its milliseconds, and a proxy's clock is not the client's."""
LATE_SECONDS = 6.0
"""A noisy machine and a hold are no hang."""


def check(history: History, final: Final) -> Iterator[Fault]:
    pushes, pops = by_key(history.of(Push)), history.of(Pop)
    taken: dict[str, list[Pop]] = {}
    for pop in pops:
        if pop.value is not None:
            taken.setdefault(pop.value, []).append(pop)
    attempted = {push.value for queue in pushes.values() for push in queue}
    for value in taken.keys() - attempted:
        yield Fault("never written", f"{value} was taken by {taken[value][0].span.client}")
    for key, queue in pushes.items():
        lost = sum(pop.span.fate is Fate.UNKNOWN and key in pop.keys for pop in pops)
        yield from _once(key, queue, taken, Counter(final.queues.get(key, ())), lost)
        if key.startswith("fifo:"):
            yield from _in_order(key, queue, taken)
    yield from _patience(pops)


def _once(
    key: str, queue: Sequence[Push], taken: dict[str, list[Pop]], left: Counter[str], lost: int
) -> Iterator[Fault]:
    missing = []
    for push in queue:
        by = taken.get(push.value, [])
        times = len(by) + left[push.value]
        if times > 1:
            who = ", ".join(f"{pop.span.client} at {pop.span.ended:.6f}" for pop in by)
            yield Fault("taken twice", f"{key}: {push.value} by {who}; left {left[push.value]} times")
        elif times and push.span.fate is Fate.REFUSED:
            yield Fault("refused yet applied", f"{key}: {push.value}")
        elif not times and push.span.fate is Fate.DONE:
            missing.append(push)
        for pop in by:
            if pop.span.ended < push.span.begun:
                yield Fault("back in time", f"{key}: {push.value} was taken before it was pushed")
    if len(missing) > lost:
        first = missing[0]
        what = f"{len(missing)}, of which {lost} may have gone to clients without an answer"
        yield Fault(
            "acknowledged and missing", f"{key}: {first.value}, at {first.span.ended:.6f}; in all {what}"
        )


def _in_order(key: str, queue: Sequence[Push], taken: dict[str, list[Pop]]) -> Iterator[Fault]:
    """Pushed earlier, taken no later: of all that was pushed before, the one that was taken last counts."""
    done = sorted(
        (push for push in queue if push.span.fate is Fate.DONE and push.value in taken),
        key=lambda push: push.span.ended,
    )
    ends = [push.span.ended for push in done]
    latest = list(accumulate((taken[push.value][0].span.begun for push in done), max))
    for push in done:
        before = bisect_left(ends, push.span.begun)
        ended = taken[push.value][0].span.ended
        if before and latest[before - 1] > ended:
            yield Fault("out of order", f"{key}: {push.value} was taken before one that was pushed earlier")


def _patience(pops: Sequence[Pop]) -> Iterator[Fault]:
    for pop in pops:
        if pop.span.fate is not Fate.DONE or pop.timeout <= 0:
            continue
        took = pop.span.ended - pop.span.begun
        if pop.value is None and took < pop.timeout - EARLY_SECONDS:
            yield Fault("gave up early", f"{pop.span.client}: nil after {took:.4f} of {pop.timeout} s")
        if not math.isinf(took) and took > pop.timeout + LATE_SECONDS:
            yield Fault("hung", f"{pop.span.client}: {took:.4f} s, where {pop.timeout} were asked for")
