"""CLIENT TRACKING: what a client still keeps when nobody writes any more is what the primary holds."""

from collections.abc import Iterator

from tests.chaos.history import Cached, Fault, Final, History


def check(history: History, final: Final) -> Iterator[Fault]:
    for cached in history.of(Cached):
        key = cached.key
        there = final.registers[key] if key in final.registers else str(final.counters.get(key, ""))
        if cached.value != there:
            text = f"{cached.span.client} keeps {cached.value!r} for {key}, which is {there!r}"
            yield Fault("stale for ever", text)
