"""The ids of clients: the proxy's own, which stay valid when the lanes change.

What goes to the node names its id of the lane, what comes back the client's own. Whatever is not of the
proxy's own (a node's id, a malformed one, an option not known here) passes as it is; so does the id of a
client that is gone or has no lane, which the node answers as any id that does not exist.
"""

import re
from collections.abc import Mapping

from attrs import define, field, frozen

from proxy.session.common import ClientAtLane
from proxy.session.session import LookUp, Send, Session, Step, Want
from proxy.wire.encoding import command
from proxy.wire.requests import Frame, arguments, length

IDS_FROM = 1 << 40
"""A client's id is this and its number; no node gives out ids as high."""

_GREETING = re.compile(rb"(\$2\r\nid\r\n):[0-9]+\r\n")
"""The id in the reply to HELLO, which is a map or, in RESP2, a flat array."""
_LINE = re.compile(rb"id=([0-9]+) addr=(\S*)")
_REDIRECT = re.compile(rb"(?<= redir=)[0-9]+")
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


@define(eq=False)
class Lists(Want):
    """The reply to CLIENT LIST or CLIENT INFO, gathered: a line for each connection."""

    itself: bool
    """CLIENT INFO: the line is this client's own."""
    _pieces: list[bytes] = field(factory=list)

    def take(self, session: Session, piece: bytes, last: bool) -> bytes:
        self._pieces.append(piece)
        if not last:
            return b""
        reply = b"".join(self._pieces)
        self._pieces.clear()
        if not reply.startswith((b"$", b"=")):
            return reply
        start = reply.index(b"\r\n") + 2
        mark = b"txt:" if reply.startswith(b"=") else b""
        text = mark + self._told(session, reply[start + len(mark) : -2])
        return b"%c%d\r\n%s\r\n" % (reply[0], len(text), text)

    def _told(self, session: Session, text: bytes) -> bytes:
        directory = session.common.directory
        if not self.itself:
            return _lines(text, directory.at_lanes())
        target = session.tracking.redirect if session.tracking is not None else 0
        line = _LINE.sub(
            b"id=%d addr=%s" % (own_id(session), directory.address_of(session.number)), text, count=1
        )
        return _REDIRECT.sub(b"%d" % target, line, count=1) if target else line


def _lines(text: bytes, lanes: Mapping[bytes, ClientAtLane]) -> bytes:
    """The lines of CLIENT LIST, with what clients know themselves by."""
    own = {known.node_id: known.number for known in lanes.values() if known.node_id}
    lines = text.split(b"\n")
    clients = []
    for line in lines:
        found = _LINE.match(line)
        client = lanes.get(found[2]) if found is not None else None
        if found is not None and client is not None:
            own[int(found[1])] = client.number  # it may be somebody's target
        clients.append(client)

    def target(found: re.Match[bytes]) -> bytes:
        number = own.get(int(found[0]))
        return found[0] if number is None else b"%d" % (IDS_FROM + number)

    for place, client in enumerate(clients):
        if client is not None:
            itself = b"id=%d addr=%s" % (IDS_FROM + client.number, client.address)
            line = _REDIRECT.sub(target, _LINE.sub(itself, lines[place], count=1), count=1)
            if client.subscribed_by:  # the PING is the mark behind it, and tools look for subscribers by this
                line = line.replace(b" cmd=ping ", b" cmd=%s " % client.subscribed_by, 1)
            lines[place] = line
    return b"\n".join(lines)


@frozen
class Kills(Want):
    """The reply to CLIENT KILL with the id of a client that has no lane: the node knows nothing of it."""

    number: int

    def take(self, session: Session, piece: bytes, last: bool) -> bytes:
        return b":1\r\n" if piece == b":0\r\n" and session.common.directory.close(self.number) else piece


def tell_id(session: Session, frame: Frame) -> tuple[Step, ...]:
    """CLIENT ID."""
    return (Send(frame, NamesItself()),)


def tell_line(session: Session, frame: Frame) -> tuple[Step, ...]:
    """CLIENT INFO."""
    return (Send(frame, Lists(itself=True)),)


def choose(session: Session, frame: Frame) -> tuple[Step, ...]:
    """CLIENT LIST with its filters."""
    words = _chosen(session, frame)
    return (LookUp(b"CLIENT", frame),) if words is None else (Send(command(*words), Lists(itself=False)),)


def kill(session: Session, frame: Frame) -> tuple[Step, ...]:
    """CLIENT KILL, in its old form too, which names an address and nothing else."""
    words = arguments(frame)
    directory = session.common.directory
    if len(words) == 3:
        address = directory.lane_of(words[2])
        return (Send(frame if address is None else command(*words[:2], address)),)
    chosen = _chosen(session, frame)
    if chosen is None:
        return (LookUp(b"CLIENT", frame),)
    number = _number(words[3]) if len(words) == 4 and words[2].upper() == b"ID" else 0
    without_lane = number not in (0, session.number) and directory.node_id(number) == 0
    return (Send(command(*chosen), Kills(number) if without_lane else None),)


def unblock(session: Session, frame: Frame) -> tuple[Step, ...]:
    """CLIENT UNBLOCK."""
    words = arguments(frame)
    identifier = _at_node(session, words[2]) if len(words) > 2 else b""
    if identifier is None:
        return (LookUp(b"CLIENT", frame),)
    return (Send(command(*words[:2], identifier, *words[3:]) if identifier else frame),)


def _number(word: bytes) -> int:
    """Of the client that has this id; 0 if it is no id of the proxy's own."""
    return max((length(word) or 0) - IDS_FROM, 0)


def _at_node(session: Session, word: bytes) -> bytes | None:
    """The node's id for an id that the client gave; None if it must be looked up first."""
    number = _number(word)
    there = session.common.directory.node_id(number) if number else 0
    return None if there is None else b"%d" % there if there else word


def _chosen(session: Session, frame: Frame) -> list[bytes] | None:
    """The words of CLIENT LIST or KILL with ids and addresses as the node knows them; None if they must be
    looked up first."""
    words = arguments(frame)
    place = 2
    while place < len(words) - 1:
        option = words[place].upper()
        place += 1
        if option in _ADDRESSES:
            words[place] = session.common.directory.lane_of(words[place]) or words[place]
        while option in _IDS and place < len(words) and words[place].isdigit():  # one or, for some, several
            identifier = _at_node(session, words[place])
            if identifier is None:
                return None
            words[place] = identifier
            place += 1
        if option not in _IDS:
            place += 1
    return words
