"""WATCH never misses a conflict: the acknowledged swaps are one chain from the first value to the last."""

from collections.abc import Iterator

from tests.chaos.history import Fate, Fault, Final, History, Swap, by_key
from tests.chaos.rules.order import Moment, backwards

FIRST = ""
"""What the key holds before anybody has written."""


def check(history: History, final: Final) -> Iterator[Fault]:
    for key, swaps in by_key(history.of(Swap)).items():
        by_after = {swap.after: swap for swap in swaps}
        chain: list[Swap] = []
        value = final.registers.get(key, FIRST)
        while value != FIRST and value in by_after and len(chain) <= len(swaps):
            chain.append(by_after[value])
            value = by_after[value].before
        if value != FIRST:
            yield Fault("never written", f"{key}: {value}")
        yield from _conflicts(key, swaps)
        chain.reverse()
        linked = {swap.after for swap in chain}
        for swap in swaps:
            if swap.span.fate is Fate.DONE and swap.after not in linked:
                yield Fault("acknowledged and missing", f"{key}: {swap.after}, at {swap.span.ended:.6f}")
            elif swap.span.fate is Fate.REFUSED and swap.after in linked:
                yield Fault("refused yet applied", f"{key}: {swap.after}")
        yield from backwards(
            key, [Moment(swap.span, length, True, "swaps") for length, swap in enumerate(chain, 1)]
        )


def _conflicts(key: str, swaps: list[Swap]) -> Iterator[Fault]:
    heirs: dict[str, Swap] = {}
    for swap in swaps:
        if swap.span.fate is Fate.DONE and (other := heirs.setdefault(swap.before, swap)) is not swap:
            who = f"{other.span.client} and {swap.span.client} both replaced {swap.before!r}"
            yield Fault(
                "conflict missed", f"{key}: {who}, at {other.span.ended:.6f} and {swap.span.ended:.6f}"
            )
