"""What a node has just answered to one client of a user, it answers to the next.

Opening bursts are alike: a thousand clients say HELLO 3, SELECT 2, CLIENT SETINFO lib-name …. Each needs a
lane of its own for a moment; so an answer is remembered for a second, by the user and the very words, and
given to whoever says the same. It changes the session as the node's own answer would. Errors are not
remembered, and nothing that has a password in it: that is the node's to check.
"""

from attrs import define, field, frozen

from proxy.session.identity import fails
from proxy.session.session import Send, Session, Step, Want
from proxy.session.table import ask
from proxy.wire.requests import Frame, arguments

KEPT_SECONDS = 1.0
"""How long a user whose rights are taken may go on saying these."""
KEPT_MAX = 1024
LONG = 512
"""Bytes. Commands that are longer are not remembered."""
CLIENT = frozenset((b"SETNAME", b"SETINFO"))
"""Subcommands whose answer depends on the user and the words alone."""

LEARNABLE = frozenset((b"CLIENT", b"HELLO", b"SELECT"))

Key = tuple[bytes | None, int, int, Frame]


@define
class Learned:
    """Answers, and until when they count."""

    _answers: dict[Key, tuple[bytes, float]] = field(factory=dict, repr=False)

    def keep(self, key: Key, answer: bytes, until: float) -> None:
        if len(self._answers) >= KEPT_MAX:
            self._answers.clear()
        self._answers[key] = answer, until

    def find(self, key: Key, now: float) -> bytes | None:
        answer, until = self._answers.get(key, (None, 0.0))
        return answer if now < until else None

    def forget(self) -> None:
        """Another node may answer otherwise."""
        self._answers.clear()


@frozen
class Learning(Want):
    """A reply that is looked at, and remembered."""

    inner: Want
    learned: Learned
    key: Key = field(repr=False)
    until: float

    def take(self, session: Session, piece: bytes, last: bool) -> bytes:
        if last and not fails(piece):
            self.learned.keep(self.key, piece, self.until)
        return self.inner.take(session, piece, last)


def key_of(session: Session, name: bytes, frame: Frame) -> Key | None:
    """Under what the answer to this command is remembered; None if it is not."""
    if isinstance(frame, list) or len(frame) > LONG or session.transaction is not None:
        return None
    words = arguments(frame)
    if name == b"HELLO":
        known = b"AUTH" not in map(bytes.upper, words)
    elif name == b"CLIENT":
        tracks_not = session.tracking is None and list(map(bytes.upper, words[1:])) == [b"TRACKING", b"OFF"]
        known = tracks_not or (len(words) > 2 and words[1].upper() in CLIENT)
    else:
        known = name == b"SELECT"
    admission = session.admission if session.auth is None else 0
    return (session.auth, admission, session.protocol, frame) if known else None


def learn(session: Session, learned: Learned, name: bytes, frame: Frame, now: float) -> tuple[Step, ...]:
    """As :func:`proxy.session.table.ask`, and have the answer remembered."""
    key = key_of(session, name, frame)
    steps = ask(session, name, frame)
    match steps:
        case (Send(sent, Want() as want),) if key is not None:
            return (Send(sent, Learning(want, learned, key, now + KEPT_SECONDS)),)
    return steps


def recall(session: Session, learned: Learned, name: bytes, frame: Frame, now: float) -> bytes | None:
    """The answer that is known already, which has changed the session then; None if the node must be
    asked."""
    key = key_of(session, name, frame)
    answer = None if key is None else learned.find(key, now)
    if answer is not None:
        match ask(session, name, frame):
            case (Send(_, Want() as want),):
                return want.take(session, answer, True)
    return None
