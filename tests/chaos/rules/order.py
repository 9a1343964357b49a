"""No read goes back in time: the rule that all that only grows has in common.

A log, a counter, a chain of swaps: each has a length that only grows. Whoever appends sees the length that it
makes, whoever reads sees the length that it finds. If one ended before another began, then the other finds no
less, and makes more.
"""

from collections.abc import Iterable, Iterator

from attrs import frozen

from tests.chaos.history import Fault, Span


@frozen
class Moment:
    """A length that was seen, or made."""

    span: Span
    length: int
    grows: bool
    what: str


def backwards(key: str, moments: Iterable[Moment]) -> Iterator[Fault]:
    """Each moment against all that ended before it began; of these, the longest is what counts."""
    by_begin = sorted(moments, key=lambda moment: moment.span.begun)
    by_end = iter(sorted(by_begin, key=lambda moment: moment.span.ended))
    ended = next(by_end, None)
    longest: Moment | None = None
    for moment in by_begin:
        while ended is not None and ended.span.ended < moment.span.begun:
            if longest is None or ended.length > longest.length:
                longest = ended
            ended = next(by_end, None)
        if longest is not None and moment.length < longest.length + moment.grows:
            now = f"{moment.span.client} {moment.what} ({moment.length}) at {moment.span.begun:.6f}"
            then = f"{longest.span.client} {longest.what} ({longest.length}), over {longest.span.ended:.6f}"
            yield Fault("back in time", f"{key}: {now}, after {then}")
