"""The ids of clients: the proxy's own, which stay valid when the lanes change.

What goes to the node names its id of the lane, what comes back the client's own (see ``listing`` and
``killing``). Whatever is not of the proxy's own (a node's id, a malformed one, an option not known here)
passes as it is; so does the id of a client that is gone or has no lane of its own, which the node answers as
any id that does not exist.
"""

import re
from collections.abc import Callable, Mapping

from attrs import frozen

from proxy.session.common import Entry
from proxy.session.session import LookUp, Send, Session, Step, Want
from proxy.wire.encoding import command
from proxy.wire.requests import Frame, arguments, length

IDS_FROM = 1 << 40
"""A client's id is this and its number; no node gives out ids as high."""

_GREETING = re.compile(rb"(\$2\r\nid\r\n):[0-9]+\r\n")
"""The id in the reply to HELLO, which is a map or, in RESP2, a flat array."""
_IDS = (b"ID", b"NOT-ID")
_ADDRESSES = (b"ADDR", b"NOT-ADDR")


def own_id(session: Session) -> int:
    """What the client is told that its id is."""
    return IDS_FROM + session.number


def greeting(session: Session, reply: bytes) -> bytes:
    """The reply to HELLO as the client gets it."""
    return _GREETING.sub(rb"\g<1>:%d\r\n" % own_id(session), reply, count=1)


@frozen
class NamesItself(Want):
    """The reply to CLIENT ID."""

    def take(self, session: Session, piece: bytes, last: bool) -> bytes:
        return b":%d\r\n" % own_id(session) if piece.startswith(b":") else piece


def tell_id(session: Session, frame: Frame) -> tuple[Step, ...]:
    """CLIENT ID."""
    return (Send(frame, NamesItself()),)


def unblock(session: Session, frame: Frame) -> tuple[Step, ...]:
    """CLIENT UNBLOCK. Who is blocked has a lane of its own."""
    words = arguments(frame)
    number = number_of(words[2]) if len(words) > 2 else 0
    there = session.common.directory.node_id(number) if number else 0
    if there is None:
        return (LookUp(b"CLIENT", frame),)
    return (Send(command(*words[:2], b"%d" % there, *words[3:]) if there else frame),)


def number_of(word: bytes) -> int:
    """Of the client that has this id; 0 if it is no id of the proxy's own."""
    return max((length(word) or 0) - IDS_FROM, 0)


_TESTS: Mapping[bytes, Callable[[Entry, bytes], bool]] = {
    b"ADDR": lambda entry, said: entry.address == said,
    b"LADDR": lambda entry, said: entry.here == said,
    b"USER": lambda entry, said: entry.session.user == said,
    b"TYPE": lambda entry, said: said.upper() == b"NORMAL",  # all others have a lane of their own
    b"MAXAGE": lambda entry, said: entry.age >= (length(said) or 0),
    b"SKIPME": lambda entry, said: True,  # who asks has a lane of its own
}


@frozen
class Choice:
    """Which of the clients without a lane of their own CLIENT KILL or LIST names. All filters must hold, of
    each kind the last one, as Redis reads them; with one that is not known here it is none."""

    numbers: frozenset[int] | None
    """Of the proxy's own ids among those said; None if none need be."""
    filters: Mapping[bytes, bytes]

    @classmethod
    def of(cls, words: list[bytes]) -> "Choice":
        numbers = None
        filters = {}
        place = 2
        while place < len(words) - 1:
            option = words[place].upper()
            place += 1
            if option == b"ID":
                end = _end_of_ids(words, place)
                numbers = frozenset(map(number_of, words[place:end])) - {0}
                place = max(end, place + 1)
            else:
                filters[option] = words[place]
                place += 1
        return cls(numbers, filters)

    def takes(self, entry: Entry) -> bool:
        if self.numbers is not None and entry.number not in self.numbers:
            return False
        return all(name in _TESTS and _TESTS[name](entry, said) for name, said in self.filters.items())


def translated(words: list[bytes], ids: Mapping[int, int | None], session: Session) -> list[bytes]:
    """The words of CLIENT LIST or KILL, with addresses and ids as the node knows them: ``ids`` by number."""
    words = [*words]
    place = 2
    while place < len(words) - 1:
        option = words[place].upper()
        place += 1
        end = place
        if option in _IDS:
            end = _end_of_ids(words, place)
            for each in range(place, end):
                there = ids.get(number_of(words[each]), 0)
                words[each] = b"%d" % there if there else words[each]
        elif option in _ADDRESSES:
            entry = session.common.directory.at(words[place])
            words[place] = entry.lane if entry is not None and entry.alone else words[place]
        place = max(end, place + 1)
    return words


def named(words: list[bytes]) -> frozenset[int]:
    """The numbers of clients whose ids are among these words of CLIENT LIST or KILL."""
    found = set[int]()
    for place, word in enumerate(words):
        if word.upper() in _IDS:
            found.update(map(number_of, words[place + 1 : _end_of_ids(words, place + 1)]))
    return frozenset(found - {0})


def _end_of_ids(words: list[bytes], place: int) -> int:
    """Where the ids end that begin here: one or, for some, several."""
    while place < len(words) and words[place].isdigit():
        place += 1
    return place
