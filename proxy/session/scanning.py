"""SCAN, SSCAN, HSCAN, ZSCAN: a cursor says which process gave it out.

Every process hashes with a seed of its own, so a cursor of one means nothing to another, and Redis takes any
number: a scan that went on with it would skip elements and never know. So a cursor carries a tag of the
process on its way out, and on its way in one that was given out by another process starts over, which SCAN's
contract allows: an element may come twice. What a client gets still fits 52 bits, so that one that keeps
numbers as doubles is safe too. A cursor within a script's answer is not seen.
"""

import re

from attrs import define

from proxy.session.session import Send, Session, Step, Want
from proxy.session.transactions import Ask
from proxy.wire.encoding import command
from proxy.wire.requests import Frame, arguments

TAG_SHIFT = 36
"""A cursor of Redis has as many bits as its table has buckets: never more than these."""
TAGGED_MAX = 1 << TAG_SHIFT + 16
DIGITS_MAX = len(str(TAGGED_MAX))

_HEAD = re.compile(rb"\*2\r\n\$[0-9]+\r\n([1-9][0-9]*)\r\n")
"""How an answer begins that goes on, in RESP2 and RESP3. A first piece always reaches behind it."""


@define
class Cursor(Want):
    """The reply to a scan, or the element of EXEC's answer that is one."""

    _begun: bool = False

    def take(self, session: Session, piece: bytes, last: bool) -> bytes:
        head = None if self._begun else _HEAD.match(piece)
        self._begun = True  # a later piece may be a part of a long value, and look like anything
        if head is None or not session.tag:
            return piece
        cursor = int(head[1])
        if cursor >> TAG_SHIFT:
            return piece
        tagged = b"%d" % (session.tag << TAG_SHIFT | cursor)
        return b"*2\r\n$%d\r\n%b\r\n%b" % (len(tagged), tagged, piece[head.end() :])


def at(place: int) -> Ask:
    """The row of a command that has its cursor at this place among its words."""

    def scan(session: Session, frame: Frame) -> tuple[Step, ...]:
        words = arguments(frame)
        if len(words) > place:
            given = words[place]
            known = _untagged(given, session.tag)
            if known != given:
                words[place] = known
                return (Send(command(*words), Cursor()),)
        return (Send(frame, Cursor()),)

    return scan


def _untagged(given: bytes, tag: int) -> bytes:
    """What the process of this tag is asked for. What no process can have given out passes as it came."""
    if not tag or not given.isdigit() or len(given) > DIGITS_MAX:
        return given
    cursor = int(given)
    if cursor == 0 or cursor >= TAGGED_MAX:
        return given
    return b"%d" % (cursor & (1 << TAG_SHIFT) - 1) if cursor >> TAG_SHIFT == tag else b"0"
