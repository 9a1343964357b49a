"""What the sessions of one route have in common, and what they may ask about one another."""

from collections.abc import Container, Iterable
from typing import TYPE_CHECKING, Protocol

from attrs import define, field, frozen

from proxy.wire.commands import CommandTable

if TYPE_CHECKING:
    from proxy.session.scripts import Scripts
    from proxy.session.session import Session


@frozen
class Entry:
    """A client, as the directory knows it."""

    number: int
    address: bytes
    """The client's own, as CLIENT LIST writes it."""
    session: "Session" = field(repr=False)
    lane: bytes = b""
    """Where the node sees the lane that carries it; empty while it has none."""
    here: bytes = b""
    """The node's end of that."""
    alone: bool = False
    """The lane carries nobody else: what the node says of it, it says of this client."""
    node_id: int | None = 0
    """As :meth:`Directory.node_id` tells."""
    idle: int = 0
    """Seconds since it sent something."""
    age: int = 0
    """Seconds since it connected."""


class Directory(Protocol):
    """Who is who: the proxy's own ids of clients, and the ids that the node gave to their lanes."""

    def entries(self, numbers: Container[int] | None = None) -> Iterable[Entry]:
        """The clients of these numbers, or all."""

    def at(self, address: bytes) -> Entry | None:
        """The client at this address."""

    def lanes(self) -> Iterable[Entry]:
        """The lanes that belong to no client alone, or to none at all, as if they were clients."""

    def node_id(self, number: int) -> int | None:
        """The node's id of this client, whose lane carries nobody else: 0 if there is none, None if it must
        be looked up first."""

    def target_id(self, number: int) -> int | None:
        """As :meth:`node_id`, for who is to be told by the node: looked up, the client gets a lane of its own
        and stays there."""

    def nothing_behind(self, number: int) -> bool:
        """Nothing of this client is under way behind the command whose reply is coming in."""

    def close(self, number: int) -> bool:
        """Close this client at once; False if there is no such client."""


class Nobody:
    """The directory of a session that is alone."""

    def entries(self, numbers: Container[int] | None = None) -> Iterable[Entry]:
        return ()

    def at(self, address: bytes) -> Entry | None:
        return None

    def lanes(self) -> Iterable[Entry]:
        return ()

    def node_id(self, number: int) -> int | None:
        return 0

    def target_id(self, number: int) -> int | None:
        return self.node_id(number)

    def nothing_behind(self, number: int) -> bool:
        return False

    def close(self, number: int) -> bool:
        return False


@define
class Limits:
    """What a session may keep in memory."""

    transaction_bytes: int = 16 * 1024 * 1024
    watch_bytes: int = 64 * 1024


@define(eq=False)
class Common:
    """Shared by all sessions of a route."""

    scripts: "Scripts"
    limits: Limits = field(factory=Limits)
    directory: Directory = field(factory=Nobody, repr=False)
    commands: CommandTable = field(factory=CommandTable, repr=False)
    """Of the primary."""
    loses_logins: bool = False
    """The primary may not tell of a login that fails: from 7.2 on (``addAuthErrReply`` in acl.c)."""
    shares: bool = False
    """Lanes are shared: what a node's own id names may be a lane of many clients."""
    maintenance: bool = True
    """Clients may ask for notices of a switchover (see ``maintenance``)."""
