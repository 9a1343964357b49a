"""One connection that counts what goes wrong, and the party of those who have one."""

from __future__ import annotations

import random
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

import hiredis
from attrs import Factory, define

from proxy.wire.encoding import command
from tests import encryption
from tests.talking import Talk

from .book import Book

Word = bytes | str | int
ANSWER_LIMIT_S: Final = 30.0
"""No answer for so long is a disconnect. Nothing that is asked blocks so long, not with a hold besides."""
USER: Final = ("alice", "wonderland")
"""Whom the nodes know besides the default user."""
AFTER_A_WRONG_S: Final = 0.5
END_LIMIT_S: Final = 60.0


class Wronged(Exception):
    """It is written down already; this client can do no more."""


@define(eq=False)
class Caller:
    """A client of the proxy, to be used by one thread."""

    book: Book
    row: str
    talk: Talk
    pushed: Callable[[Any], None] | None = None
    """What takes pushes that come between replies."""
    parted: bool = False
    """It has said goodbye, and the other side is to close."""

    def wrong(self, what: str, sentence: str) -> Wronged:
        self.book.wrong(self.row, what, sentence)
        return Wronged()

    def ask(self, *words: Word) -> Any:
        """The reply; an error is written down, and raised as Wronged."""
        return self.ask_all([words])[0]

    def ask_all(self, commands: Sequence[tuple[Word, ...]]) -> list[Any]:
        """The replies to several commands sent in one piece."""
        self.send(b"".join(command(*words) for words in commands))
        replies = [self.reply() for _ in commands]
        for words, reply in zip(commands, replies, strict=True):
            if isinstance(reply, hiredis.ReplyError):
                raise self.wrong("errors", f"{shortened(words)} was answered {reply}")
        self.book.add(self.row, operations=len(commands))
        return replies

    def want(self, wanted: Any, *words: Word) -> None:
        """Ask, and have this answer."""
        if (got := self.ask(*words)) != wanted:
            raise self.wrong(
                "errors", f"{shortened(words)} was answered {shortened((got,))}, not {shortened((wanted,))}"
            )

    def want_number(self, wanted: int, *words: Word) -> None:
        """Ask for the next number of what this client alone counts."""
        self.check_number(wanted, self.ask(*words), words)

    def check_number(self, wanted: int, got: Any, words: tuple[Word, ...]) -> None:
        if got != wanted:
            what = "errors" if not isinstance(got, int) else "lost" if got < wanted else "doubled"
            raise self.wrong(what, f"{shortened(words)} was answered {shortened((got,))}, not {wanted}")

    def send(self, data: bytes) -> None:
        try:
            self.talk.socket.sendall(data)
        except OSError as fault:
            raise self.wrong("disconnects", f"{type(fault).__name__} {fault} at a send") from fault

    def reply(self) -> Any:
        """The next reply, whatever it is; pushes go where pushes go."""
        while isinstance(value := self.next(), hiredis.PushNotification):
            if self.pushed is None:
                raise self.wrong("errors", f"a push that nobody asked for: {value!r}")
            self.pushed(value)
        return value

    def next(self) -> Any:
        """The next reply, message or push."""
        try:
            return self.talk.reply()
        except (OSError, EOFError, hiredis.ProtocolError) as fault:
            raise self.wrong("disconnects", f"{type(fault).__name__} {fault} at a reply") from fault

    def leave(self) -> None:
        """Go as one should: with nothing left unread that nobody asked for."""
        if self.parted:
            if rest := self.talk.rest():
                raise self.wrong("errors", f"behind the goodbye came {rest[:100]!r}")
        elif not self.talk.is_quiet():
            raise self.wrong("errors", "at the end something was there that nobody asked for")
        self.talk.socket.close()

    def break_off(self) -> None:
        """Go with a reset, whatever is under way."""
        self.talk.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.talk.socket.close()


@define(eq=False)
class Party:
    """Everybody who is at the proxy, each in a thread of its own, until it is over."""

    port: int
    book: Book
    seed: int
    over: threading.Event = Factory(threading.Event)
    """The guests go home."""
    shut: threading.Event = Factory(threading.Event)
    """The residents as well."""
    plain_port: int = 0
    """Where those connect who speak no TLS."""
    calm: float = 1.0
    """By how much everybody is slower than as written here."""
    _threads: list[threading.Thread] = Factory(list)

    def rest(self, dice: random.Random, ms: float, until: threading.Event) -> bool:
        """Pause for up to twice so long; False once it is over."""
        return not until.wait(dice.random() * 2 * ms * self.calm / 1000)

    def begin(self, name: str, part: Callable[[Party, random.Random], None], until: threading.Event) -> None:
        """Let it run; one that was wronged comes back and goes on anew, to be counted again."""
        self._threads.append(
            threading.Thread(target=partial(self._run, name, part, until), name=name, daemon=True)
        )
        self._threads[-1].start()

    def _run(self, name: str, part: Callable[[Party, random.Random], None], until: threading.Event) -> None:
        dice = random.Random(f"{self.seed} {name}")
        while not until.is_set():
            try:
                part(self, dice)
            except Wronged:
                until.wait(AFTER_A_WRONG_S)
            except Exception as fault:  # a mistake of the soak's own must not look like silence
                self.book.wrong(name, "errors", f"gave up: {type(fault).__name__} {fault}")
                until.wait(AFTER_A_WRONG_S)

    def end(self) -> None:
        """Wait until all have gone who were told to."""
        deadline_s = time.monotonic() + END_LIMIT_S
        for thread in self._threads:
            thread.join(max(0.0, deadline_s - time.monotonic()))
            if thread.is_alive():
                self.book.wrong(thread.name, "errors", "does not come to its end")
        self._threads = [thread for thread in self._threads if thread.is_alive()]

    def connect(self) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port), ANSWER_LIMIT_S)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return encryption.wrapped(connection)

    @contextmanager
    def caller(self, row: str, *, protocol: int = 2, db: int = 3, login: bool = False) -> Iterator[Caller]:
        """A client that is let in; it leaves properly where the block ends well, and rudely otherwise."""
        caller = self.come(row, protocol=protocol, db=db, login=login)
        try:
            yield caller
            caller.leave()
        finally:
            caller.talk.socket.close()

    def come(self, row: str, *, protocol: int = 2, db: int = 3, login: bool = False) -> Caller:
        try:
            talk = Talk(self.connect())
        except OSError as fault:
            self.book.wrong(row, "disconnects", f"not let in: {type(fault).__name__} {fault}")
            raise Wronged from fault
        caller = Caller(self.book, row, talk)
        self.book.add(row, clients=1)
        if protocol == 3:
            caller.ask("HELLO", 3, *(("AUTH", *USER) if login else ()))
        elif login:
            caller.want("OK", "AUTH", *USER)
        if db:
            caller.want("OK", "SELECT", db)
        return caller


def shortened(words: tuple[Any, ...]) -> str:
    """A command or an answer in a sentence."""
    text = " ".join(str(word) for word in words)
    return text if len(text) <= 120 else f"{text[:100]}… ({len(text)} characters)"
