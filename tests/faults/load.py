"""Clients that write without a pause, each in its own way, and remember what they were told.

Every value is written once in all, so that what is doubled or lost can be told. What was acknowledged must be
there in the end, each once and in order; what was never answered may be there; what was refused must not.
"""

import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Self

import attrs
import hiredis

from tests.talking import Talk
from tests.waiting import wait_until

TOKEN = "token-"
"""Each value that a client writes begins so: by that a road knows writes of clients."""
PACE_SECONDS = 0.002
AGAIN_SECONDS = 0.02
PATIENCE_SECONDS = 30.0
PIPED = 5

Ask = Callable[..., Any]
Connect = Callable[[], socket.socket]


class HungError(Exception):
    """An answer did not come in time."""


@attrs.define(eq=False)
class Client:
    """One client with a thread of its own. It comes back when it has lost its connection."""

    key: str
    connect: Connect
    acknowledged: list[str] = attrs.field(factory=list)
    unknown: list[str] = attrs.field(factory=list)
    refused: list[str] = attrs.field(factory=list)
    closed: list[str] = attrs.field(factory=list)
    """Why each connection was lost."""
    errors: list[str] = attrs.field(factory=list)
    stopping: threading.Event = attrs.field(factory=threading.Event)
    _numbers: int = 0
    _thread: threading.Thread | None = None

    def start(self) -> Self:
        self._thread = threading.Thread(target=self._live, name=self.key, daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        self.stopping.set()
        if self._thread is not None:
            self._thread.join(PATIENCE_SECONDS + 5)
            assert not self._thread.is_alive(), f"{self.key} does not come to its end"

    def goes_on(self) -> None:
        """Wait until something more is acknowledged."""
        count = len(self.acknowledged)
        wait_until(
            lambda: len(self.acknowledged) > count + 1,
            lambda: f"{self.key} goes on; errors {self.errors[-3:]}, closed {self.closed[-3:]}",
        )

    def fresh(self) -> str:
        self._numbers += 1
        return f"{TOKEN}{self.key}-{self._numbers:06}"

    def act(self, talk: Talk) -> None:
        """Write once and note what became of it. Raises EOFError or OSError where the connection is lost."""
        raise NotImplementedError

    def judge(self, ask: Ask) -> Iterator[str]:
        """What is wrong with what the node has."""
        yield from wrong(self.key, ask("LRANGE", self.key, 0, -1), self.acknowledged, self.unknown)

    def note(self, token: str, reply: Any) -> None:
        if isinstance(reply, hiredis.ReplyError):
            self.errors.append(str(reply))
            self.refused.append(token)
        else:
            self.acknowledged.append(token)

    def _live(self) -> None:
        while not self.stopping.is_set():
            try:
                with self.connect() as connection:
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    connection.settimeout(PATIENCE_SECONDS)
                    talk = Talk(connection)
                    while not self.stopping.wait(PACE_SECONDS):
                        self.act(talk)
            except TimeoutError:
                self.errors.append(f"no answer within {PATIENCE_SECONDS:g} s")
            except (EOFError, OSError) as fault:
                if not self.stopping.is_set():
                    self.closed.append(str(fault) or type(fault).__name__)
                self.stopping.wait(AGAIN_SECONDS)


def wrong(key: str, found: Sequence[str], acknowledged: list[str], unknown: list[str]) -> Iterator[str]:
    """What is wrong with the values of one client that a node has, in the order in which it has them."""
    if sorted(set(found)) != list(found):
        yield f"{key}: doubled or out of order: {_few([*found])}"
    if lost := sorted(set(acknowledged) - set(found)):
        yield f"{key}: acknowledged and lost: {_few(lost)}"
    if extra := sorted(set(found) - set(acknowledged) - set(unknown)):
        yield f"{key}: refused, or given to nobody, and yet there: {_few(extra)}"


def _few(values: Sequence[str]) -> str:
    return f"{len(values)}, {', '.join(values[:3])} … {values[-1]}"


class Pusher(Client):
    """A command at a time."""

    def act(self, talk: Talk) -> None:
        self._push(talk, [self.fresh()])

    def _push(self, talk: Talk, tokens: list[str]) -> None:
        answered = 0
        try:
            talk.send_all(*(f"RPUSH {self.key} {token}" for token in tokens))
            for token in tokens:
                self.note(token, talk.reply())
                answered += 1
        finally:
            self.unknown += tokens[answered:]


class Piper(Pusher):
    """Several in one piece."""

    def act(self, talk: Talk) -> None:
        self._push(talk, [self.fresh() for _ in range(PIPED)])


class Giver(Pusher):
    """What it pushes is taken by another."""

    def judge(self, ask: Ask) -> Iterator[str]:
        return iter(())


class Counter(Client):
    """INCR: as often as acknowledged, and each time another number."""

    def act(self, talk: Talk) -> None:
        token = self.fresh()
        try:
            reply = talk.ask("EVAL", "return redis.call('INCR', KEYS[1])", 1, self.key, token)
        except BaseException:
            self.unknown.append(token)
            raise
        self.note(token if isinstance(reply, hiredis.ReplyError) else f"{reply:012}", reply)

    def judge(self, ask: Ask) -> Iterator[str]:
        value, least = int(ask("GET", self.key) or 0), len(self.acknowledged)
        if not least <= value <= least + len(self.unknown):
            yield f"{self.key} is {value}, acknowledged {least} times, not answered {len(self.unknown)}"
        if sorted(set(self.acknowledged)) != self.acknowledged:
            yield f"{self.key}: the same number was given twice, or a smaller one later"


class Whole(Client):
    """A transaction in one piece."""

    def act(self, talk: Talk) -> None:
        token = self.fresh()
        try:
            talk.send_all("MULTI", f"RPUSH {self.key} {token}", f"INCR {self.key}-count", "EXEC")
            *_, reply = talk.replies(4)
        except BaseException:
            self.unknown.append(token)
            raise
        self.note(token, reply)

    def judge(self, ask: Ask) -> Iterator[str]:
        yield from super().judge(ask)
        count, length = int(ask("GET", f"{self.key}-count") or 0), int(ask("LLEN", self.key))
        if count != length:
            yield f"{self.key}: a transaction was done in part: {length} pushed, {count} counted"


class Watcher(Client):
    """A transaction with WATCH, a command at a time; nil means that it was not done."""

    def act(self, talk: Talk) -> None:
        token = self.fresh()
        said = [talk.ask("WATCH", self.key), talk.ask("LLEN", self.key), talk.ask("MULTI")]
        said.append(talk.ask("RPUSH", self.key, token))
        if faults := [reply for reply in said if isinstance(reply, hiredis.ReplyError)]:
            self.note(token, faults[0])
        try:
            reply = talk.ask("EXEC")
        except BaseException:
            self.unknown.append(token)
            raise
        if reply is not None and not faults:
            self.note(token, reply)


class Publisher(Client):
    """PUBLISH; told how many heard it."""

    def act(self, talk: Talk) -> None:
        token = self.fresh()
        try:
            reply = talk.ask("PUBLISH", self.key, token)
        except BaseException:
            self.unknown.append(token)
            raise
        self.note(token, reply)

    def judge(self, ask: Ask) -> Iterator[str]:
        return iter(())


@attrs.define(eq=False)
class Subscriber(Client):
    """Hears what is published, each message once and in order, as long as it is not closed."""

    publisher: Publisher = attrs.field(kw_only=True)

    def act(self, talk: Talk) -> None:
        talk.socket.settimeout(PACE_SECONDS)
        talk.send("SUBSCRIBE", self.publisher.key)
        while not self.stopping.is_set():
            try:
                kind, _, told = talk.reply()
            except TimeoutError:
                continue
            self.acknowledged.append(told if kind == "message" else kind)

    def judge(self, ask: Ask) -> Iterator[str]:
        heard = [each for each in self.acknowledged if each.startswith(TOKEN)]
        if sorted(set(heard)) != heard:
            yield f"{self.key}: heard twice, or out of order: {_few(heard)}"
        wanted = [each for each in self.publisher.acknowledged if heard and each > heard[0]]
        if not self.closed and (missed := sorted(set(wanted) - set(heard))):
            yield f"{self.key}: was not closed, and did not hear: {_few(missed)}"

    def goes_on(self) -> None:
        """As far as its publisher has come by now."""
        wanted = self.publisher.acknowledged[-1:]
        wait_until(lambda: self.acknowledged[-1:] >= wanted, lambda: f"{self.key} hears {wanted}")


@attrs.define(eq=False)
class Taker(Client):
    """Blocked in BLPOP; takes what its giver pushes. With its connection it may lose one that it was
    given."""

    giver: Giver = attrs.field(kw_only=True)

    def act(self, talk: Talk) -> None:
        talk.socket.settimeout(PACE_SECONDS)
        talk.send("BLPOP", self.giver.key, 0)
        while not self.stopping.is_set():
            try:
                reply = talk.reply()
            except TimeoutError:
                continue
            self.note("" if isinstance(reply, hiredis.ReplyError) else reply[1], reply)
            return

    def judge(self, ask: Ask) -> Iterator[str]:
        gone = [*self.acknowledged, *ask("LRANGE", self.giver.key, 0, -1)]
        given, unsure = set(self.giver.acknowledged), set(self.giver.unknown)
        if len(set(gone)) != len(gone):
            yield f"{self.key}: taken twice: {_few(sorted(gone))}"
        if len(lost := sorted(given - set(gone))) > len(self.closed):
            yield f"{self.key}: given, and neither taken nor there: {_few(lost)}"
        if extra := sorted(set(gone) - given - unsure):
            yield f"{self.key}: taken, and never given: {_few(extra)}"

    def goes_on(self) -> None:
        """As far as its giver has come by now."""
        wanted = self.giver.acknowledged[-1:]
        wait_until(lambda: self.acknowledged[-1:] >= wanted, lambda: f"{self.key} takes {wanted}")


@attrs.define(eq=False)
class Load:
    """One of each, with keys that nobody had before."""

    writing: Sequence[Client]
    waiting: Sequence[Client]
    """For what the others write."""

    @classmethod
    def start(cls, prefix: str, connect: Connect) -> Self:
        kinds: list[type[Client]] = [Pusher, Piper, Counter, Whole, Watcher]
        clients = [kind(f"{prefix}-{kind.__name__.lower()}", connect) for kind in kinds]
        publisher, giver = Publisher(f"{prefix}-channel", connect), Giver(f"{prefix}-queue", connect)
        waiting = [
            Subscriber(f"{prefix}-subscriber", connect, publisher=publisher),
            Taker(f"{prefix}-taker", connect, giver=giver),
        ]
        load = cls([*clients, publisher, giver], waiting)
        for client in load.clients:
            client.start()
        load.goes_on()
        return load

    @property
    def clients(self) -> list[Client]:
        return [*self.writing, *self.waiting]

    def goes_on(self) -> None:
        for client in self.clients:
            client.goes_on()

    def stop(self) -> None:
        """First who writes, and the others when they have what was written."""
        for client in self.writing:
            client.stopping.set()
        for client in self.writing:
            client.stop()
        for client in self.waiting:
            client.goes_on()
            client.stop()

    def judge(self, ask: Ask) -> list[str]:
        """What is wrong with what this node has; to be asked when it has stopped."""
        return [fault for client in self.clients for fault in client.judge(ask)]

    @property
    def errors(self) -> list[str]:
        return [f"{client.key} was told {error}" for client in self.clients for error in client.errors]

    @property
    def closed(self) -> list[str]:
        return [f"{client.key}: {why}" for client in self.clients for why in client.closed]
