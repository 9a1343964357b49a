"""Lists that are appended to, and streams: every append is there once, every read is a part of the whole."""

from collections import Counter
from collections.abc import Iterator, Sequence

from tests.chaos.history import Append, Fate, Fault, Final, History, Place, Read, Snapshot, by_key
from tests.chaos.rules.order import Moment, backwards

Log = Sequence[tuple[str, Place]]


def check(history: History, final: Final) -> Iterator[Fault]:
    appends, reads = by_key(history.of(Append)), by_key(history.of(Read))
    for key in appends.keys() | reads.keys() | final.logs.keys():
        log = final.logs.get(key, ())
        yield from _written(key, appends.get(key, []), log)
        yield from _read(key, appends.get(key, []), reads.get(key, []), log)
    for shot in history.of(Snapshot):
        if shot.first != shot.second:
            only = set(shot.first) ^ set(shot.second)
            yield Fault("half a transaction", f"{shot.span.client} saw {sorted(only)[:3]} in one list of two")


def _written(key: str, appends: Sequence[Append], log: Log) -> Iterator[Fault]:
    count = Counter(value for value, _ in log)
    for value, times in count.items():
        if times > 1:
            yield Fault("applied twice", f"{key}: {value} is there {times} times")
    places = dict(reversed(log))  # of what is there twice, where it stood first
    attempted = {append.value: append for append in appends}
    for value in places.keys() - attempted.keys():
        yield Fault("never written", f"{key}: {value}")
    for value, append in attempted.items():
        who = f"{key}: {value} of {append.span.client}"
        if append.span.fate is Fate.DONE and value not in places:
            yield Fault("acknowledged and missing", f"{who}, at {append.span.ended:.6f}")
        elif append.span.fate is Fate.REFUSED and value in places:
            yield Fault("refused yet applied", who)
        elif append.place is not None and value in places and places[value] != append.place:
            told = f"was told place {append.place}, and it stands at {places[value]}"
            yield Fault("another place than acknowledged", f"{who} {told}")


def _read(key: str, appends: Sequence[Append], reads: Sequence[Read], log: Log) -> Iterator[Fault]:
    values = tuple(value for value, _ in log)
    index = {value: at for at, value in reversed(list(enumerate(values)))}
    moments = [
        Moment(append.span, index[append.value] + 1, True, f"appends {append.value}")
        for append in appends
        if append.value in index
    ]
    for read in reads:
        start = 0 if read.after is None else index.get(read.after, len(values)) + 1
        end = start + len(read.values)
        if values[start:end] != read.values:
            wanted = [
                seen for seen, there in zip(read.values, values[start:end], strict=False) if seen != there
            ]
            what = f"{wanted[0]} stands elsewhere in the end" if wanted else "it is longer than the end"
            yield Fault("no part of the final log", f"{key}: {read.span.client} behind {read.after}: {what}")
        else:
            moments.append(Moment(read.span, end, False, "reads"))
    yield from backwards(key, moments)
