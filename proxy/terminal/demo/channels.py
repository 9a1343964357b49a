"""Publishers that number their messages, and subscribers that see each one once and in order."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from threading import Event
from typing import Any

from attrs import Factory, define

from proxy.terminal.stage.direct import Address

from .clients import UNKNOWN, Client
from .shift import Shift
from .verdict import Verdict, judge_sequence, together

SUBSCRIBED_LIMIT_S = 10
QUIET_LIMIT_S = 2
"""When the publishers have ended and nothing came for so long, nothing more will come."""
PATTERN = "channel:*"


@define
class Channel:
    name: str
    publisher: Client
    sent_at_s: list[float] = Factory(list)
    """When each PUBLISH began, by number."""
    acknowledged: list[int] = Factory(list)
    unknown: list[int] = Factory(list)
    closed: Event = Factory(Event)


@define
class Subscriber:
    client: Client
    by_pattern: bool
    heard: dict[str, list[int]] = Factory(dict)
    """The numbers that arrived, by channel."""
    subscribed: Event = Factory(Event)


class Channels:
    def __init__(self, shift: Shift) -> None:
        self.shift = shift
        self.channels = [Channel(f"channel:{protocol}", shift.hire(protocol=protocol)) for protocol in (2, 3)]
        self.subscribers = [
            Subscriber(shift.hire(protocol=2), by_pattern=False),
            Subscriber(shift.hire(protocol=3), by_pattern=False),
            Subscriber(shift.hire(protocol=2), by_pattern=True),
        ]

    def parts(self) -> Sequence[Callable[[], None]]:
        return [
            *(partial(self.listen, subscriber) for subscriber in self.subscribers),
            *(partial(self.publish, channel) for channel in self.channels),
        ]

    def publish(self, channel: Channel) -> None:
        for subscriber in self.subscribers:
            if not subscriber.subscribed.wait(SUBSCRIBED_LIMIT_S):
                channel.publisher.tally.fault("a subscriber never got its subscriptions confirmed")
        while self.shift.goes_on():
            number = len(channel.sent_at_s)
            channel.sent_at_s.append(time.monotonic())
            reply = channel.publisher.ask(channel.publisher.redis.publish, channel.name, number)
            (channel.unknown if reply is UNKNOWN else channel.acknowledged).append(number)
            self.shift.pace()
        channel.closed.set()

    def listen(self, subscriber: Subscriber) -> None:
        channels = {channel.name: channel for channel in self.channels}
        subscriber.heard = {name: [] for name in channels}
        subscription = subscriber.client.redis.pubsub()
        if subscriber.by_pattern:
            subscriber.client.ask(subscription.psubscribe, PATTERN, answers=0)
        else:
            subscriber.client.ask(subscription.subscribe, *channels, answers=0)
        confirmed = 0
        while True:
            event = subscriber.client.attempt(
                subscription.get_message, timeout=QUIET_LIMIT_S * self.shift.calm
            )
            if event is None or event is UNKNOWN:
                if all(channel.closed.is_set() for channel in self.channels):
                    return
            elif event["type"] in ("subscribe", "psubscribe"):
                confirmed += 1
                if confirmed == (1 if subscriber.by_pattern else len(channels)):
                    subscriber.subscribed.set()
            else:
                self.hear(subscriber, channels[event["channel"].decode()], event)

    def hear(self, subscriber: Subscriber, channel: Channel, event: dict[str, Any]) -> None:
        number = int(event["data"])
        subscriber.client.tally.answered(channel.sent_at_s[number])
        subscriber.heard[channel.name].append(number)

    def judge(self, nodes: Sequence[Address]) -> Verdict:
        """Messages leave no trace on a node: the histories of publishers and subscribers tell all."""
        return together(
            judge_sequence(channel.acknowledged, channel.unknown, subscriber.heard[channel.name])
            for channel in self.channels
            for subscriber in self.subscribers
        )
