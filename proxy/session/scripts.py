"""Scripts that passed through, so that EVALSHA finds them on the next primary: Redis does not replicate them.

Bounded in count and bytes; the least recently used goes first. Shared by all sessions of a route.
"""

from collections import OrderedDict
from collections.abc import Iterator

from attrs import define, field, frozen

from proxy.session.identity import fails
from proxy.session.session import Send, Session, Step, Want
from proxy.wire.requests import Frame, arguments


@define
class Scripts:
    """Bodies seen in EVAL and SCRIPT LOAD."""

    count_max: int
    bytes_max: int
    version: int = 0
    """Grows with every body that was not there before."""
    _bodies: OrderedDict[bytes, int] = field(factory=OrderedDict, repr=False)
    _bytes: int = 0

    def __len__(self) -> int:
        return len(self._bodies)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._bodies)

    def newer(self, version: int) -> list[bytes]:
        """The bodies that were not there yet at that version."""
        return [body for body, since in self._bodies.items() if since > version]

    def saw(self, body: bytes) -> None:
        if body in self._bodies:
            self._bodies.move_to_end(body)
            return
        if len(body) > self.bytes_max or self.count_max < 1:
            return
        self.version += 1
        self._bodies[body] = self.version
        self._bytes += len(body)
        while len(self._bodies) > self.count_max or self._bytes > self.bytes_max:
            oldest, _ = self._bodies.popitem(last=False)
            self._bytes -= len(oldest)

    def flush(self) -> None:
        self._bodies.clear()
        self._bytes = 0


@frozen
class Flushed(Want):
    """The reply to SCRIPT FLUSH."""

    def take(self, session: Session, piece: bytes, last: bool) -> bytes:
        if not fails(piece):
            session.common.scripts.flush()
        return piece


def evaluate(session: Session, frame: Frame) -> tuple[Step, ...]:
    """EVAL and EVAL_RO leave the script in the node's cache, as SCRIPT LOAD does."""
    words = arguments(frame)
    if len(words) > 2:
        session.common.scripts.saw(words[1])
    return (Send(frame),)


def script(session: Session, frame: Frame) -> tuple[Step, ...]:
    words = arguments(frame)
    verb = words[1].upper() if len(words) > 1 else b""
    if verb == b"LOAD" and len(words) == 3:
        session.common.scripts.saw(words[2])
    elif verb == b"FLUSH":
        return (Send(frame, Flushed()),)
    return (Send(frame),)
