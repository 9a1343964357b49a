"""Cutting what a client sends into whole commands, as strictly as Redis does.

Theory. A command is an array of bulk strings or an inline line. The cutter is fed chunks and yields ``(name,
frame)``: the command's first word in capitals, and its bytes exactly as they came. A frame is ``bytes``, or a
list of chunks where the command is long: then a value of 512 MB exists once, in the pieces in which it
arrived. Rules:

1. Nothing is yielded before it is whole, so that a node never holds half a command.
2. A size is believed only as its bytes arrive: a claim of 512 MB costs nothing.
3. What Redis takes without an answer (an empty line, ``*0``, ``*-1``) is dropped: it owes no reply.
4. What Redis answers with a protocol error raises :class:`BadRequest` with the same text (networking.c,
   ``processMultibulkBuffer`` and ``processInlineBuffer``). As in Redis, the two bytes behind a bulk are not
   looked at.
"""

from collections.abc import Iterator

from proxy.wire.inline import Unbalanced, split_inline

INLINE_MAX = 64 * 1024
"""Bytes. PROTO_INLINE_MAX_SIZE: the longest inline command, and the longest line that gives a length."""
BULK_MAX = 512 * 1024 * 1024
"""Bytes. Redis's default ``proto-max-bulk-len``."""
ARGUMENTS_MAX = 2**31 - 1
"""The longest array, from Redis 7.0 on."""
ARGUMENTS_MAX_6 = 1024 * 1024
"""The same before."""
LONG = 64 * 1024
"""Bytes. A command longer than this is kept as chunks; an argument longer than this is never copied."""

Frame = bytes | list[bytes]


def size_of(frame: Frame) -> int:
    """Bytes of a command."""
    return len(frame) if isinstance(frame, bytes) else sum(map(len, frame))


LENGTHS = {b"%d" % n: n for n in range(1024)}
"""The usual lengths as they are written; what is not in here is parsed with care."""

STAR, DOLLAR = b"*$"


class BadRequest(Exception):
    """The client broke the protocol; the text is Redis's own, without ``-ERR Protocol error: ``."""

    def reply(self) -> bytes:
        """What Redis answers before it closes the connection."""
        return b"-ERR Protocol error: %s\r\n" % str(self).encode("latin-1")


def length(digits: bytes) -> int | None:
    """A number as Redis's ``string2ll`` reads it (no sign but minus, no leading zero, no space), or None."""
    number = LENGTHS.get(digits)
    if number is not None:
        return number
    bare = digits[1:] if digits[:1] == b"-" else digits
    if not bare.isdigit() or bare[:1] == b"0" or len(bare) > 19:
        return None
    number = int(digits)
    return number if -(2**63) <= number < 2**63 else None


def arguments(frame: Frame) -> list[bytes]:
    """The words of a whole command that the cutter yielded."""
    data = frame if isinstance(frame, bytes) else b"".join(frame)
    if data[0] != STAR:
        return split_inline(data)
    words: list[bytes] = []
    pos = data.index(b"\r") + 2
    while pos < len(data):  # hiredis would insist on the newlines that Redis does not look at
        end = data.index(b"\r", pos) + 2
        pos = end + int(data[pos + 1 : end - 2]) + 2
        words.append(data[end : pos - 2])
    return words


class RequestCutter:
    """Cuts one client's bytes. Needed only while a command is incomplete, or when a chunk is not plain."""

    __slots__ = ("_args_left", "_args_max", "_begin", "_data", "_large", "_name", "_pieces", "_pos", "_skip")

    def __init__(self, arguments_max: int = ARGUMENTS_MAX) -> None:
        self._args_max = arguments_max
        self._data = b""
        self._pos = 0  # up to here the data is understood
        self._begin = 0  # where the current command's part of the data begins
        self._pieces: list[bytes] = []  # the current command's earlier chunks
        self._large = 0  # their bytes
        self._args_left = 0
        self._name = b""
        self._skip = 0  # bytes of a long argument still to come, its CRLF included

    @property
    def at_boundary(self) -> bool:
        """Nothing is left over: the last byte fed was the last of a command."""
        return self._pos == len(self._data) and not (self._args_left or self._skip or self._pieces)

    @property
    def held(self) -> int:
        """Bytes of an incomplete command kept here."""
        return self._large + len(self._data) - self._begin

    @property
    def wants(self) -> int:
        """Bytes that a long argument still needs, so that the receiver may ask for more at once."""
        return self._skip

    def feed(self, data: bytes) -> Iterator[tuple[bytes, Frame]]:
        """Take a chunk; yields the commands that are now whole. Raises BadRequest after those that precede
        it."""
        self._data = self._data[self._begin :] + data if self._begin < len(self._data) else data
        self._pos -= self._begin
        self._begin = 0
        while self._step():
            tail = self._data[self._begin : self._pos]
            frame: Frame = tail
            if self._pieces:
                frame = [*self._pieces, tail]
                self._pieces = []
                self._large = 0
            name, self._name = self._name, b""
            self._begin = self._pos
            if name:
                yield name.upper(), frame
        if self._pos - self._begin > LONG or self._skip:
            self._set_aside()

    def _set_aside(self) -> None:
        """Keep what is understood of a long command as a chunk, so that feeding on does not copy it again."""
        piece = self._data[self._begin : self._pos]
        if piece:
            self._pieces.append(piece)
            self._large += len(piece)
        self._begin = self._pos

    def _step(self) -> bool:
        """Advance to the end of the current command; False if the data does not reach that far."""
        if self._skip and not self._skip_on():
            return False
        if not self._args_left and not (self._name or self._pieces):
            if self._pos == len(self._data):
                return False
            if self._data[self._pos] != STAR:
                return self._inline()
            count = self._number(STAR, "invalid multibulk length", "too big mbulk count string")
            if count is None:
                return False
            if count > self._args_max:
                raise BadRequest("invalid multibulk length")
            self._args_left = max(count, 0)
        while self._args_left:
            if not self._argument():
                return False
        return True

    def _argument(self) -> bool:
        data = self._data
        start = self._pos
        if start == len(data):
            return False
        size = self._number(DOLLAR, "invalid bulk length", "too big bulk count string")
        if size is None:
            return False
        if not 0 <= size <= BULK_MAX:
            raise BadRequest("invalid bulk length")
        end = self._pos + size + 2
        if end <= len(data):
            if not self._name:
                self._name = (
                    data[self._pos : end - 2] or b"\0"
                )  # an empty name is a command too, an unknown one
            self._pos = end
            self._args_left -= 1
            return True
        if size <= LONG:
            self._pos = start  # read the length again when the rest has come
            return False
        if not self._name:
            self._name = b"\0"  # no command has a name as long as this
        self._args_left -= 1
        self._skip = end - len(data)
        self._pos = len(data)
        return False

    def _skip_on(self) -> bool:
        here = len(self._data) - self._pos
        if here < self._skip:
            self._skip -= here
            self._pos = len(self._data)
            return False
        self._pos += self._skip
        self._skip = 0
        return True

    def _number(self, kind: int, invalid: str, too_long: str) -> int | None:
        """The length on the line at ``_pos``, which then stands behind it; None if the line is not whole."""
        data, start = self._data, self._pos
        end = data.find(b"\r", start)
        if 0 <= end <= len(data) - 2 and data[start] == kind:
            number = length(data[start + 1 : end])
            if number is not None:
                self._pos = end + 2
                return number
        if end < 0 or b"\0" in data[start:end]:  # Redis looks for the line's end with strchr
            if len(data) - start > INLINE_MAX:
                raise BadRequest(too_long)
            return None
        if end > len(data) - 2:
            return None
        if data[start] == kind:
            raise BadRequest(invalid)
        got = chr(data[start]).translate({10: " ", 13: " "})
        raise BadRequest(f"expected '$', got '{got}'")

    def _inline(self) -> bool:
        end = self._data.find(b"\n", self._pos)
        if end < 0 or b"\0" in self._data[self._pos : end]:  # Redis looks for the newline with strchr
            if len(self._data) - self._pos > INLINE_MAX:
                raise BadRequest("too big inline request")
            return False
        try:
            words = split_inline(self._data[self._pos : end])
        except Unbalanced:
            raise BadRequest("unbalanced quotes in request") from None
        self._name = (words[0] or b"\0") if words else b""
        self._pos = end + 1
        return True
