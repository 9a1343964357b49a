"""A client that writes down what it does: deeds go out alone, in pipelines and in transactions."""

import contextlib
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import attrs
import hiredis

from proxy.wire.encoding import command
from tests.chaos.history import Answer, Event, Fate, Noticed, Span
from tests.talking import Talk

Word = bytes | str | int
Words = tuple[Word, ...]
Told = Callable[[Span, Any], Iterable[Event]]


def _nothing(span: Span, reply: Any) -> Iterable[Event]:
    return ()


def _anything(reply: Any) -> bool:
    return True


@attrs.frozen
class Deed:
    """A command, and what of it goes into the history. ``reply`` is None where there was none that counts."""

    words: Words
    told: Told = _nothing
    fits: Callable[[Any], bool] = _anything
    """Whether a reply can be the answer to this."""


class LostError(Exception):
    """The connection has ended, or an answer did not come in time."""


@attrs.define(eq=False)
class Player:
    """One connection, its dice and its share of the history."""

    name: str
    talk: Talk
    dice: random.Random
    stopping: threading.Event
    calm: float = 1.0
    """By how much its rests are longer than those of its program."""
    bypasses: bool = False
    """It talks to a node itself: there an error is nothing to wonder at."""
    events: list[Event] = attrs.field(factory=list)
    pushed: Callable[[Any], None] | None = None
    """What takes messages and pushes that come between replies."""
    _numbers: int = 0

    def fresh(self) -> str:
        """Return a value that nobody else writes, and that says whose it is."""
        self._numbers += 1
        return f"{self.name}#{self._numbers}"

    def goes_on(self, rest_ms: float = 0.0) -> bool:
        """Rest for a random time, up to twice ``rest_ms``; False once it is time to stop."""
        return not self.stopping.wait(self.dice.random() * rest_ms * self.calm / 500)

    def notice(self, what: str) -> None:
        self.events.append(Noticed(Span(self.name, time.monotonic()), what))

    def ask(self, *words: Word) -> Any:
        """One command that leaves nothing in the history."""
        return self.do(Deed(words))[0]

    def expect_error(self, *words: Word) -> Any:
        """Send a command of which an error is wanted, and return the answer."""
        with self._whatever_happens((), 0.0, ()):
            self.talk.send(*words)
            return self.reply()

    def do(self, *deeds: Deed) -> list[Any]:
        """Send them in one piece, and write down what became of each."""
        begun = time.monotonic()
        replies: list[Any] = []
        with self._whatever_happens(deeds, begun, replies):
            self.talk.socket.sendall(b"".join(command(*deed.words) for deed in deeds))
            for _ in deeds:
                replies.append(self.reply())
        self._write_all_down(deeds, begun, replies)
        return replies

    def transact(self, *deeds: Deed, rest_ms: float = -1.0, watches: bool = False) -> list[Any] | None:
        """Send them within MULTI, in one piece or with rests between; return what EXEC gave, or None.

        Nil is an answer for those only who watch.
        """
        begun = time.monotonic()
        replies: list[Any] = []
        wholes = [("MULTI",), *[deed.words for deed in deeds], ("EXEC",)]
        with self._whatever_happens(deeds, begun, []):
            if rest_ms < 0:
                self.talk.socket.sendall(b"".join(command(*words) for words in wholes))
                replies = [self.reply() for _ in wholes]
            else:
                for words in wholes:
                    if words[0] == "EXEC":
                        begun = time.monotonic()
                    self.talk.send(*words)
                    replies.append(self.reply())
                    self.goes_on(rest_ms)
        ended = time.monotonic()
        *queued, executed = replies
        if not self.bypasses and queued != ["OK"] + ["QUEUED"] * len(deeds):
            self.notice(f"MULTI and {len(deeds)} commands were answered {queued}")
        if isinstance(executed, list) and len(executed) == len(deeds):
            self._write_all_down(deeds, begun, executed)
            return executed
        aborted = self.bypasses and isinstance(executed, hiredis.ReplyError)
        if not aborted and not (watches and executed is None):
            self.notice(f"EXEC of {len(deeds)} commands was answered {executed!r}")
        refused = Span(self.name, begun, ended, Fate.REFUSED)
        for deed in deeds:
            self.events += deed.told(refused, None)
        return None

    def reply(self) -> Any:
        """Return the next reply; what is pushed ahead of it goes where pushes go."""
        while isinstance(value := self.talk.reply(), hiredis.PushNotification):
            if self.pushed is None:
                self.notice(f"a push that nobody asked for: {value!r}")
            else:
                self.pushed(value)
        return value

    def close(self) -> None:
        """See that nothing has come that was not asked for, and leave."""
        with contextlib.suppress(LostError):
            nonce = self.fresh()
            if (said := self.ask("ECHO", nonce)) != nonce:
                self.notice(f"the last ECHO was answered {said!r}")
            self._take_invalidations()
            if not self.talk.is_quiet():
                self.notice("something came that nobody asked for")
        self.talk.socket.close()

    def _take_invalidations(self) -> None:
        """They may come at any time: somebody may flush, or switch over."""
        while self.pushed is not None and not self.talk.is_quiet():
            push = self.talk.reply()
            if isinstance(push, hiredis.PushNotification) and push[0] == "invalidate":
                self.pushed(push)
            else:
                self.notice(f"nobody asked for {push!r}")

    def _write_all_down(self, deeds: Sequence[Deed], begun: float, replies: Sequence[Any]) -> None:
        """Who gets an answer that cannot be its own leaves: all that follow would be wrong as well."""
        ended = time.monotonic()
        fitting = [self._write_down(*each, begun, ended) for each in zip(deeds, replies, strict=True)]
        if not all(fitting):
            raise LostError

    def _write_down(self, deed: Deed, reply: Any, begun: float, ended: float) -> bool:
        """Whether the reply can be an answer to this."""
        words = " ".join(map(str, deed.words))
        if not isinstance(reply, hiredis.ReplyError):
            if fits := deed.fits(reply):
                self.events += deed.told(Span(self.name, begun, ended), reply)
            else:
                self.events.append(
                    Answer(Span(self.name, begun, ended), words, "one of its own", repr(reply))
                )
                self.events += deed.told(Span(self.name, begun, fate=Fate.UNKNOWN), None)
            return fits
        if not self.bypasses:
            self.notice(f"{words} was answered {reply}")
        self.events += deed.told(Span(self.name, begun, ended, Fate.REFUSED), None)
        return True

    @contextlib.contextmanager
    def _whatever_happens(
        self, deeds: Sequence[Deed], begun: float, replies: Sequence[Any]
    ) -> Iterator[None]:
        """A connection that ends leaves commands of which nobody knows what became."""
        try:
            yield
        except (OSError, EOFError, hiredis.ProtocolError) as fault:
            ended = time.monotonic()
            for deed, reply in zip(deeds, replies, strict=False):
                self._write_down(deed, reply, begun, ended)
            for deed in deeds[len(replies) :]:
                self.events += deed.told(Span(self.name, begun, fate=Fate.UNKNOWN), None)
            name = str(deeds[0].words[0]) if deeds else "what is no deed"
            self.notice(f"{name} and {len(deeds[1:])} more: {type(fault).__name__} {fault}")
            raise LostError from fault
