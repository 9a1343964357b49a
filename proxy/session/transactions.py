"""MULTI under way.

A queue that is open when the client moves is replayed on the new lane, failed commands too, so that EXEC
still aborts.
"""

from collections.abc import Callable

from attrs import define, field, frozen

from proxy.session.identity import Ended, fails
from proxy.session.session import LookUp, Say, Send, Session, Step, Want
from proxy.wire.encoding import command, nil
from proxy.wire.replies import PUSH, BadReply, ReplyCutter
from proxy.wire.requests import Frame, length, size_of

Ask = Callable[[Session, Frame], tuple[Step, ...]]

ABORTED = b"-EXECABORT Transaction discarded because of previous errors.\r\n"
QUEUED = b"+QUEUED\r\n"
POISON = command("BATON.QUEUE.TOO.LONG")
"""No command: it fails to queue, and so makes the node itself abort the EXEC."""


@define
class Transaction:
    """The queue between MULTI and EXEC, as it was sent."""

    frames: list[tuple[Frame, "Ask | None"]] = field(factory=list, repr=False)
    """Each with its row in the table, if it has one."""
    size: int = 0
    failed: bool = False
    """A command failed to queue, so EXEC aborts."""
    overflowed: bool = False
    """The queue outgrew the limit and is not kept: after a move EXEC aborts."""
    queued: int = 0
    inner: dict[int, Want] = field(factory=dict, repr=False)
    """What EXEC's answer is to be looked at for, by the place in the queue."""

    ours: list[int] = field(factory=list, repr=False)
    """Places in the node's queue that hold something of the proxy's own, which EXEC's answer is to lose."""

    def hold_place(self) -> None:
        """Something of the proxy's own was queued."""
        self.ours.append(self.queued)
        self.queued += 1

    def leave_lane(self) -> None:
        """On another lane the queue will be without what was the proxy's own."""
        self.inner = {
            place - sum(each < place for each in self.ours): want for place, want in self.inner.items()
        }
        self.queued -= len(self.ours)
        self.ours.clear()

    def keep(self, frame: Frame, limit: int, ask: "Ask | None" = None) -> None:
        self.size += size_of(frame)
        if self.size > limit:
            self.overflowed = True
            self.frames.clear()
        if not self.overflowed:
            self.frames.append((frame, ask))

    def replay(self, session: Session) -> list[Frame]:
        """What opens the same transaction on another lane; every one of these owes one reply."""
        frames: list[Frame] = [command("MULTI")]
        if self.overflowed:
            return [*frames, POISON]
        for frame, ask in self.frames:
            seen = _asked(session, frame, ask)
            frames.append(frame if isinstance(seen, LookUp) else seen[0])
        return frames


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
                self.transaction.inner[self.transaction.queued] = self.inner
            self.transaction.queued += 1
        return piece


@define
class Executed(Want):
    """The reply to EXEC. It is cut into its elements only where one of them must be looked at."""

    transaction: Transaction
    _elements: ReplyCutter | None = None
    _place: int = 0
    _within: bool = False
    _pushed: bool = False

    def take(self, session: Session, piece: bytes, last: bool) -> bytes:
        if not (self.transaction.inner or self.transaction.ours):
            return piece
        out = []
        if self._elements is None:
            if piece.startswith((b"*-", b"_", b"-", b"!")):
                self.transaction.inner.clear()  # nothing was executed
                self.transaction.ours.clear()
                return piece
            self._elements = ReplyCutter()
            head, _, rest = piece.partition(b"\r\n")
            count = length(head[1:]) if head.startswith(b"*") else None
            if count is None or count < len(self.transaction.ours):
                raise BadReply(f"{head[:40]!r} is no answer to EXEC")
            out.append(b"*%d\r\n" % (count - len(self.transaction.ours)))
            piece = rest
        out += [self._element(session, *part) for part in self._elements.feed(piece)]
        return b"".join(out)

    def _element(self, session: Session, piece: bytes, last: bool) -> bytes:
        if not self._within:
            self._pushed = piece[0] == PUSH  # within an answer to EXEC it is no element of it
        self._within = not last
        if self._pushed:
            return piece
        place, self._place = self._place, self._place + last
        if place in self.transaction.ours:
            return b""
        want = self.transaction.inner.get(place)
        return piece if want is None else want.take(session, piece, last)


@frozen
class Instead(Want):
    """The element of EXEC's answer in the place of which the proxy has one of its own."""

    reply: bytes

    def take(self, session: Session, piece: bytes, last: bool) -> bytes:
        return piece if fails(piece) else self.reply


@frozen
class Discarded(Want):
    """The reply to the DISCARD that went in the place of an EXEC whose watch was lost in a move."""

    transaction: Transaction

    def take(self, session: Session, piece: bytes, last: bool) -> bytes:
        if fails(piece):
            return piece
        return ABORTED if self.transaction.failed else nil(session.protocol)


def multi(session: Session, frame: Frame) -> tuple[Step, ...]:
    if session.transaction is not None:  # nested: an error, which aborts EXEC on Valkey
        session.transaction.keep(frame, session.common.limits.transaction_bytes)
        return (Send(frame),)
    session.transaction = Transaction()
    return (Send(frame, Opened(session.transaction)),)


def execute(session: Session, frame: Frame) -> tuple[Step, ...]:
    transaction, watch = session.transaction, session.watch
    session.transaction = None
    if transaction is None:
        return (Send(frame),)
    session.watch = None
    if watch is not None and watch.lost:
        return (Send(command("DISCARD"), Discarded(transaction)),)
    return (Send(frame, Executed(transaction)),)


def discard(session: Session, frame: Frame) -> tuple[Step, ...]:
    if session.transaction is None:
        return (Send(frame),)
    session.transaction = None
    session.watch = None
    return (Send(frame, Ended("DISCARD")),)


def queue(session: Session, frame: Frame, ask: Ask | None) -> tuple[Step, ...]:
    """A command inside MULTI. ``ask`` is its row in the table, if it has one: what it changes is learnt from
    EXEC's answer."""
    transaction = session.transaction
    assert transaction is not None
    seen = _asked(session, frame, ask)
    if isinstance(seen, LookUp):
        return (seen,)
    transaction.keep(frame, session.common.limits.transaction_bytes, ask)
    return (Send(seen[0], Queued(transaction, seen[1])),)


def _asked(session: Session, frame: Frame, ask: Ask | None) -> tuple[Frame, Want | None] | LookUp:
    """What goes to the node, and what is to be done with the element of EXEC's answer."""
    if ask is None:
        return frame, None
    step = ask(session, frame)[0]
    match step:
        case LookUp():
            return step
        case Send(sent, want):
            return sent, want
        case Say(reply):
            return command("PING"), Instead(reply)
    return frame, None
