"""Cutting what a node sends into whole replies, without building them.

Theory. A reply is one value; an array, map, set or push is a value with children, and an attribute (``|``)
precedes the value that it belongs to. So a reply is whole when the number of values still to come has fallen
to nought, and no stack is needed: a child adds its own children to the count. Replies come out exactly as
they came in. A short one comes whole; one longer than :data:`LONG` comes as pieces, the last of which is
marked, so that a large reply passes through without being gathered. RESP is what a node speaks, so an unknown
type means that the lane is out of step.
"""

from collections.abc import Iterator

from proxy.wire.requests import LENGTHS, length

LONG = 64 * 1024
"""Bytes. A reply longer than this is given out in pieces."""

LINES = frozenset(b"+-:_#,(")
BULKS = frozenset(b"$=!")
PAIRS = frozenset(b"%|")
LISTS = frozenset(b"*~>")
LENGTH_LINE_MAX = 32
"""Bytes. More than any line that gives a length."""
ATTRIBUTE, PUSH = b"|>"


class BadReply(Exception):
    """The node sent something that is no RESP: the lane is out of step and must be closed."""


class ReplyCutter:
    """Cuts one lane's bytes. Needed only while a reply is incomplete or must be looked at."""

    __slots__ = ("_begin", "_data", "_pos", "_skip", "_started", "_values")

    def __init__(self) -> None:
        self._data = b""
        self._pos = 0  # up to here the data is understood
        self._begin = 0  # where the part of the reply that was not given out begins
        self._values = 0  # values that the reply still needs
        self._skip = 0  # bytes of a long bulk still to come, its CRLF included
        self._started = False  # pieces of the reply have been given out

    @property
    def at_boundary(self) -> bool:
        """Nothing is left over: the last byte fed was the last of a reply."""
        return self._pos == len(self._data) and not (self._values or self._skip or self._started)

    @property
    def wants(self) -> int:
        """Bytes that a long bulk still needs, so that the receiver may ask for more at once."""
        return self._skip

    def feed(self, data: bytes) -> Iterator[tuple[bytes, bool]]:
        """Take a chunk; yields ``(piece, last)``. Raises BadReply after what precedes the fault."""
        self._data = self._data[self._begin :] + data if self._begin < len(self._data) else data
        self._pos -= self._begin
        self._begin = 0
        while self._step():
            piece = self._data[self._begin : self._pos]
            self._begin = self._pos
            self._started = False
            yield piece, True
        if self._pos - self._begin > LONG or self._skip or (self._started and self._pos > self._begin):
            piece = self._data[self._begin : self._pos]
            self._begin = self._pos
            self._started = True
            yield piece, False

    def _step(self) -> bool:
        """Advance to the end of the current reply; False if the data does not reach that far."""
        data = self._data
        size = len(data)
        if self._skip:
            here = min(size - self._pos, self._skip)
            self._skip -= here
            self._pos += here
            if self._skip:
                return False
            if not self._values:
                return True
        elif not self._values:
            if self._pos == size:
                return False
            self._values = 1
        pos, values = self._pos, self._values
        while values:
            end = data.find(b"\r\n", pos)
            if end < 0:
                if pos < size and data[pos] not in LINES and size - pos > LENGTH_LINE_MAX:
                    raise BadReply(f"{data[pos:][:40]!r} is no reply")
                break
            kind = data[pos]
            if kind in LINES:
                pos = end + 2
                values -= 1
                continue
            digits = data[pos + 1 : end]
            number = LENGTHS.get(digits)
            if number is None:
                number = length(digits)
                if number is None or number < -1:
                    raise BadReply(f"{data[pos:end][:40]!r} is no reply")
            if kind in BULKS:
                stop = end + 4 + number if number >= 0 else end + 2
                if stop > size:
                    if number <= LONG:
                        break
                    self._skip = stop - size
                    stop = size
                pos = stop
                values -= 1
                if self._skip:
                    break
            elif kind in LISTS:
                within = kind == PUSH and (self._started or pos > self._begin)
                pos = end + 2
                values += max(number, 0) - (not within)  # a push within an answer to EXEC is no element of it
            elif kind in PAIRS:
                pos = end + 2
                values += 2 * max(number, 0) - (kind != ATTRIBUTE)
            else:
                raise BadReply(f"{data[pos:end][:40]!r} is no reply")
        self._pos, self._values = pos, values
        return not values and not self._skip
