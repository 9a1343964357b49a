"""CLIENT KILL.

The node closes the lanes that it is told of, and their clients go with them. A client that has no lane of its
own is closed by the proxy, once the node has said that the command is right and may be given; the answer
counts it, and does not count what only carries clients.
"""

from attrs import frozen

from proxy.session.ids import Choice, named, translated
from proxy.session.session import LookUp, Send, Session, Step, Want
from proxy.wire.encoding import OK, command
from proxy.wire.requests import Frame, arguments, length

_NOBODY = b"-ERR No such client"
_HIMSELF = "CLIENT KILL"
"""Why a client stays on its own lane: the node closes that, and the client is to go with it."""


@frozen
class Kills(Want):
    """The reply to CLIENT KILL with filters."""

    choice: Choice
    chosen: frozenset[int]
    """The clients that this named when it was sent: a lane that the node closes may take them with it."""
    lanes: int
    """Those among the lanes that the node counts which belong to no client."""

    def take(self, session: Session, piece: bytes, last: bool) -> bytes:
        count = length(piece[1:-2]) if piece.startswith(b":") else None
        if count is None:
            return piece
        closed = self.chosen | _chosen(session, self.choice)
        for number in closed:
            session.common.directory.close(number)
        return b":%d\r\n" % (max(count - self.lanes, 0) + len(closed))


@frozen
class KillsAt(Want):
    """The reply to CLIENT KILL in its old form, which names an address and nothing else."""

    number: int
    """Who is there, and has no lane of its own."""

    def take(self, session: Session, piece: bytes, last: bool) -> bytes:
        found = piece.startswith(_NOBODY) and session.common.directory.close(self.number)
        return OK if found else piece


def kill(session: Session, frame: Frame) -> tuple[Step, ...]:
    """CLIENT KILL, in its old form too."""
    words = arguments(frame)
    directory = session.common.directory
    if len(words) == 3:
        entry = directory.at(words[2])
        if entry is None:
            return (Send(frame),)
        if entry.number == session.number:
            session.strange = session.strange or _HIMSELF
        if not entry.alone:
            return (Send(frame, KillsAt(entry.number)),)
        return (Send(command(*words[:2], entry.lane)),)
    ids = {entry.number: entry.node_id for entry in directory.entries(named(words)) if entry.alone}
    if None in ids.values():
        return (LookUp(b"CLIENT", frame),)
    choice = Choice.of(words)
    spares_none = choice.filters.get(b"SKIPME", b"").upper() == b"NO"
    if spares_none and any(map(choice.takes, directory.entries({session.number}))):
        session.strange = session.strange or _HIMSELF
    lanes = sum(choice.takes(lane) for lane in directory.lanes())
    kills = Kills(choice, _chosen(session, choice), lanes)
    return (Send(command(*translated(words, ids, session)), kills),)


def _chosen(session: Session, choice: Choice) -> frozenset[int]:
    """The clients that the node cannot close: they have no lane of their own, or it does not know them by
    id, or they are at the same address as another, as all who come by a Unix socket."""
    directory = session.common.directory
    at = choice.filters.get(b"ADDR")
    named = directory.at(at) if at is not None else None
    return frozenset(
        entry.number
        for entry in directory.entries(choice.numbers)
        if (
            not entry.alone
            or (choice.numbers is not None and entry.node_id == 0)
            or (named is not None and entry.lane != named.lane)
        )
        and entry.number != session.number
        and choice.takes(entry)
    )
