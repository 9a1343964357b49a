"""Each subscriber gets every message of each publisher once and in order, for as long as it is subscribed."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

from tests.chaos.history import Fate, Fault, Final, Heard, History, Publish, Subscription, by_key


def check(history: History, final: Final) -> Iterator[Fault]:
    published: dict[tuple[str, str], list[Publish]] = {}
    for message in history.of(Publish):
        published.setdefault((message.channel, message.span.client), []).append(message)
    heard: dict[tuple[str, str, str], list[int]] = {}
    for event in history.of(Heard):
        heard.setdefault((event.span.client, event.channel, event.publisher), []).append(event.number)
    for (subscriber, channel, publisher), numbers in heard.items():
        known = {message.number: message for message in published.get((channel, publisher), [])}
        yield from _order(f"{subscriber} on {channel}, from {publisher}", numbers, known)
    for channel, subscriptions in by_key(history.of(Subscription), "channel").items():
        for subscription in subscriptions:
            for (where, publisher), messages in published.items():
                if where == channel:
                    got = heard.get((subscription.span.client, channel, publisher), [])
                    yield from _all(subscription, messages, got)


def _order(who: str, numbers: Sequence[int], known: dict[int, Publish]) -> Iterator[Fault]:
    seen: set[int] = set()
    highest = 0
    for number in numbers:
        if number in seen:
            yield Fault("message doubled", f"{who}: {number}")
        elif number < highest:
            yield Fault("message out of order", f"{who}: {number} behind {highest}")
        if number not in known:
            yield Fault("message of nobody", f"{who}: {number}")
        elif known[number].span.fate is Fate.REFUSED:
            yield Fault("refused yet applied", f"{who}: {number}")
        seen.add(number)
        highest = max(highest, number)


def _all(subscription: Subscription, messages: Sequence[Publish], got: Sequence[int]) -> Iterator[Fault]:
    begun = [message.span.begun for message in messages]
    first, last = bisect_right(begun, subscription.span.begun), bisect_left(begun, subscription.span.ended)
    there = set(got)
    for message in messages[first:last]:
        due = message.span.fate is Fate.DONE and message.span.ended < subscription.span.ended
        if due and message.number not in there:
            who = f"{subscription.span.client} on {message.channel}, from {message.span.client}"
            yield Fault("message lost", f"{who}: {message.number}, at {message.span.ended:.6f}")
