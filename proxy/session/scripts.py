"""Scripts that passed through, so that EVALSHA finds them on the next primary: Redis does not replicate them.

Theory. A body is kept once a node has run or loaded it for a client: the proxy loads it elsewhere as its own
user, so what a client may not run must not be among them. Bounded in count and bytes; the least recently used
goes first. Shared by all sessions of a route. Where a node says NOSCRIPT to the digest of a body that is kept
(somebody flushed the scripts past the proxy; from 7.4 on those that came by EVAL are evicted), the script is
loaded and the command sent again, once:

1. Behind a digest that is not *confirmed* nothing of its client is sent until it is answered. An answer
   confirms it for the process that gave it.
2. A confirmed one does not wait. Where nothing of its client has gone behind it, it can be sent again all the
   same; else the error is passed on, and nothing counts as confirmed any more.
3. Inside MULTI nothing is sent again: the rest of it has been executed.
"""

import re
from collections import OrderedDict
from collections.abc import Iterator
from hashlib import sha1
from typing import TYPE_CHECKING

from attrs import define, field, frozen

from proxy.session.identity import fails
from proxy.session.session import LoadScript, Send, SendAndWait, Session, Step, Want
from proxy.wire.requests import Frame, arguments

if TYPE_CHECKING:
    from proxy.session.tracking import Caching

NOSCRIPT = b"-NOSCRIPT No matching script."
"""How Redis and Valkey begin to say it."""

_CALL = re.compile(rb"\*[0-9]+\r\n\$[0-9]+\r\n\w+\r\n\$40\r\n([0-9A-Fa-f]{40})\r\n")


@frozen
class Kept:
    """A body, and the version of the store that was the first to have it."""

    body: bytes = field(repr=False)
    since: int


@define
class Scripts:
    """Bodies by their digests, the least recently used first."""

    count_max: int
    bytes_max: int
    version: int = 0
    """Grows with every body that was not there before."""
    _kept: OrderedDict[bytes, Kept] = field(factory=OrderedDict, repr=False)
    _bytes: int = 0
    _confirmed: set[bytes] = field(factory=set, repr=False)
    _confirmed_by: int = 0
    """The tag of the process that has them."""

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self) -> Iterator[bytes]:
        return (kept.body for kept in self._kept.values())

    def newer(self, version: int) -> list[bytes]:
        """The bodies that were not there yet at that version."""
        return [kept.body for kept in self._kept.values() if kept.since > version]

    def use(self, digest: bytes) -> bytes | None:
        """The body of this digest, if it is kept; it is the most recently used one then."""
        kept = self._kept.get(digest)
        if kept is None:
            return None
        self._kept.move_to_end(digest)
        return kept.body

    def saw(self, digest: bytes, body: bytes) -> None:
        """A node has this script."""
        if self.use(digest) is not None or len(body) > self.bytes_max or self.count_max < 1:
            return
        self.version += 1
        self._kept[digest] = Kept(body, self.version)
        self._bytes += len(body)
        while len(self._kept) > self.count_max or self._bytes > self.bytes_max:
            oldest, kept = self._kept.popitem(last=False)
            self._bytes -= len(kept.body)
            self._confirmed.discard(oldest)

    def confirm(self, digest: bytes, tag: int) -> None:
        """The process of this tag has the script of this digest."""
        if self._confirmed_by != tag:
            self.doubt()
            self._confirmed_by = tag
        if digest in self._kept:
            self._confirmed.add(digest)

    def confirmed(self, digest: bytes, tag: int) -> bool:
        return tag == self._confirmed_by and digest in self._confirmed

    def doubt(self) -> None:
        """Any script may be gone from the node."""
        self._confirmed.clear()

    def flush(self) -> None:
        self._kept.clear()
        self._bytes = 0
        self.doubt()


@frozen
class Flushed(Want):
    """The reply to SCRIPT FLUSH."""

    def take(self, session: Session, piece: bytes, last: bool) -> bytes:
        if not fails(piece):
            session.common.scripts.flush()
        return piece


@define
class Loaded(Want):
    """The reply to EVAL, EVAL_RO or SCRIPT LOAD. One that is no error tells that the script is in the node's
    cache."""

    digest: bytes
    body: bytes = field(repr=False)
    _begun: bool = False

    def take(self, session: Session, piece: bytes, last: bool) -> bytes:
        if not (self._begun or fails(piece)):
            session.common.scripts.saw(self.digest, self.body)
            session.common.scripts.confirm(self.digest, session.tag)
        self._begun = True
        return piece


@define
class Called(Want):
    """The reply to an EVALSHA whose script is kept."""

    digest: bytes
    frame: Frame = field(repr=False)
    waits: bool
    """Nothing of the client is sent until it is answered."""
    again: bool
    """It may be sent again."""
    caching: "Caching | None"
    """CLIENT CACHING was sent ahead of it."""
    withheld: bool = field(default=False, init=False)
    _begun: bool = field(default=False, init=False)

    def take(self, session: Session, piece: bytes, last: bool) -> bytes:
        if self._begun:
            return piece
        self._begun = True
        scripts = session.common.scripts
        if not fails(piece):
            scripts.confirm(self.digest, session.tag)
        elif piece.startswith(NOSCRIPT):
            scripts.doubt()
            body = scripts.use(self.digest)
            # A script that says this itself has run.
            known = body is not None and b"NOSCRIPT" not in body
            alone = self.waits or session.common.directory.nothing_behind(session.number)
            self.withheld = self.again and known and alone
        return b"" if self.withheld else piece

    def then(self, session: Session) -> tuple[Step, ...]:
        body = session.common.scripts.use(self.digest)
        if not self.withheld or body is None:
            return ()
        session.called_again = self.frame
        if self.caching is not None:  # the first call has used it up
            self.caching.again = True
            session.caching = self.caching
        return (LoadScript(body, arguments(self.frame)[0].upper(), self.frame),)


def evaluate(session: Session, frame: Frame) -> tuple[Step, ...]:
    """EVAL and EVAL_RO leave the script in the node's cache, as SCRIPT LOAD does."""
    words = arguments(frame)
    return _loads(session, frame, words[1]) if len(words) > 2 else (Send(frame),)


def script(session: Session, frame: Frame) -> tuple[Step, ...]:
    words = arguments(frame)
    verb = words[1].upper() if len(words) > 1 else b""
    if verb == b"LOAD" and len(words) == 3:
        return _loads(session, frame, words[2])
    if verb == b"FLUSH":
        return (Send(frame, Flushed()),)
    return (Send(frame),)


def _loads(session: Session, frame: Frame, body: bytes) -> tuple[Step, ...]:
    scripts = session.common.scripts
    digest = sha1(body, usedforsecurity=False).hexdigest().encode()
    if scripts.use(digest) is not None and scripts.confirmed(digest, session.tag):
        return (Send(frame),)
    return (Send(frame, Loaded(digest, body)),)


def call(session: Session, frame: Frame) -> tuple[Step, ...]:
    """EVALSHA and EVALSHA_RO."""
    again = session.called_again is not frame
    session.called_again = None
    scripts = session.common.scripts
    digest = _digest(frame)
    if scripts.use(digest) is None or session.transaction is not None:
        return (Send(frame),)
    if scripts.confirmed(digest, session.tag):
        return (Send(frame, Called(digest, frame, waits=False, again=again, caching=session.caching)),)
    return (SendAndWait(frame, Called(digest, frame, waits=True, again=again, caching=session.caching)),)


def _digest(frame: Frame) -> bytes:
    """As Redis reads it: in lower case. Empty where there is none."""
    found = _CALL.match(frame if isinstance(frame, bytes) else frame[0])
    if found is not None:
        return found[1].lower()
    words = arguments(frame)
    return words[1].lower() if len(words) > 1 else b""
