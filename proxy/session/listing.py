"""CLIENT LIST and CLIENT INFO: each client has one line, in which it is shown as it knows itself.

A client with a lane of its own has the line of that. One without is given a line that is made from that of
the lane which carries it, or else of another, and says what its session is; the lanes that belong to no
client have none. All other lines are as the node told them.
"""

import re
from collections.abc import Mapping

from attrs import define, field

from proxy.session.common import Entry
from proxy.session.ids import IDS_FROM, Choice, named, translated
from proxy.session.session import LookUp, Send, Session, Step, Want
from proxy.wire.encoding import command
from proxy.wire.requests import Frame, arguments

_LINE = re.compile(rb"id=([0-9]+) addr=(\S*)")
_FIELD = re.compile(rb"(?<![^ ])([a-z-]+)=(\S*)")
_REDIRECT = re.compile(rb"(?<= redir=)[0-9]+")
_NOUGHT = b"sub psub ssub watch qbuf qbuf-free argv-mem multi-mem obl oll omem".split()
_SAID = b"id addr age idle db resp user name lib-name lib-ver".split()
_AT_REST = {
    **dict.fromkeys(_NOUGHT, b"0"),
    **{what: b"%%(%s)s" % what for what in _SAID},
    b"flags": b"N",
    b"multi": b"-1",
    b"redir": b"-1",
    b"cmd": b"NULL",
}
"""What Redis says of a client that has nothing under way and is not subscribed, with places for who it is."""


@define(eq=False)
class Lists(Want):
    """The reply to CLIENT LIST or CLIENT INFO, gathered: a line for each connection."""

    choice: Choice | None = None
    """None for CLIENT INFO: the line is this client's own."""
    guide: int = 0
    """The node's id of this client, if it did not name itself: lines may be made from its own."""
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
        if self.choice is not None:
            return b"".join(line + b"\n" for line in self._lines(session, self.choice, text.split(b"\n")))
        [entry] = session.common.directory.entries((session.number,))
        target = session.tracking.redirect if session.tracking is not None else 0
        line = _as_known(text, entry)
        return _REDIRECT.sub(b"%d" % target, line, count=1) if target else line

    def _lines(self, session: Session, choice: Choice, lines: list[bytes]) -> list[bytes]:
        """What is shown of these lines, and those that are made."""
        directory = session.common.directory
        entries = list(directory.entries())
        at_lanes = {entry.lane: entry for entry in entries if entry.alone}
        unshown = {lane.address for lane in directory.lanes()}
        own = {entry.node_id: entry.number for entry in entries if entry.alone and entry.node_id}
        seen = []
        by_address = dict[bytes, bytes]()
        for line in lines:
            if (found := _LINE.match(line)) is None:
                continue  # the last one is empty
            there, address = int(found[1]), found[2]
            entry = at_lanes.get(address)
            if entry is not None:
                own[there] = entry.number  # it may be somebody's target
            by_address[address] = line
            if address not in unshown and there != self.guide:
                seen.append((line, entry))
        shown = [line if entry is None else _targeted(_as_known(line, entry), own) for line, entry in seen]
        return shown + _made([each for each in entries if not each.alone and choice.takes(each)], by_address)


def _as_known(line: bytes, entry: Entry) -> bytes:
    """The line of a client's own lane, with what the client knows itself by."""
    subscribed = entry.session.subscriptions

    def told(found: re.Match[bytes]) -> bytes:
        what, said = found.groups()
        if what == b"cmd" and said == b"ping" and subscribed is not None:
            said = subscribed.latest  # the PING is the mark behind it, and tools look for subscribers by this
        return b"%s=%s" % (what, itself.get(what, said))

    itself = {
        b"id": b"%d" % (IDS_FROM + entry.number),
        b"addr": entry.address,
        b"age": b"%d" % entry.age,
        b"idle": b"%d" % entry.idle,
    }
    return _FIELD.sub(told, line)


def _targeted(line: bytes, own: Mapping[int, int]) -> bytes:
    """A line with the id that clients know, of the client to which this one redirects."""

    def target(found: re.Match[bytes]) -> bytes:
        number = own.get(int(found[0]))
        return found[0] if number is None else b"%d" % (IDS_FROM + number)

    return _REDIRECT.sub(target, line, count=1)


def _made(entries: list[Entry], lines: Mapping[bytes, bytes]) -> list[bytes]:
    """Lines for clients that have no lane of their own, from those of lanes, by address."""
    forms = dict[bytes, bytes]()
    made = []
    for entry in entries if lines else ():
        form = forms.get(entry.lane)
        if form is None:
            form = forms[entry.lane] = _form(lines.get(entry.lane) or next(iter(lines.values())))
        made.append(form % _said(entry))
    return made


def _form(line: bytes) -> bytes:
    """The line of somebody at rest, to be filled in with what is known of a client."""

    def place(found: re.Match[bytes]) -> bytes:
        what, _ = found.groups()
        return b"%s=%s" % (what, _AT_REST[what]) if what in _AT_REST else found[0]

    return _FIELD.sub(place, line.replace(b"%", b"%%"))


def _said(entry: Entry) -> dict[bytes, bytes]:
    """What a client's line says of it."""
    session = entry.session
    settings = session.settings or {}
    set_up = {what: arguments(settings[what])[-1] for what in settings}
    return {
        b"id": b"%d" % (IDS_FROM + entry.number),
        b"addr": entry.address,
        b"age": b"%d" % entry.age,
        b"idle": b"%d" % entry.idle,
        b"db": b"%d" % session.db,
        b"resp": b"%d" % session.protocol,
        b"user": session.user,
        b"name": set_up.get(b"SETNAME", b""),
        b"lib-name": set_up.get(b"SETINFO LIB-NAME", b""),
        b"lib-ver": set_up.get(b"SETINFO LIB-VER", b""),
    }


def tell_line(session: Session, frame: Frame) -> tuple[Step, ...]:
    """CLIENT INFO."""
    return (Send(frame, Lists()),)


def choose(session: Session, frame: Frame) -> tuple[Step, ...]:
    """CLIENT LIST with its filters. Where it names a client without a lane of its own, the node is asked for
    the line of the client that asks."""
    words = arguments(frame)
    numbers = named(words)
    entries = list(session.common.directory.entries(numbers | {session.number})) if numbers else []
    asker = next((entry.node_id for entry in entries if entry.number == session.number), 0)
    guide = 0 if session.number in numbers else asker
    there = {entry.number: entry.node_id if entry.alone else guide for entry in entries}
    ids = {number: there[number] for number in numbers & there.keys()}
    if None in ids.values():
        return (LookUp(b"CLIENT", frame),)
    return (Send(command(*translated(words, ids, session)), Lists(Choice.of(words), guide or 0)),)
