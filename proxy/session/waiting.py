"""WAIT and WAITAOF tell the truth after a move.

Redis counts them from the connection's own last propagated command (up to 7.0 from any command), so a lane
that is new since a switchover would answer that every replica has a write that it never carried. Before the
first WAIT on such a lane something is sent that propagates: SPUBLISH to a channel of the proxy's own from 7.0
on, PING before, where any command counts that is executed. A user who may not do that is answered over a
connection of the proxy's own, which counts from no earlier point.
"""

from attrs import define

from proxy.session.blocking import WAITS, Blocking
from proxy.session.identity import fails
from proxy.session.session import Send, SendAndWait, Session, Step, WaitOutside, Want
from proxy.wire.encoding import command
from proxy.wire.requests import Frame, arguments

PROPAGATES_WORDS = ("SPUBLISH", "baton:wait", "")
PROPAGATES = command(*PROPAGATES_WORDS)
"""Reaches the replicas, touches no key. Redis 6.2 does not know it, and a command that it rejects counts for
nothing."""
DIGITS_MAX = 18
"""Of a number that Redis takes; what is longer it answers with an error."""
COUNTS_WORDS = ("PING",)
COUNTS = command(*COUNTS_WORDS)
"""What is executed, and so counts on 6.2."""


@define
class Primed(Want):
    """The reply to what was sent ahead of a WAIT; the client never sees it."""

    waiting: Blocking
    by: bytes = PROPAGATES
    _unknown: bool = False

    def take(self, session: Session, piece: bytes, last: bool) -> bytes:
        if not fails(piece):
            session.moved = False
        self._unknown = piece.startswith(b"-ERR unknown command")
        return b""

    def then(self, session: Session) -> tuple[Step, ...]:
        if self._unknown and self.by is PROPAGATES:
            return (SendAndWait(COUNTS, Primed(self.waiting, COUNTS)),)
        if session.moved:
            session.blocked = None
            return (WaitOutside(tuple(self.waiting.words)),)
        return (SendAndWait(command(*self.waiting.words), self.waiting),)


def wait(session: Session, name: bytes, frame: Frame) -> tuple[Step, ...]:
    words = arguments(frame)
    if len(words) != (3 if name == b"WAIT" else 4) or not all(
        word.isdigit() and len(word) <= DIGITS_MAX for word in words[1:]
    ):
        return (Send(frame),)  # the node answers with an error
    waiting = Blocking(name, words, len(words) - 1, 1000)
    waiting.timeout = int(words[-1]) / 1000 or None
    session.blocked = waiting
    return begin(session, waiting, frame)


def begin(session: Session, waiting: Blocking, frame: Frame) -> tuple[Step, ...]:
    """Send a WAIT, with what must go ahead of it on a lane that has not carried the client's last write."""
    assert waiting.name in WAITS
    if session.moved:
        return (SendAndWait(PROPAGATES, Primed(waiting)),)
    return (SendAndWait(frame, waiting),)
