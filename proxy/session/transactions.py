"""MULTI under way, and WATCH.

A queue that is open when the client moves is replayed on the new lane, failed commands too, so that EXEC
still aborts. A watch does not come along: the EXEC after a move is answered nil, which every client of WATCH
must expect.
"""

from collections.abc import Callable

from attrs import define, field, frozen

from proxy.session.identity import fails
from proxy.session.session import Send, Session, Step, Want
from proxy.wire.encoding import command, nil
from proxy.wire.replies import ReplyCutter
from proxy.wire.requests import Frame, arguments

ABORTED = b"-EXECABORT Transaction discarded because of previous errors.\r\n"
POISON = command("BATON.QUEUE.TOO.LONG")
"""No command: it fails to queue, and so makes the node itself abort the EXEC."""


@define
class Transaction:
    """The queue between MULTI and EXEC, as it was sent."""

    frames: list[Frame] = field(factory=list, repr=False)
    size: int = 0
    failed: bool = False
    """A command failed to queue, so EXEC aborts."""
    overflowed: bool = False
    """The queue outgrew the limit and is not kept: after a move EXEC aborts."""
    queued: int = 0
    inner: list[tuple[int, Want]] = field(factory=list, repr=False)
    """Commands that change the session, by their place in the queue; they take effect when EXEC answers."""

    def keep(self, frame: Frame, limit: int) -> None:
        self.size += len(frame) if isinstance(frame, bytes) else sum(map(len, frame))
        if self.size > limit:
            self.overflowed = True
            self.frames.clear()
        if not self.overflowed:
            self.frames.append(frame)

    def replay(self) -> list[Frame]:
        """What opens the same transaction on another lane; every one of these owes one reply."""
        opening: list[Frame] = [command("MULTI")]
        return [*opening, POISON] if self.overflowed else opening + self.frames


@frozen
class Opened(Want):
    """The reply to MULTI. An error means that no transaction is open, unless one already was."""

    transaction: Transaction

    def take(self, session: Session, piece: bytes, last: bool) -> bytes:
        if fails(piece) and session.transaction is self.transaction:
            session.transaction = None
        return piece


@frozen
class Queued(Want):
    """The reply to a command inside MULTI."""

    transaction: Transaction
    inner: Want | None = None

    def take(self, session: Session, piece: bytes, last: bool) -> bytes:
        if fails(piece):
            self.transaction.failed = True
        else:
            if self.inner is not None:
                self.transaction.inner.append((self.transaction.queued, self.inner))
            self.transaction.queued += 1
        return piece


@define
class Executed(Want):
    """The reply to EXEC. It is gathered only where a command in the queue changes the session."""

    transaction: Transaction
    _gathered: list[bytes] = field(factory=list, repr=False)

    def take(self, session: Session, piece: bytes, last: bool) -> bytes:
        if self.transaction.inner:
            self._gathered.append(piece)
            if last:
                self._apply(session, b"".join(self._gathered))
        return piece

    def _apply(self, session: Session, reply: bytes) -> None:
        if reply.startswith((b"*-", b"_", b"-", b"!")):
            return
        body = reply[reply.index(b"\r\n") + 2 :]
        results = [element[:1] for element, _ in ReplyCutter().feed(body)]  # hiredis cannot build every one
        for place, want in self.transaction.inner:
            if place < len(results):
                want.take(session, results[place] + b"\r\n", True)


@frozen
class Discarded(Want):
    """The reply to the DISCARD that went in the place of an EXEC whose watch was lost in a move."""

    transaction: Transaction

    def take(self, session: Session, piece: bytes, last: bool) -> bytes:
        if fails(piece):
            return piece
        return ABORTED if self.transaction.failed else nil(session.protocol)


def multi(session: Session, frame: Frame) -> tuple[Step, ...]:
    if session.transaction is not None:
        return (Send(frame),)  # nested: an error that leaves the queue as it is
    session.transaction = Transaction()
    return (Send(frame, Opened(session.transaction)),)


def execute(session: Session, frame: Frame) -> tuple[Step, ...]:
    transaction, lost = session.transaction, session.watch_lost
    session.transaction = None
    if transaction is None:
        return (Send(frame),)
    session.watching = session.watch_lost = False
    if lost:
        return (Send(command("DISCARD"), Discarded(transaction)),)
    return (Send(frame, Executed(transaction)),)


def discard(session: Session, frame: Frame) -> tuple[Step, ...]:
    if session.transaction is not None:
        session.transaction = None
        session.watching = session.watch_lost = False
    return (Send(frame),)


def watch(session: Session, frame: Frame) -> tuple[Step, ...]:
    session.watching = True
    return (Send(frame),)


def unwatch(session: Session, frame: Frame) -> tuple[Step, ...]:
    whole = len(arguments(frame)) == 1
    if whole and session.transaction is None:  # inside MULTI it comes too late to save EXEC from a dirty key
        session.watching = session.watch_lost = False
    return (Send(frame),)


def queue(
    session: Session, frame: Frame, ask: Callable[[Session, Frame], tuple[Step, ...]] | None
) -> tuple[Step, ...]:
    """A command inside MULTI. ``ask`` is its row in the table, if what it changes must be learnt from EXEC's
    answer."""
    transaction = session.transaction
    assert transaction is not None
    transaction.keep(frame, session.limits.transaction_bytes)
    inner = None
    if ask is not None:
        inner = next((step.want for step in ask(session, frame) if isinstance(step, Send)), None)
    return (Send(frame, Queued(transaction, inner)),)
