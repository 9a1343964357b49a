"""Who the client is and what it has set up: AUTH, HELLO, SELECT, RESET, CLIENT SETNAME / SETINFO and their
like.

All are checked by the node; the session changes when the node says OK.
"""

from attrs import define, field, frozen

from proxy.session.ids import greeting
from proxy.session.session import MARK, MARKED, Send, SendAndWait, Session, Step, Want
from proxy.wire.encoding import command
from proxy.wire.requests import Frame, arguments


def fails(reply: bytes) -> bool:
    """The reply is an error."""
    return reply[:1] in (b"-", b"!")


@frozen
class LoggedIn(Want):
    """The reply to AUTH."""

    user: bytes
    command: bytes = field(repr=False)

    def take(self, session: Session, piece: bytes, last: bool) -> bytes:
        if not fails(piece):
            session.user, session.auth = self.user, self.command
        return piece


@frozen
class Greeted(Want):
    """The reply to HELLO: on success all of its clauses hold, on an error none."""

    protocol: int
    user: bytes | None
    auth: bytes | None = field(repr=False)
    name: bytes | None

    def take(self, session: Session, piece: bytes, last: bool) -> bytes:
        if not fails(piece):
            session.protocol = self.protocol or session.protocol
            if self.user is not None:
                session.user, session.auth = self.user, self.auth
            if self.name is not None:
                session.set_up(b"SETNAME", command("HELLO", "SETNAME", self.name))  # see replay
        return greeting(session, piece)


@define
class Marked(Want):
    """The reply to a login, and the mark behind it. From 7.2 on Redis says nothing of a login that fails
    while it has something to write, and of pushes nobody knows when they come."""

    inner: Want
    finished: bool = False
    _answered: bool = False

    def take(self, session: Session, piece: bytes, last: bool) -> bytes:
        if self._answered or piece.startswith((MARKED, b"-NOAUTH")):
            self.finished = True
            return b""
        self._answered = last
        return self.inner.take(session, piece, last)


@frozen
class Selected(Want):
    """The reply to SELECT."""

    db: int

    def take(self, session: Session, piece: bytes, last: bool) -> bytes:
        if not fails(piece):
            session.db = self.db
        return piece


@frozen
class SetUp(Want):
    """The reply to a command that sets something up and is replayed as it came."""

    what: bytes
    command: bytes

    def take(self, session: Session, piece: bytes, last: bool) -> bytes:
        if not fails(piece):
            session.set_up(self.what, self.command)
        return piece


@frozen
class Monitoring(Want):
    """The reply to MONITOR: lines follow that are owed to no command."""

    mixes = True

    def take(self, session: Session, piece: bytes, last: bool) -> bytes:
        session.monitoring = session.monitoring or not fails(piece)
        return piece


@frozen
class Ended(Want):
    """The reply to what ends something. Who may not say it has that still."""

    name: str

    def take(self, session: Session, piece: bytes, last: bool) -> bytes:
        if piece.startswith((b"-NOPERM", b"-ERR unknown")):
            session.strange = self.name
        return piece


@frozen
class WasReset(Want):
    """The reply to RESET."""

    def take(self, session: Session, piece: bytes, last: bool) -> bytes:
        if fails(piece):  # 6.2 asks who may say it; what was open is so still
            session.strange = "RESET"
        else:
            session.reset()
        return piece


def auth(session: Session, frame: Frame) -> tuple[Step, ...]:
    words = arguments(frame)
    if len(words) not in (2, 3):
        return (Send(frame),)
    user = words[1] if len(words) == 3 else b"default"
    return (_login(session, frame, LoggedIn(user, command("AUTH", user, words[-1]))),)


def hello(session: Session, frame: Frame) -> tuple[Step, ...]:
    words = arguments(frame)
    protocol = int(words[1]) if len(words) > 1 and words[1] in (b"2", b"3") else 0
    user = login = name = None
    rest = iter(words[2:])
    for word in rest:
        clause = word.upper()
        if clause == b"AUTH":
            user, password = next(rest, b""), next(rest, b"")
            login = command("AUTH", user, password)
        elif clause == b"SETNAME":
            name = next(rest, b"")
    greeted = Greeted(protocol, user, login, name)
    return (Send(frame, greeted) if login is None else _login(session, frame, greeted),)


def _login(session: Session, frame: Frame, want: Want) -> Send:
    """Who may get pushes has the mark behind it, for Redis may not tell of a login that fails."""
    if session.transaction is not None or (session.protocol == 2 and not session.listening):
        return Send(frame, want)
    return Send((frame if isinstance(frame, bytes) else b"".join(frame)) + MARK, Marked(want))


def select(session: Session, frame: Frame) -> tuple[Step, ...]:
    words = arguments(frame)
    if len(words) != 2 or not words[1].isdigit() or len(words[1]) > 9:
        return (Send(frame),)
    return (Send(frame, Selected(int(words[1]))),)


def leave(session: Session, frame: Frame) -> tuple[Step, ...]:
    """QUIT."""
    session.quitting = True
    return (Send(frame),)


def reset(session: Session, frame: Frame) -> tuple[Step, ...]:
    session.transaction = None
    session.watch = None
    session.mute = None
    return (Send(frame, WasReset()),)


def monitor(session: Session, frame: Frame) -> tuple[Step, ...]:
    """MONITOR. Who does so already is not answered, unless with an error; inside MULTI it always is one."""
    if session.transaction is not None:
        return (Send(frame, Monitoring()),)
    if not session.monitoring:
        return (SendAndWait(frame, Monitoring()),)
    return (Send((frame if isinstance(frame, bytes) else b"".join(frame)) + MARK, Marked(Monitoring())),)
