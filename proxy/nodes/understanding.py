"""What a node says over a control connection, made into values: whole replies, of a size that can be.

Theory. hiredis makes room for what an array claims before any of it has come: a node that says
``*1000000000`` would stop the process for seconds. So what comes is measured here, and hiredis is given whole
replies only. Rules:

1. These connections speak RESP2, so nothing else is understood.
2. A size is believed only as its bytes arrive, and a reply has limits in bytes, in values and in depth.
"""

import re
from collections.abc import Iterator
from typing import Any

import hiredis

from proxy.nodes.errors import ReplyError
from proxy.wire.requests import length

BYTES_MAX = 128 * 1024 * 1024
"""Of one reply. CLIENT LIST has some 350 for each connection, and FUNCTION LIST the code of all libraries."""
VALUES_MAX = 1_000_000
"""In one reply. COMMAND has some 20,000."""
DEPTH_MAX = 32
"""Arrays within one another. COMMAND has some ten."""
LINE_MAX = 64 * 1024
"""Bytes of a line, that of an error too."""

SHORT = 4096
"""Bytes."""
FEW = 8
"""Arrays."""
_CLAIM = re.compile(rb"[*%~>|]\d{4}")
"""Looked at with care."""

MARK = b":0\r\n"
"""Understood as it is only behind a whole reply."""
LINES, BULK, ARRAY = b"+-:", ord("$"), ord("*")


class Nonsense(Exception):
    """This is no reply of a Redis; the text says why, on one line."""


class Understanding:
    """Of what comes over one connection."""

    __slots__ = ("_data", "_left", "_pos", "_reader", "_values")

    def __init__(self) -> None:
        self._reader = hiredis.Reader(replyError=ReplyError)
        self._data = bytearray()
        self._pos = 0  # up to here it is measured
        self._left: list[int] = []  # values that the arrays still need, the innermost last
        self._values = 0  # that the reply has, or claims to have

    def feed(self, data: bytes) -> Iterator[Any]:
        """Take a chunk; yields the replies that are now whole. Raises Nonsense after those that precede
        it."""
        if not self._data and (replies := self._at_a_glance(data)):
            yield from replies
            return
        self._data += data
        while self._measure():
            self._reader.feed(bytes(self._data[: self._pos]))
            del self._data[: self._pos]
            self._pos = self._values = 0
            try:
                yield self._reader.gets()
            except hiredis.ProtocolError as fault:  # a number with letters in it
                raise Nonsense(str(fault)) from None
        if len(self._data) > BYTES_MAX:
            raise Nonsense(f"a reply of more than {BYTES_MAX} bytes")

    def _at_a_glance(self, data: bytes) -> list[Any]:
        """The replies, where these bytes are nothing but some that are short and plain, as within a hold;
        else none."""
        if len(data) > SHORT or data[0] not in b"+-:$*" or data.count(b"*") > FEW or _CLAIM.search(data):
            return []
        reader = self._reader
        reader.feed(data)
        replies = []
        try:
            while (reply := reader.gets()) is not False:
                replies.append(reply)
            if replies and not reader.has_data():
                reader.feed(MARK)  # has_data does not tell of an array of which the first values are there
                mark = reader.gets()
                if type(mark) is int and not mark and not reader.has_data():
                    return replies
        except (hiredis.ProtocolError, TypeError):  # what is wrong will be told by who looks with care
            pass
        self._reader = hiredis.Reader(replyError=ReplyError)
        return []

    def _measure(self) -> bool:
        """Advance to the end of the current reply; False if the data does not reach that far."""
        data, left = self._data, self._left
        size = len(data)
        while self._pos < size:
            pos = self._pos
            end = data.find(b"\r\n", pos, pos + LINE_MAX)
            kind = data[pos]
            if end < 0:
                if size - pos >= LINE_MAX:
                    raise Nonsense(f"a line of more than {LINE_MAX} bytes")
                if kind not in b"+-:$*":
                    raise Nonsense(f"{bytes(data[pos : pos + 40])!r} is no reply")
                return False
            end += 2
            if kind == BULK:
                number = self._number(pos, end)
                if number >= 0:
                    end += number + 2
                    if end > size:
                        return False
                    if data[end - 2 : end] != b"\r\n":
                        raise Nonsense("a value does not end where it says")
            elif kind == ARRAY:
                number = self._number(pos, end)
                if number > 0:
                    self._values += number
                    left.append(number)
                    if self._values > VALUES_MAX or len(left) > DEPTH_MAX:
                        raise Nonsense(f"more than {VALUES_MAX} values, or {DEPTH_MAX} arrays deep")
                    self._pos = end
                    continue
            elif kind not in LINES:
                raise Nonsense(f"{bytes(data[pos : min(end, pos + 40)])!r} is no reply")
            self._pos = end
            while left:
                left[-1] -= 1
                if left[-1]:
                    break
                left.pop()
            if not left:
                return True
        return False

    def _number(self, pos: int, end: int) -> int:
        number = length(bytes(self._data[pos + 1 : end - 2]))
        if number is None or not -1 <= number <= BYTES_MAX:
            raise Nonsense(f"{bytes(self._data[pos : min(end, pos + 40)])!r} is no reply")
        return number
