"""Subscriptions: which there are, and which frames belong to no command.

How many answers a subscription command has is read from the answers, never computed (a second UNSUBSCRIBE is
a push on Redis and ``-NOSUB`` on Valkey 8). So a mark goes behind each such command, a PING with a nonce: it
has one error or any number of confirmations for an answer, and what is neither a message nor a confirmation
behind these answers the mark, whatever it says.
"""

from typing import Any

import hiredis
from attrs import define, field

from proxy.session.identity import fails
from proxy.session.session import MARK, Send, Session, Step, Want
from proxy.wire.replies import PUSH, BadReply
from proxy.wire.requests import Frame

_KINDS = (b"subscribe", b"unsubscribe", b"psubscribe", b"punsubscribe", b"ssubscribe", b"sunsubscribe")
_CONFIRMATIONS = tuple(
    b"%s3\r\n$%d\r\n%s\r\n" % (kind, len(name), name) for name in _KINDS for kind in (b"*", b">")
)
_MESSAGES = (
    b"*3\r\n$7\r\nmessage\r\n",
    b"*4\r\n$8\r\npmessage\r\n",
    b"*3\r\n$8\r\nsmessage\r\n",
)
LINE = ord("+")


@define
class Subscriptions:
    """What the client is subscribed to, in the order in which it subscribed."""

    channels: dict[bytes, None] = field(factory=dict)
    patterns: dict[bytes, None] = field(factory=dict)
    shards: dict[bytes, None] = field(factory=dict)
    latest: bytes = b"subscribe"
    """The command that was confirmed last."""
    size: int = 0
    """Bytes of all the names."""

    def __bool__(self) -> bool:
        return bool(self.channels or self.patterns or self.shards)

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.channels) + len(self.patterns) + len(self.shards)

    def confirm(self, kind: bytes, channel: bytes | None) -> None:
        """Learn from one confirmation."""
        held = {b"p": self.patterns, b"s": self.shards}.get(
            kind[:1] if kind[1:] in (b"subscribe", b"unsubscribe") else b"", self.channels
        )
        self.latest = kind
        if channel is None:
            return
        if (channel in held) is not kind.endswith(b"unsubscribe"):
            return  # nothing new
        if channel in held:
            del held[channel]
            self.size -= len(channel)
        else:
            held[channel] = None
            self.size += len(channel)


def is_confirmation(frame: bytes) -> bool:
    """The frame confirms that something was subscribed or unsubscribed."""
    return frame.startswith(_CONFIRMATIONS)


def is_any_message(frame: bytes) -> bool:
    """The frame looks like a RESP2 message of a subscriber."""
    return frame.startswith(_MESSAGES)


def is_message(session: Session, frame: bytes) -> bool:
    """The frame is owed to no command: a push, a RESP2 message of a subscriber, a line of MONITOR."""
    if frame[0] == PUSH:
        return True
    if session.subscriptions is not None and session.protocol == 2 and frame.startswith(_MESSAGES):
        return True
    return session.monitoring and frame[0] == LINE and frame[1:2].isdigit()


@define
class Confirmed(Want):
    """The answers to a subscription command, and the mark behind them."""

    mixes: bool = field(default=True, init=False)
    audible: bool = field(default=True, init=False)
    finished: bool = False
    _answered: bool = False
    _long: bytes = b""
    """The pieces of a confirmation that does not come in one: a channel's name may be long."""

    def take(self, session: Session, piece: bytes, last: bool) -> bytes:
        if self.finished:
            return b""  # more of what answers the mark
        if self._long or is_confirmation(piece):
            self._long += piece
            if last:
                self._learn(session, self._long)
                self._long = b""
        elif self._answered or not fails(piece):
            self.finished = True
            if session.subscriptions is not None and not session.subscriptions:
                session.subscriptions = None
            return b""
        self._answered = True
        return piece

    def _learn(self, session: Session, piece: bytes) -> None:
        reader = hiredis.Reader()
        try:
            reader.feed(piece)
            answer: Any = reader.gets()
        except hiredis.ProtocolError as fault:
            raise BadReply(str(fault)) from None
        match answer:
            case [bytes(kind), bytes() | None as channel, *_]:
                if session.subscriptions is None:
                    session.subscriptions = Subscriptions()
                session.subscriptions.confirm(kind, channel)
            case _:
                raise BadReply(f"{piece[:40]!r} confirms nothing")


def subscribe(session: Session, frame: Frame) -> tuple[Step, ...]:
    """SUBSCRIBE, UNSUBSCRIBE and their P- and S- forms."""
    whole = frame if isinstance(frame, bytes) else b"".join(frame)
    return (Send(whole + MARK, Confirmed()),)
