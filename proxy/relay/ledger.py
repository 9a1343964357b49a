"""What a lane owes: to whom how many replies, in the order of the commands."""

from typing import TYPE_CHECKING

from attrs import define

from proxy.session.session import Want

if TYPE_CHECKING:
    from proxy.relay.lane import Lane
    from proxy.relay.performer import Performer


class Owed:
    """A line of the ledger: ``count`` replies owed to ``client``, or none and ``made`` is to be given out."""

    __slots__ = ("client", "count", "made", "want")

    def __init__(self, client: "Performer", count: int, want: Want | None = None, made: bytes = b"") -> None:
        self.client = client
        self.count = count
        self.want = want
        self.made = made


@define
class LaneLost:
    """A lane has died. What it owed will never be answered, and nobody knows what of it was executed."""

    lane: "Lane"
    owed: tuple[Owed, ...]
    why: str
