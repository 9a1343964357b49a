"""Where the replies end that a lane owes to several clients.

Theory. Nearly every reply is a short bulk, ``+OK``, a small number or nil. For these the first four to six
bytes tell how far it is to the end, so one look into a table is all that they cost. Whatever the table does
not know is cut by the rules of :mod:`proxy.wire.replies`.
"""

from collections.abc import Sequence

from proxy.wire.replies import ATTRIBUTE, BULKS, LENGTH_LINE_MAX, LINES, LISTS, PAIRS, PUSH, BadReply
from proxy.wire.requests import LENGTHS, length

_FAR = {b"$%d\r\n" % n: len(b"$%d\r\n\r\n" % n) + n for n in range(1000)} | {
    whole: len(whole) for whole in (b"+OK\r\n", b"$-1\r\n", *(b":%d\r\n" % n for n in range(1000)))
}
"""What a reply may begin with, and how long it then is."""


def split_replies(data: bytes, start: int, counts: Sequence[int]) -> list[int]:
    """Cut, from ``start`` on, as many replies as the counts say together: for each count, the position behind
    its last reply. The list is shorter where the data ends before.

    Raises BadReply for what is no RESP, and for a push between two replies: nothing pushes on a lane of many
    clients.
    """
    far = _FAR.get
    size = len(data)
    ends = []
    pos = start
    for count in counts:
        while count:
            step = far(data[pos : pos + 5]) or far(data[pos : pos + 4]) or far(data[pos : pos + 6])
            pos = pos + step if step else _behind(data, pos)
            if pos > size:
                return ends
            count -= 1
        ends.append(pos)
    return ends


def _behind(data: bytes, pos: int) -> int:
    """The position behind the reply that begins at ``pos``; beyond the data where it is not whole."""
    begin, size, values = pos, len(data), 1
    while values:
        end = data.find(b"\r\n", pos)
        if end < 0:
            if pos < size and data[pos] not in LINES and size - pos > LENGTH_LINE_MAX:
                raise BadReply(f"{data[pos:][:40]!r} is no reply")
            return size + 1
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
            pos = end + 4 + number if number >= 0 else end + 2
            if pos > size:
                return pos
            values -= 1
        elif kind in LISTS:
            if kind == PUSH and pos == begin:
                raise BadReply(f"{data[pos:end][:40]!r} is a push")
            pos = end + 2
            values += max(number, 0) - (kind != PUSH)  # a push within an answer to EXEC is no element of it
        elif kind in PAIRS:
            pos = end + 2
            values += 2 * max(number, 0) - (kind != ATTRIBUTE)
        else:
            raise BadReply(f"{data[pos:end][:40]!r} is no reply")
    return pos
