"""WATCH, and how it comes along to another node: exactly where it can be proven that no key was touched,
else as lost, and then EXEC is answered nil, which every client of WATCH must expect.

While the pause keeps writers quiet and the candidate has every byte, the keys are watched on the warm lane;
then the old lane is asked, in one send, ``MULTI EXEC WATCH …``: an empty array means that no key was touched
since it was watched, nil that one was, and the watch is set again in case the switchover is called off.
"""

from attrs import define, field, frozen

from proxy.session.identity import Ended, fails
from proxy.session.session import Send, Session, Step, Want
from proxy.wire.encoding import command
from proxy.wire.requests import Frame, arguments, size_of

CLEAN = b"*0\r\n"


@define(eq=False)
class Watch:
    """What is watched since the last EXEC, DISCARD or UNWATCH."""

    keys: dict[tuple[int, bytes], None] = field(factory=dict, repr=False)
    """By database."""
    size: int = 0
    whole: bool = True
    """All keys are known. Beyond a limit they are not kept."""
    lost: bool = False
    """It did not come along to the present lane, or a key was touched: the next EXEC is answered nil."""


@frozen
class Watched(Want):
    """The reply to WATCH."""

    watch: Watch
    keys: tuple[bytes, ...]

    def take(self, session: Session, piece: bytes, last: bool) -> bytes:
        if not fails(piece) and self.watch.whole:
            self.watch.keys.update(dict.fromkeys((session.db, key) for key in self.keys))
        return piece


@define(eq=False)
class Proof:
    """What was found out about one client's watch."""

    watch: Watch
    came: bool = True
    """The keys are watched on the warm lane."""
    asked: bool = False
    """The old lane has answered whether a key was touched."""


@frozen
class Rewatched(Want):
    """The reply to a SELECT or WATCH of the proxy's on one of the lanes."""

    proof: Proof

    def take(self, session: Session, piece: bytes, last: bool) -> bytes:
        if fails(piece):
            self.proof.came = False
            self.proof.watch.lost = True
        return b""


@frozen
class Touched(Want):
    """The reply to the empty MULTI / EXEC on the old lane."""

    proof: Proof

    def take(self, session: Session, piece: bytes, last: bool) -> bytes:
        self.proof.asked = True
        self.proof.watch.lost = piece != CLEAN
        return b""


def watch(session: Session, frame: Frame) -> tuple[Step, ...]:
    """Watched from now on, rather too early than too late: a nil too many is allowed, a missed one not."""
    if session.transaction is not None:  # an error, which aborts EXEC on Valkey
        session.transaction.keep(frame, session.common.limits.transaction_bytes)
        return (Send(frame),)
    if session.watch is None:
        session.watch = Watch()
    known = session.watch
    known.size += size_of(frame)
    if known.size > session.common.limits.watch_bytes:
        known.whole = False
        known.keys.clear()
    return (Send(frame, Watched(known, tuple(arguments(frame)[1:]))),)


def unwatch(session: Session, frame: Frame) -> tuple[Step, ...]:
    whole = len(arguments(frame)) == 1
    if whole and session.transaction is None:  # inside MULTI it comes too late to save EXEC from a dirty key
        session.watch = None
        return (Send(frame, Ended("UNWATCH")),)
    return (Send(frame),)


def can_come(session: Session) -> bool:
    """It can be tried to take the watch along. With an open MULTI the old lane cannot be asked."""
    watch = session.watch
    return watch is not None and watch.whole and not watch.lost and session.transaction is None


def again(session: Session, proof: Proof) -> list[Send]:
    """Watch the same keys, on a lane that is in the session's database and is so afterwards."""
    steps = []
    db = session.db
    for there in sorted({db for db, _ in proof.watch.keys}):
        if there != db:
            steps.append(Send(command("SELECT", there), Rewatched(proof)))
            db = there
        keys = [key for where, key in proof.watch.keys if where == there]
        steps.append(Send(command("WATCH", *keys), Rewatched(proof)))
    if db != session.db:
        steps.append(Send(command("SELECT", session.db), Rewatched(proof)))
    return steps


def probe(session: Session, proof: Proof) -> list[Send]:
    """Ask the old lane whether a key was touched, and watch again."""
    opened = Send(command("MULTI"), Rewatched(proof))
    return [opened, Send(command("EXEC"), Touched(proof)), *again(session, proof)]
