"""The quick look at a chunk: how many whole frames is it, are they all of the plain kind, where do they end?

Theory. Every command and every reply passes here, so mypyc compiles this module to C wherever it is installed
with a C compiler at hand; :data:`COMPILED` tells. There is no second source: where it is not compiled, this
file runs as it is. Rules:

1. What is counted is what the strict cutters of :mod:`proxy.wire.requests` and :mod:`proxy.wire.replies`
   would cut, and nothing else. In any other case the answer is 0, and they take over from the first byte.
2. A loop over bytes is quick as C and slow as Python. So Python, where nothing is compiled, first tries what
   is usual by means that are C already: a split at the line ends, a look into a table. The loops are the law.
3. An index beyond the bytes is an IndexError, compiled or not: nothing is ever read from behind them. In a
   slice the end never precedes the beginning: mypyc answers that with a fault, not with an empty slice.
4. A number is small, or capped, before it is added to a position, so none overflows.
"""

from collections.abc import Container, Sequence
from types import FunctionType
from typing import TYPE_CHECKING, Final

from proxy.wire.replies import LENGTH_LINE_MAX, BadReply
from proxy.wire.requests import length

if TYPE_CHECKING:
    from mypy_extensions import i64

LONG = 64 * 1024
"""Bytes. A chunk longer than this is left to the cutters, which skip a large bulk by its length."""

# As ASCII writes them; mypyc makes constants of Final numbers only.
CR: Final = 0x0D
LF: Final = 0x0A
MINUS: Final = 0x2D
ZERO: Final = 0x30
ONE: Final = 0x31
BULK: Final = 0x24
BULK_ERROR: Final = 0x21
VERBATIM: Final = 0x3D
ARRAY: Final = 0x2A
SET: Final = 0x7E
MAP: Final = 0x25
ATTRIBUTE: Final = 0x7C
PUSH: Final = 0x3E
SIMPLE: Final = 0x2B
NUMBER: Final = 0x3A
NULL: Final = 0x5F
BOOLEAN: Final = 0x23
DOUBLE: Final = 0x2C
BIG: Final = 0x28

_UNUSUAL: Final = -2
"""In place of a number: its line is not whole, or it has more digits than are read here, or it is none."""
_USUAL_MAX: Final = 1_000_000
"""Reading digits ends with a number above this."""


def count_requests(data: bytes, plain: Container[bytes]) -> int:
    """The number of commands in ``data`` if it is nothing but whole commands whose names are all in
    ``plain``, else 0. They are arrays of bulks, and behind each bulk stands its line end, at which Redis does
    not look."""
    if not COMPILED and (glanced := _requests_at_a_glance(data, plain)):
        return glanced
    size: i64 = len(data)
    pos: i64 = 0
    count: i64 = 0
    while pos < size:
        if data[pos] != ARRAY:
            return 0
        words, pos = _number(data, pos + 1)
        if words <= 0:
            return 0
        is_name = True
        while words:
            if pos >= size or data[pos] != BULK:
                return 0
            number, begin = _number(data, pos + 1)
            end = begin + number
            if number < 0 or end + 2 > size or data[end] != CR or data[end + 1] != LF:
                return 0
            if is_name:
                if data[begin:end] not in plain:
                    return 0
                is_name = False
            pos = end + 2
            words -= 1
        count += 1
    return count


def count_replies(data: bytes) -> int:
    """The number of replies in ``data`` if it is nothing but whole replies, no push between them, else 0. An
    attribute is a part of the reply that it precedes."""
    size: i64 = len(data)
    pos: i64 = 0
    count: i64 = 0
    try:
        while pos < size:
            step = 0 if COMPILED else _STEPS.get(data[pos : pos + 5], 0)
            pos = pos + step if step else _behind(data, pos)
            count += 1
    except BadReply:
        return 0
    return count if pos == size else 0


def split_replies(data: bytes, start: int, counts: Sequence[int]) -> list[int]:
    """Cut, from ``start`` on, as many replies as the counts say together: for each count, the position behind
    its last reply. The list is shorter where the data ends before.

    Raises BadReply for what is no RESP, and for a push between two replies: nothing pushes on a lane of many
    clients.
    """
    size: i64 = len(data)
    pos: i64 = start
    ends: list[int] = []
    for count in counts:
        left: i64 = count
        while left:
            step = 0 if COMPILED else _STEPS.get(data[pos : pos + 5], 0)
            pos = pos + step if step else _behind(data, pos)
            if pos > size:
                return ends
            left -= 1
        ends.append(pos)
    return ends


def _behind(data: bytes, pos: "i64") -> "i64":
    """The position behind the reply that begins at ``pos``; beyond the data where it is not whole."""
    size: i64 = len(data)
    begin = pos
    values: i64 = 1  # that the reply still needs: a child adds its own children
    while values:
        if not COMPILED:
            pos, values = _over_the_usual(data, pos, values)
            if not values:
                break
        if pos >= size:
            return size + 1
        kind: i64 = data[pos]
        if kind in (SIMPLE, NUMBER, MINUS, NULL, BOOLEAN, DOUBLE, BIG):
            pos = _behind_line(data, pos)
            values -= 1
            continue
        number, after = _number(data, pos + 1)
        if number == _UNUSUAL:
            number, after = _unusual(data, pos)
            if after > size:
                return after
        children = number if number > 0 else 0
        if kind in (BULK, BULK_ERROR, VERBATIM):
            pos = after + number + 2 if number >= 0 else after
            values -= 1
            continue
        if kind in (ARRAY, SET):
            values += children - 1
        elif kind == MAP:
            values += 2 * children - 1
        elif kind == ATTRIBUTE:
            values += 2 * children  # it is no value itself: that comes behind it
        elif kind == PUSH and pos > begin:
            values += children  # within an answer to EXEC a push is no element of it
        else:
            raise BadReply(f"{data[pos:][:40]!r} is no reply")
        pos = after
    return pos


def _behind_line(data: bytes, pos: "i64") -> "i64":
    size: i64 = len(data)
    if not COMPILED:
        end = data.find(b"\r\n", pos)
        return end + 2 if end >= 0 else size + 1
    while pos + 1 < size:
        if data[pos] == CR and data[pos + 1] == LF:
            return pos + 2
        pos += 1
    return size + 1


def _number(data: bytes, pos: "i64") -> "tuple[i64, i64]":
    """The number that stands on the line from ``pos`` on, and the position behind the line."""
    size: i64 = len(data)
    begin = pos
    number: i64 = 0
    while pos < size and number < _USUAL_MAX:
        digit: i64 = data[pos] - ZERO
        if digit < 0 or digit > 9:
            break
        number = number * 10 + digit
        pos += 1
    if pos == begin:
        if pos + 1 >= size or data[pos] != MINUS or data[pos + 1] != ONE:
            return _UNUSUAL, pos
        number = -1
        pos += 2
    elif data[begin] == ZERO and pos > begin + 1:
        return _UNUSUAL, pos
    if pos + 1 >= size or data[pos] != CR or data[pos + 1] != LF:
        return _UNUSUAL, pos
    return number, pos + 2


def _unusual(data: bytes, pos: "i64") -> "tuple[i64, i64]":
    """The number on the line of a reply that begins at ``pos``, read with care, and the position behind the
    line; beyond the data where the line is not whole."""
    size = len(data)
    end = data.find(b"\r\n", pos)
    if end < 0 and size - pos <= LENGTH_LINE_MAX:
        return 0, size + 1
    number = length(data[pos + 1 : end]) if end > pos else None
    if number is None or number < -1:
        raise BadReply(f"{data[pos:][:40]!r} is no reply")
    return min(number, size), end + 2  # so many bytes, or values, are more than there can be


def _requests_at_a_glance(data: bytes, plain: Container[bytes]) -> int:
    """As ``count_requests``, but 0 too where a value is long, or has a line end within."""
    lines = iter(data.split(b"\r\n"))
    count = 0
    try:
        for line in lines:
            if not line:
                return count if next(lines, None) is None else 0
            further = _FURTHER[line]
            head, name = next(lines), next(lines)
            if name not in plain or head != _HEADS[len(name)]:
                return 0
            for _ in further:
                if next(lines) != _HEADS[len(next(lines))]:
                    return 0
            count += 1
    except (LookupError, StopIteration):
        pass
    return 0


def _over_the_usual(data: bytes, pos: "i64", values: "i64") -> "tuple[i64, i64]":
    """Go on from ``pos`` as far as the table knows the values that are still needed, but not beyond them."""
    steps = _STEPS.get
    while values:
        step = steps(data[pos : pos + 5]) or steps(data[pos : pos + 4]) or steps(data[pos : pos + 6])
        if not step:
            break
        pos += step
        values -= 1
    return pos, values


_FURTHER = {b"*%d" % n: range(1, n) for n in range(1, 100)}
_HEADS = [b"$%d" % n for n in range(1024)]
_NUMBERS = [b":%d\r\n" % n for n in range(1000)]
_STEPS = {b"$%d\r\n" % n: len(b"$%d\r\n\r\n" % n) + n for n in range(1000)}
_STEPS |= {whole: len(whole) for whole in [b"+OK\r\n", b"$-1\r\n", b"*-1\r\n", *_NUMBERS]}
"""What a value may begin with, and how long it then is."""

COMPILED: Final = type(count_requests) is not FunctionType
"""This module runs as C."""
