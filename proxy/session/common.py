"""What the sessions of one route have in common, and what they may ask about one another."""

from typing import TYPE_CHECKING, Protocol

from attrs import define, field

from proxy.wire.commands import CommandTable

if TYPE_CHECKING:
    from proxy.session.scripts import Scripts


class Directory(Protocol):
    """Who is who: the proxy's own ids of clients, and the ids that the node gave to their lanes."""

    def node_id(self, number: int) -> int | None:
        """The node's id of the lane of this client: 0 if there is none, None if it must be looked up
        first."""

    def nothing_behind(self, number: int) -> bool:
        """Nothing of this client is under way behind the command whose reply is coming in."""

    def at_lane(self, address: bytes) -> tuple[int, bytes] | None:
        """Number and address of the client whose lane the node sees at this address."""

    def lane_of(self, address: bytes) -> bytes | None:
        """Where the node sees the lane of the client at this address; None if there is no such client."""


class Nobody:
    """The directory of a session that is alone."""

    def node_id(self, number: int) -> int | None:
        return 0

    def nothing_behind(self, number: int) -> bool:
        return False

    def at_lane(self, address: bytes) -> tuple[int, bytes] | None:
        return None

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
    maintenance: bool = True
    """Clients may ask for notices of a switchover (see ``maintenance``)."""
