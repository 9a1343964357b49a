"""Subscribers: what they hear, and from when to when they were subscribed."""

import select
import time
from collections.abc import Callable, Sequence
from typing import Any

import attrs

from tests.chaos import deeds
from tests.chaos.history import Cached, Event, Heard, Noticed, Span, Subscription
from tests.chaos.player import LostError, Player
from tests.chaos.programs import CHANNELS, REGISTERS, SHARD

LOOK_SECONDS = 0.02
SPOKEN = {"message": 2, "smessage": 2, "pmessage": 3}
"""Where the words of a message begin, by its kind; the channel stands before them."""


@attrs.define(eq=False)
class Listener:
    """One subscriber on one connection."""

    player: Player
    _since: dict[str, float] = attrs.field(factory=dict)
    """When each channel's subscription was confirmed."""
    _confirmed: list[str] = attrs.field(factory=list)

    def take(self, value: Any) -> None:
        """A message, or a confirmation."""
        now = time.monotonic()
        kind = value[0] if isinstance(value, list) and len(value) > 1 and isinstance(value[0], str) else ""
        at = SPOKEN.get(kind, 0)
        publisher, _, number = str(value[at]).rpartition("#") if 0 < at < len(value) else ("", "", "")
        if number.isdigit():
            self._write(Heard(Span(self.player.name, now, now), str(value[at - 1]), publisher, int(number)))
        elif kind.endswith("subscribe"):
            self._confirmed.append(kind)
        else:
            self._write(Noticed(Span(self.player.name, now), f"is no message: {value!r}"))

    def tell(self, *words: str) -> None:
        """Send a command that is confirmed once for each name, and wait for that."""
        self._confirmed.clear()
        self.player.talk.send(*words)
        while len(self._confirmed) < len(words) - 1:
            self.take(self._next())

    def begin(self, form: str, names: Sequence[str], channels: Sequence[str]) -> None:
        self.tell(form, *names)
        self._since.update(dict.fromkeys(channels, time.monotonic()))

    def end(self, form: str, names: Sequence[str], channels: Sequence[str]) -> None:
        """What was published until now counts still: it comes ahead of the confirmation."""
        asked = time.monotonic()
        self.tell(f"{form[: form.index('SUB')]}UN{form[form.index('SUB') :]}", *names)
        for channel in channels:
            span = Span(self.player.name, self._since.pop(channel), asked)
            self._write(Subscription(span, channel))

    def listen(self) -> None:
        """Take what comes within a moment."""
        talk = self.player.talk
        if not talk.is_quiet() or select.select([talk.socket], [], [], LOOK_SECONDS)[0]:
            self.take(self._next())

    def _next(self) -> Any:
        try:
            return self.player.talk.reply()
        except (OSError, EOFError) as fault:
            self.player.notice(f"subscribed: {type(fault).__name__} {fault}")
            raise LostError from fault

    def _write(self, event: Event) -> None:
        self.player.events.append(event)


def subscriber(form: str, names: Sequence[str], channels: Sequence[str]) -> Callable[[Player], None]:
    """Subscribed from the first to the last."""

    def program(player: Player) -> None:
        listener = Listener(player)
        listener.begin(form, names, channels)
        while not player.stopping.is_set():
            listener.listen()
        listener.end(form, names, channels)

    return program


def fickle(player: Player) -> None:
    """Comes and goes on one of two channels."""
    listener = Listener(player)
    listener.begin("SUBSCRIBE", CHANNELS[:1], CHANNELS[:1])
    while not player.stopping.is_set():
        listener.begin("SUBSCRIBE", CHANNELS[1:], CHANNELS[1:])
        end = time.monotonic() + player.dice.random() * 0.2
        while time.monotonic() < end:
            listener.listen()
        listener.end("SUBSCRIBE", CHANNELS[1:], CHANNELS[1:])
    listener.end("SUBSCRIBE", CHANNELS[:1], CHANNELS[:1])


def busy(player: Player) -> None:
    """RESP3: asks and counts while messages come in between."""
    listener = Listener(player)
    player.pushed = listener.take
    listener.begin("SUBSCRIBE", CHANNELS, CHANNELS)
    while player.goes_on(rest_ms=3):
        player.do(deeds.echo(player.fresh()), deeds.count("counter:busy"))
    listener.end("SUBSCRIBE", CHANNELS, CHANNELS)


def caching(player: Player) -> None:
    """RESP3: keeps what it has read until it is told that somebody wrote."""
    kept: dict[str, str] = {}

    def forget(push: Any) -> None:
        if push[0] != "invalidate":
            player.notice(f"a push that nobody asked for: {push!r}")
        elif push[1] is None:
            kept.clear()
        for key in push[1] or ():
            kept.pop(key, None)

    player.pushed = forget
    player.ask("CLIENT", "TRACKING", "ON")
    while player.goes_on(rest_ms=4):
        key = player.dice.choice((*REGISTERS, "counter:0", "counter:1"))
        if key not in kept and (value := player.ask("GET", key)) is not None:
            kept[key] = value
    player.ask("PING")  # what was to be told before is told by now
    now = time.monotonic()
    player.events += [Cached(Span(player.name, now, now), key, value) for key, value in kept.items()]


everything = subscriber("SUBSCRIBE", CHANNELS, CHANNELS)
by_pattern = subscriber("PSUBSCRIBE", ("news:*",), CHANNELS)
sharded = subscriber("SSUBSCRIBE", (SHARD,), (SHARD,))
