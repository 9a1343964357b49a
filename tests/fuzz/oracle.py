"""Who may have got what of all that a node said: by an own reading of it, reply by reply and fence by fence.

A node that gives two replies for one, or none, is found out by the fence behind them, and whatever is said
between that and the fence before is given to nobody. One that lies within the number of replies that it owes
cannot be found out; each gets, in its turn, what was said then.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

from attrs import Factory, define

from tests.fuzz.node import FENCE, Asked, Link, Unit

LINES, LISTS, PAIRS, BULKS = b"+-:_#,(", b"*~>", b"%|", b"$=!"
MARK = re.compile(rb"<\d+\.\d+>")
EXCUSED = (b"-BUSY", b"-LOADING", b"-MASTERDOWN", b"-MISCONF", b"-NOPERM")


class NoReply(Exception):
    """This is no RESP; or it is the beginning of some."""


def end_of(data: bytes, at: int, inside: bool = False) -> int:
    """Where the reply ends that begins here."""
    end = data.find(b"\r\n", at)
    if end < 0:
        raise NoReply
    kind, line, at = data[at], data[at + 1 : end], end + 2
    if kind in LINES:
        return at
    if line != b"-1" and (not line.isdigit() or (line[:1] == b"0" and line != b"0")):
        raise NoReply
    number = int(line) if len(line) < 10 else 10**9
    if kind in BULKS:
        at = at if number < 0 else at + number + 2
        if at > len(data):
            raise NoReply
        return at
    if kind not in LISTS + PAIRS:
        raise NoReply
    for _ in range(max(number, 0) * (2 if kind in PAIRS else 1)):
        at = end_of(data, at, True)
    return end_of(data, at, inside) if kind in b"|" or (inside and kind in b">") else at


@define
class Chances:
    """What a client may have been given for one of its replies, whole; and what in part, and then no more."""

    whole: set[bytes] = Factory(set)
    part: set[bytes] = Factory(set)
    wild: bool = False
    """The proxy looks at this reply, and it is not what the node owed: what comes of it is not known here."""


def chances(links: Iterable[Link]) -> Mapping[Unit, Chances]:
    found: dict[Unit, Chances] = defaultdict(Chances)
    for link in links:
        _read(link, found)
    return found


def _read(link: Link, found: dict[Unit, Chances]) -> None:
    data, at = bytes(link.said), 0
    segment: list[tuple[Asked, bytes]] = []
    for asked in link.asked:
        try:
            end = end_of(data, at)
            while not link.shared and data[at : at + 1] == b">":  # what comes unasked is the owner's
                found[asked.unit].wild = True
                end, at = end_of(data, end), end
        except (NoReply, RecursionError):
            if link.passing or not link.shared:
                found[asked.unit].part.add(data[at:])
            break
        reply, at = data[at:end], end
        if link.shared and reply[:1] == b">":
            break
        if asked.unit[0] != FENCE:
            segment.append((asked, reply))
        elif reply == asked.reply or reply.startswith(EXCUSED):
            for each, said in segment:
                _may_get(found[each.unit], each, said)
            segment = []
        else:
            break
    # Not proven: given out if it passes as it comes, or as long as nobody else is owed anything.
    alone = segment[0][0].unit[0] if segment else FENCE
    for each, said in segment:
        if link.shared and not link.passing and each.unit[0] != alone:
            break
        _may_get(found[each.unit], each, said)


def _may_get(chance: Chances, asked: Asked, said: bytes) -> None:
    chance.whole.add(said)
    chance.wild = chance.wild or (asked.looked_at and said != asked.reply)


def explains(
    heard: bytes, expected: Iterable[Unit | bytes], found: Mapping[Unit, Chances], closed: bool
) -> bool:
    """What a client heard is its replies in their order, up to some point where nothing came any more. That
    may lie within a reply if it was closed, for it did not read."""
    expected = list(expected)
    places = {0}
    for unit in expected:
        chance = Chances({unit}) if isinstance(unit, bytes) else found.get(unit, Chances())
        if chance.wild:
            return _is_own(heard[min(places) :], expected, found)
        if len(heard) in places:
            return True
        more = {at + len(reply) for at in places for reply in chance.whole if heard.startswith(reply, at)}
        if not more:
            parts = chance.part | chance.whole if closed else chance.part
            return any(part.startswith(heard[at:]) for at in places for part in parts)
        places = more
    return len(heard) in places


def _is_own(heard: bytes, expected: Iterable[Unit | bytes], found: Mapping[Unit, Chances]) -> bool:
    """All in it that tells whose it is, is the client's own, or was said in the place of a reply to it."""
    own = [found[unit] for unit in expected if not isinstance(unit, bytes) and unit in found]
    said = b" ".join(each for chance in own for each in (*chance.whole, *chance.part))
    return all(mark in said for mark in set(MARK.findall(heard)))
