"""Replies of a shared lane that are too long to be kept back until they are proven: they pass as they come.

Each goes to whom the ledger says, piece by piece; the fence behind a batch is still compared when it comes.
"""

from typing import TYPE_CHECKING

from proxy.relay.ledger import Batch
from proxy.relay.overtaking import overtake
from proxy.wire.replies import PUSH, BadReply, ReplyCutter
from proxy.wire.requests import RequestCutter

if TYPE_CHECKING:
    from proxy.relay.performer import Performer
    from proxy.relay.shared import SharedLane

EXCUSED = (b"-BUSY", b"-LOADING", b"-MASTERDOWN", b"-MISCONF", b"-NOPERM")
"""What a node may answer to a PING instead of its word: then the count alone is the proof."""


class Passing:
    """The way through one lane that was left by all who could."""

    __slots__ = ("_cutter", "_inside", "_later", "_line", "lane")

    def __init__(self, lane: "SharedLane") -> None:
        self.lane = lane
        self._cutter = ReplyCutter()
        self._line = 0  # of the first batch, the one that is given out now
        self._inside: Performer | None = None  # who has been given a part of a reply
        self._later = b""  # of the proxy's own, for when he has been given all of it

    def check(self) -> None:
        """What passes is not proven beforehand, so the commands are counted once more. Raises BadReply where
        that gives another number."""
        for batch in self.lane.ledger:
            begun = batch.begun
            for piece, count in zip(batch.pieces, batch.counts, strict=True):
                if sum(1 for _ in RequestCutter().feed(piece)) != begun + count:
                    raise BadReply("commands were miscounted")
                begun = 0

    def take(self, data: bytes) -> None:
        """Give out what these bytes hold. Raises BadReply where the lane is out of step."""
        for piece, last in self._cutter.feed(data):
            self._give(piece, last)
            if self.lane.closed:
                return

    def overtake(self, much: bool) -> None:
        """Whoever can be served elsewhere is, unless somebody has been given a part of a reply. ``much``: it
        is too much that is owed to the one who is next."""
        if self._inside is None and self.lane.ledger:
            batch = self.lane.ledger[0]
            if much and self._line < len(batch.clients):
                batch.clients[self._line].burden()
            overtake(self.lane, self._line, self.lane.common.commands.reads)

    @property
    def rests(self) -> bool:
        """No part of anything has come."""
        return self._cutter.at_boundary

    def keep(self, client: "Performer", made: bytes) -> bool:
        """Give this to the client between two replies; False if it is there already."""
        if self._inside is not client:
            return False
        self._later += made
        return True

    def _give(self, piece: bytes, last: bool) -> None:
        if not self.lane.ledger:
            raise BadReply("a reply that nobody asked for")
        batch = self.lane.ledger[0]
        self._give_made(batch)
        if self._line == len(batch.clients):
            if piece != batch.fence and not piece.startswith(EXCUSED):
                raise BadReply("more replies or fewer than commands")
            self._next_batch()
            return
        if piece[0] == PUSH and self._inside is None:
            raise BadReply("a push, which nobody can have asked for")
        if not last and self._inside is None:
            self.overtake(much=True)
        client = batch.clients[self._line]
        how = None if batch.looked_at is None else batch.looked_at.get(self._line)
        if how is None:
            client.deliver(piece)
        else:
            client.given(how, piece, last)
        if last:
            self._inside = None
            self._end_reply(batch, client)
        else:
            self._inside = client

    def _end_reply(self, batch: Batch, client: "Performer") -> None:
        if self._later:
            later, self._later = self._later, b""
            client.deliver(later)
        client.owed -= 1
        batch.counts[self._line] -= 1
        if batch.timed:
            batch.took(self.lane.reactor.counts.shared, 1)
        if not batch.counts[self._line]:
            self._line += 1
            self._give_made(batch)
        if client.settling and not client.owed:
            client.settled()
        if self._line == len(batch.clients) and not batch.fence:
            self._next_batch()

    def _give_made(self, batch: Batch) -> None:
        while self._line < len(batch.clients) and not batch.counts[self._line]:
            assert batch.looked_at is not None
            client = batch.clients[self._line]
            client.given(batch.looked_at[self._line], b"", True)
            self._line += 1
            if client.settling and not client.owed:
                client.settled()

    def _next_batch(self) -> None:
        self.lane.ledger.popleft()
        self._line = 0
