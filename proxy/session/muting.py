"""CLIENT REPLY: the node always answers, and the proxy keeps the answers to itself.

So a session stays known in every detail, and a lane owes replies and can be drained, although the client
wants none. What CLIENT REPLY OFF does not silence (seen on 6.2 and 7.0): confirmations of subscriptions,
messages and pushes; the lines of MONITOR it does. In the place of OFF and SKIP the node gets ON, which says
whether the user may do that.
"""

from collections.abc import Callable

from attrs import define, evolve, frozen

from proxy.session.identity import fails
from proxy.session.session import LoadScript, LookUp, Say, Send, SendAndWait, Session, Step, WaitOutside, Want
from proxy.wire.encoding import command
from proxy.wire.requests import Frame, arguments

INSTEAD = command("CLIENT", "REPLY", "ON")


@define(eq=False)
class Mute:
    """One CLIENT REPLY OFF or SKIP."""

    once: bool
    """SKIP: it is over with the next command."""
    refused: bool = False
    """The node did not allow it: nothing is silenced."""


@frozen
class Silence(Want):
    """The reply to what went in the place of CLIENT REPLY OFF or SKIP."""

    mute: Mute

    def take(self, session: Session, piece: bytes, last: bool) -> bytes:
        if not fails(piece):
            return b""
        self.mute.refused = True
        if session.mute is self.mute:
            session.mute = None
        return piece


@frozen
class Loud(Want):
    """The reply to CLIENT REPLY ON. A RESP2 subscriber may not send it: then nothing has changed."""

    mute: Mute | None

    audible = True

    def take(self, session: Session, piece: bytes, last: bool) -> bytes:
        if self.mute is None or not fails(piece):
            return piece
        session.mute = session.mute or self.mute
        session.plain = False
        return b""


class Muted(Want):
    """A reply that the client does not get."""

    __slots__ = ("audible", "finished", "inner", "mixes", "mute", "withheld")

    def __init__(self, mute: Mute, inner: Want | None) -> None:
        self.mute = mute
        self.inner = inner
        self.mixes = inner is not None and inner.mixes
        self.audible = inner is not None and inner.audible
        self.finished = True
        self.withheld = False

    def take(self, session: Session, piece: bytes, last: bool) -> bytes:
        out = piece
        if self.inner is not None:
            out = self.inner.take(session, piece, last)
            self.finished, self.withheld = self.inner.finished, self.inner.withheld
        return out if self.mute.refused or (self.audible and not fails(out)) else b""

    def then(self, session: Session) -> tuple[Step, ...]:
        if self.inner is None:
            return ()
        steps = self.inner.then(session)
        if any(isinstance(step, LoadScript) for step in steps):
            session.mute = self.mute  # it is asked again
        return tuple(muted(self.mute, step) for step in steps)


def muted(mute: Mute, step: Step) -> Step:
    """The step, without an answer to the client."""
    match step:
        case Send(frame, want):
            return Send(frame, Muted(mute, want))
        case SendAndWait(frame, want):
            return SendAndWait(frame, Muted(mute, want))
        case Say():
            return evolve(step, reply=step.reply if mute.refused else b"")
        case WaitOutside():
            return evolve(step, silent=not mute.refused)
    return step


def reply_mode(session: Session, frame: Frame) -> tuple[Step, ...]:
    """CLIENT REPLY ON, OFF or SKIP."""
    words = arguments(frame)
    mode = words[2].upper() if len(words) == 3 else b""
    if mode == b"ON":
        mute, session.mute = session.mute, None
        return (Send(frame, Loud(None)) if mute is None else SendAndWait(frame, Loud(mute)),)
    if mode not in (b"OFF", b"SKIP"):
        return (Send(frame),)
    mute = Mute(once=mode == b"SKIP")
    if session.mute is None:  # else it is off already, which no SKIP changes
        session.mute = mute
    return (SendAndWait(INSTEAD, Silence(mute)),)


def with_mute(session: Session, ask: Callable[[], tuple[Step, ...]]) -> tuple[Step, ...]:
    """Ask about a command while the client wants no answer."""
    mute = session.mute
    assert mute is not None
    if mute.once:
        session.mute = None
    steps = ask()
    if session.blocked is not None:
        session.blocked.mute = mute
    if any(isinstance(step, LookUp) for step in steps):
        session.mute = mute  # it is asked again
    elif mute.once or session.mute is mute:
        return tuple(muted(mute, step) for step in steps)
    return steps  # RESET and CLIENT REPLY ON end it, and are answered
