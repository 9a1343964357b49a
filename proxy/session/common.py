"""What the sessions of one route have in common, and what they may ask about one another."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from attrs import define, field, frozen

from proxy.wire.commands import CommandTable

if TYPE_CHECKING:
    from proxy.session.scripts import Scripts


@frozen
class ClientAtLane:
    """A client, as seen from the node's end of its lane."""

    number: int
    address: bytes
    """Of the client itself."""
    node_id: int | None
    """As :meth:`Directory.node_id` tells."""
    subscribed_by: bytes = b""
    """The command that changed its subscriptions last, if it has some."""


class Directory(Protocol):
    """Who is who: the proxy's own ids of clients, and the ids that the node gave to their lanes."""

    def node_id(self, number: int) -> int | None:
        """The node's id of the lane of this client: 0 if there is none, None if it must be looked up
        first."""

    def nothing_behind(self, number: int) -> bool:
        """Nothing of this client is under way behind the command whose reply is coming in."""

    def at_lanes(self) -> Mapping[bytes, ClientAtLane]:
        """The clients that have lanes, by the addresses at which the node sees those."""

    def address_of(self, number: int) -> bytes:
        """The address of a client, as CLIENT LIST would write it; empty if there is no such client."""

    def close(self, number: int) -> bool:
        """Close this client at once; False if there is no such client."""

    def lane_of(self, address: bytes) -> bytes | None:
        """Where the node sees the lane of the client at this address; None if there is no such client."""


class Nobody:
    """The directory of a session that is alone."""

    def node_id(self, number: int) -> int | None:
        return 0

    def nothing_behind(self, number: int) -> bool:
        return False

    def at_lanes(self) -> Mapping[bytes, ClientAtLane]:
        return {}

    def address_of(self, number: int) -> bytes:
        return b""

    def close(self, number: int) -> bool:
        return False

    def lane_of(self, address: bytes) -> bytes | None:
        return None


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
    maintenance: bool = True
    """Clients may ask for notices of a switchover (see ``maintenance``)."""
