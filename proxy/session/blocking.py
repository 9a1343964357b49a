"""Commands that may block: recalled from the old primary, issued again on the new one with what remains of
their time.

Behind such a command nothing is forwarded until it is answered. To be moved it is *recalled*: the proxy has
the node answer it with ``CLIENT UNBLOCK id ERROR``. The reply is then either its result, which the client
gets, or ``-UNBLOCKED``, which the client does not get: the command is *parked*, and issued *again* where the
client is next.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from attrs import define

from proxy.session.session import Send, SendAndWait, Session, Step, Want
from proxy.wire.encoding import command
from proxy.wire.requests import Frame, arguments

if TYPE_CHECKING:
    from proxy.session.muting import Mute

UNBLOCKED = b"-UNBLOCKED"
LAST, FIRST = -1, 1
"""Where a command has its timeout, in seconds."""

SECONDS: Mapping[bytes, int] = {
    b"BLPOP": LAST,
    b"BRPOP": LAST,
    b"BRPOPLPUSH": LAST,
    b"BLMOVE": LAST,
    b"BZPOPMIN": LAST,
    b"BZPOPMAX": LAST,
    b"BLMPOP": FIRST,
    b"BZMPOP": FIRST,
}
WAITS = (b"WAIT", b"WAITAOF")
"""Their timeout is their last word, in milliseconds."""
_OPTIONS = {b"BLOCK": 1, b"COUNT": 1, b"GROUP": 2}
"""How many words belong to an option of XREAD and XREADGROUP."""
SHORTEST = 0.0015
"""Seconds. What is left of a timeout is never rounded to 0, which means for ever: 6.2 reads ``0.001`` so."""


@define(eq=False)
class Blocking(Want):
    """A command that may be blocked, from when it is sent until it is answered to the client."""

    name: bytes
    words: list[bytes]
    at: int
    """Which word is the timeout."""
    per_second: float
    """1 where the timeout is in seconds, 1000 where it is in milliseconds."""
    timeout: float | None = None
    """Seconds; None is for ever."""
    since: float | None = None
    """When it was sent, by the proxy's clock; the relay fills it in, this room has no clock."""
    recalled: bool = False
    """From now on ``-UNBLOCKED`` is the proxy's doing."""
    parked: bool = False
    """It was recalled, and is to be issued again."""
    mute: "Mute | None" = None
    """The client does not want the answer."""
    _size: int | None = None

    READERS: ClassVar = frozenset((b"XREAD", *WAITS))
    """These write nothing; they are recalled after the pause, so that no entry between recall and pause is
    missed."""

    @property
    def size(self) -> int:
        """Bytes of its words."""
        if self._size is None:
            self._size = sum(map(len, self.words))
        return self._size

    @property
    def writes(self) -> bool:
        """It takes something from the data when it is answered."""
        return self.name not in self.READERS

    def take(self, session: Session, piece: bytes, last: bool) -> bytes:
        # With the first piece it is answered: a later one may be a part of a long value, and look like it.
        if self.recalled and session.blocked is self and piece.startswith(UNBLOCKED):
            self.parked = True
            return b""
        session.blocked = None
        return piece

    def newest(self) -> list[bytes]:
        """The streams of which XREAD waits for what comes after the newest entry (``$``)."""
        if self.name != b"XREAD":
            return []
        keys, ids = self._streams()
        return [
            self.words[key]
            for key, identifier in zip(keys, ids, strict=True)
            if self.words[identifier] == b"$"
        ]

    def since_entries(self, last_ids: Mapping[bytes, bytes]) -> None:
        """Put the ids that were the newest when it was recalled in the place of ``$``."""
        keys, ids = self._streams()
        for key, identifier in zip(keys, ids, strict=True):
            if self.words[identifier] == b"$":
                self.words[identifier] = last_ids[self.words[key]]

    def _streams(self) -> tuple[range, range]:
        start = next(n for n, word in enumerate(self.words) if n > 0 and word.upper() == b"STREAMS") + 1
        count = (len(self.words) - start) // 2
        return range(start, start + count), range(start + count, start + 2 * count)

    def again(self, now: float) -> bytes | None:
        """The command with what remains of its time; None if nothing does, and the client is owed its nil."""
        self.recalled = self.parked = False
        if self.timeout is None or self.since is None:
            return command(*self.words)
        left = self.since + self.timeout - now
        if left <= 0 and self.name not in WAITS:
            return None
        self.words[self.at] = self._written(max(left, SHORTEST))
        return command(*self.words)

    def _written(self, seconds: float) -> bytes:
        return b"%d" % max(1, round(seconds * 1000)) if self.per_second == 1000 else b"%.4f" % seconds


def may_block(session: Session, name: bytes, frame: Frame) -> tuple[Step, ...]:
    """BLPOP and its family."""
    words = arguments(frame)
    at = SECONDS[name] % len(words)
    return _begin(session, Blocking(name, words, at, 1), frame)


def unknown(session: Session, name: bytes, frame: Frame) -> tuple[Step, ...]:
    """The server says that it may block, and nobody here knows it: issued again, it begins anew."""
    session.blocked = Blocking(name, arguments(frame), 0, 1)
    return (SendAndWait(frame, session.blocked),)


def stream_read(session: Session, name: bytes, frame: Frame) -> tuple[Step, ...]:
    """XREAD and XREADGROUP: they block if they say BLOCK before STREAMS."""
    words = arguments(frame)
    block = 0
    following = iter(range(1, len(words)))
    for at in following:
        option = words[at].upper()
        if option == b"STREAMS" and block:
            return _begin(session, Blocking(name, words, block, 1000), frame)
        if option == b"STREAMS":
            break
        if option == b"BLOCK":
            block = at + 1
        for _ in range(_OPTIONS.get(option, 0)):
            next(following, None)  # a group may be called STREAMS
    return (Send(frame),)


def _begin(session: Session, blocking: Blocking, frame: Frame) -> tuple[Step, ...]:
    try:
        value = float(blocking.words[blocking.at])
    except (ValueError, IndexError):
        value = 0.0  # the node answers with an error, or knows a number here that Python does not, as 0x10
    blocking.timeout = value / blocking.per_second or None
    session.blocked = blocking
    return (SendAndWait(frame, blocking),)
