"""INCR: every acknowledged one counts once, and each gets a number of its own."""

from collections.abc import Iterator

from tests.chaos.history import Count, Fate, Fault, Final, History, Look, by_key
from tests.chaos.rules.order import Moment, backwards


def check(history: History, final: Final) -> Iterator[Fault]:
    counts, looks = by_key(history.of(Count)), by_key(history.of(Look))
    for key in counts.keys() | looks.keys():
        yield from _sum(key, counts.get(key, []), final.counters.get(key, 0))
        moments = [
            Moment(count.span, count.number, True, "counts")
            for count in counts.get(key, [])
            if count.number is not None
        ]
        moments += [Moment(look.span, look.number, False, "looks") for look in looks.get(key, [])]
        yield from backwards(key, moments)


def _sum(key: str, counts: list[Count], end: int) -> Iterator[Fault]:
    done = [count for count in counts if count.span.fate is Fate.DONE]
    unknown = sum(count.span.fate is Fate.UNKNOWN for count in counts)
    if end < len(done):
        yield Fault("acknowledged and missing", f"{key}: {len(done)} were acknowledged, it says {end}")
    if end > len(done) + unknown:
        yield Fault("applied twice", f"{key}: {len(done)} acknowledged, {unknown} unknown, it says {end}")
    owners: dict[int, str] = {}
    for count in done:
        if count.number is None:
            continue
        if count.number in owners:
            who = f"{owners[count.number]} and {count.span.client}"
            yield Fault("the same number twice", f"{key}: {count.number}, {who}")
        owners[count.number] = count.span.client
