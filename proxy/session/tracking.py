"""CLIENT TRACKING, carried to another lane, and CLIENT CACHING, which counts for the next command only.

Redis keeps the options of the last ON, and adds up the prefixes; OFF forgets all. The ids of clients are the
proxy's own: REDIRECT is sent with the id that the node gave to the target's lane, and what the node says of
it is put back. What a node had to invalidate when a client left it is not known any more, so the client is
told then to forget all, as FLUSHALL tells it (:func:`forget_all`).
"""

import re

from attrs import Factory, define, evolve, field, frozen

from proxy.session.identity import fails
from proxy.session.ids import IDS_FROM
from proxy.session.session import LookUp, Send, Session, Step, Want
from proxy.wire.encoding import command
from proxy.wire.requests import Frame, arguments

_PUSH = b">2\r\n$10\r\ninvalidate\r\n"
_MESSAGE = b"*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n"
_BROKEN = b">2\r\n$21\r\ntracking-redir-broken\r\n"
_TARGET = re.compile(rb"(\A|\$8\r\nredirect\r\n):[1-9][0-9]*\r\n")
"""The id in the reply to GETREDIR, which is nothing else, and in that to TRACKINGINFO."""
DIGITS_MAX = 18
"""Of an id; with more it is no client's."""


@frozen
class Tracking:
    """What a client has asked for, as it stands."""

    redirect: int = 0
    """The id of the client that is told instead; 0 for none. In a session the id that the client named, in a
    score the node's."""
    options: frozenset[bytes] = frozenset()
    prefixes: frozenset[bytes] = frozenset()
    """In BCAST mode; the empty one means every key."""
    size: int = field(init=False, eq=False, default=Factory(lambda own: sum(map(len, own.prefixes)), True))
    """Bytes of the prefixes."""

    def commands(self) -> list[bytes]:
        """What sets this up where nothing was: every key and named prefixes are not taken in one command,
        but one after the other."""
        words: list[bytes | str | int] = ["CLIENT", "TRACKING", "ON", *sorted(self.options)]
        if self.redirect:
            words += ["REDIRECT", self.redirect]
        named = sorted(self.prefixes - {b""})
        frames = [command(*words, *(word for prefix in named for word in ("PREFIX", prefix)))]
        if named and b"" in self.prefixes:
            frames.append(command(*words))
        return frames


@define
class Caching:
    """CLIENT CACHING YES or NO was sent, and the command that it is said of was not."""

    command: bytes
    again: bool = False
    """There was a hold since: the lane is another, or something of the proxy's own went down it."""


@frozen
class Tracked(Want):
    """The reply to CLIENT TRACKING; None is OFF."""

    given: Tracking | None

    def take(self, session: Session, piece: bytes, last: bool) -> bytes:
        if not fails(piece):
            before = session.tracking.prefixes if session.tracking is not None else frozenset()
            given = self.given
            session.tracking = given and evolve(given, prefixes=given.prefixes | before)
        return piece


@frozen
class NamesTarget(Want):
    """The reply to TRACKINGINFO or GETREDIR."""

    def take(self, session: Session, piece: bytes, last: bool) -> bytes:
        if session.tracking is None:
            return piece
        return _TARGET.sub(rb"\g<1>:%d\r\n" % session.tracking.redirect, piece, count=1)


@frozen
class Unheard(Want):
    """The reply to a CLIENT CACHING that is said again."""

    def take(self, session: Session, piece: bytes, last: bool) -> bytes:
        return b""


def track(session: Session, frame: Frame) -> tuple[Step, ...]:
    """CLIENT TRACKING."""
    words = arguments(frame)
    switch = words[2].upper() if len(words) > 2 else b""
    redirect, options, prefixes = 0, set[bytes](), set[bytes]()
    places = iter(range(3, len(words)))
    for place in places:
        option = words[place].upper()
        value = next(places, 0) if option in (b"REDIRECT", b"PREFIX") else 0
        if option == b"PREFIX":
            prefixes.add(words[value])
        elif option != b"REDIRECT":
            options.add(option)
        elif words[value].isdigit() and len(words[value]) <= DIGITS_MAX:
            redirect = int(words[value])
            if session.common.shares and 0 < redirect < IDS_FROM:
                redirect = IDS_FROM  # nobody has it: invalidations would break a shared lane
            target = session.common.directory.target_id(redirect - IDS_FROM) if redirect > IDS_FROM else 0
            if target is None:
                return (LookUp(b"CLIENT", frame),)
            words[value] = b"%d" % (target or redirect)  # the node knows no client of the proxy's own id
    if switch not in (b"ON", b"OFF"):
        return (Send(frame),)
    if b"BCAST" in options and not prefixes:
        prefixes.add(b"")
    given = Tracking(redirect, frozenset(options), frozenset(prefixes))
    if switch == b"OFF" and session.transaction is None:
        session.caching = None
    return (Send(command(*words) if redirect else frame, Tracked(given if switch == b"ON" else None)),)


def cache(session: Session, frame: Frame) -> tuple[Step, ...]:
    """CLIENT CACHING. Inside MULTI it counts for the rest of the queue, and is replayed with that."""
    words = arguments(frame)
    if session.transaction is None and len(words) > 2 and words[2].upper() in (b"YES", b"NO"):
        session.caching = Caching(command(*words))
    return (Send(frame),)


def tell_target(session: Session, frame: Frame) -> tuple[Step, ...]:
    """CLIENT TRACKINGINFO and GETREDIR."""
    return (Send(frame, NamesTarget()),)


def behind_caching(
    session: Session, caching: Caching, name: bytes, steps: tuple[Step, ...], queued: bool
) -> tuple[Step, ...]:
    """The steps of a command that is sent behind CLIENT CACHING. Redis drops the flag with the first command
    that is not CLIENT, or where that is MULTI, with its EXEC."""
    if name == b"CLIENT" or any(isinstance(step, LookUp) for step in steps):
        return steps
    if caching.again and not queued:
        caching.again = False
        steps = (Send(caching.command, Unheard()), *steps)
    if session.transaction is None:
        session.caching = None
    return steps


def forget_all(session: Session, told: Session) -> bytes:
    """What tells a client, itself or the one to which it redirects, to forget all that it has cached: to the
    byte what Redis sends on FLUSHALL. Empty where Redis cannot tell it anything."""
    null = b"_\r\n" if session.protocol == 3 else b"$-1\r\n"
    if told.protocol == 3:
        return _PUSH + null
    redirects = session.tracking is not None and session.tracking.redirect
    return _MESSAGE + null if redirects and told.subscriptions is not None else b""


def heard(session: Session, push: bytes) -> bytes:
    """A push as the client gets it: the target that is gone has the id that the client knows."""
    if session.tracking is not None and push.startswith(_BROKEN):
        return _BROKEN + b":%d\r\n" % session.tracking.redirect
    return push
