"""What a lane owes: to whom how many replies, in the order of the commands."""

from time import perf_counter as clock
from typing import TYPE_CHECKING, cast

from attrs import define

from proxy.relay.counts import Tally
from proxy.session.session import Session, Want

if TYPE_CHECKING:
    from proxy.relay.lane import Lane
    from proxy.relay.performer import Performer
    from proxy.relay.shared import SharedLane


class Nobody:
    """Stands in a ledger where a reply is owed to no client, or to none any more."""

    def __init__(self, session: Session | None = None) -> None:
        self.session = session
        self.owed = 0
        self.closed = self.settling = False

    def deliver(self, data: bytes) -> None:
        """What a node says to nobody."""

    def given(self, how: Want | bytes, piece: bytes, last: bool) -> None:
        """It is looked at by nobody."""

    def answered(self, want: Want) -> None:
        """Nothing waits for it."""

    def burden(self) -> None:
        """It costs nobody anything."""


NOBODY = cast("Performer", Nobody())


class Owed:
    """A line of the ledger: ``count`` replies owed to ``client``, or none and ``made`` is to be given out."""

    __slots__ = ("client", "count", "made", "want")

    def __init__(self, client: "Performer", count: int, want: Want | None = None, made: bytes = b"") -> None:
        self.client = client
        self.count = count
        self.want = want
        self.made = made


class Batch:
    """What went down a shared lane in one send: ``counts[i]`` replies are owed to ``clients[i]``, then the
    answer to the fence comes.

    ``looked_at`` has, by their places, the lines that are not plain: the want of a reply that must be looked
    at, or the reply of the proxy's own that is given out when its turn comes.
    """

    __slots__ = ("ahead", "begun", "clients", "counts", "fence", "looked_at", "pieces", "since", "timed")

    def __init__(self) -> None:
        self.clients: list[Performer] = []
        self.counts: list[int] = []
        self.pieces: list[bytes] = []  # what was sent, line by line
        self.looked_at: dict[int, Want | bytes] | None = None
        self.begun = 0  # replies of the first line that have been given out
        self.since = 0.0  # what is timed was sent
        self.timed = 0  # replies that are; 0 when they have been given out
        self.ahead = 0  # replies ahead of those
        self.fence = b""  # none where one client alone is owed something

    def look_at(self, how: Want | bytes) -> None:
        """The line that is entered next is not plain."""
        if self.looked_at is None:
            self.looked_at = {}
        self.looked_at[len(self.clients)] = how

    def join(self, later: "Batch") -> None:
        """What another batch owes comes behind this one."""
        if not self.timed:
            self.ahead = sum(self.counts)
        for place, how in (later.looked_at or {}).items():
            if self.looked_at is None:
                self.looked_at = {}
            self.looked_at[len(self.clients) + place] = how
        self.clients += later.clients
        self.counts += later.counts
        self.pieces += later.pieces

    def sent(self, count: int, tally: Tally) -> None:
        """So many commands, the last of which it owes the answers, are sent now."""
        tally.commands += count
        if not self.timed:
            self.timed, self.since = count, clock()

    def took(self, tally: Tally, count: int) -> None:
        """So many replies are given out."""
        skipped = min(self.ahead, count)
        self.ahead -= skipped
        given = min(self.timed, count - skipped)
        self.timed -= given
        tally.took(self.since, given)

    def forget_first(self, count: int) -> None:
        """So many plain lines have been given out."""
        if count:
            del self.clients[:count], self.counts[:count], self.pieces[:count]
            self.begun = 0


@define
class LaneLost:
    """A lane has died. What it owed will never be answered, and nobody knows what of it was executed."""

    lane: "Lane | SharedLane"
    owed: tuple["Performer", ...]
    why: str
