"""What comes over a shared lane, kept back until it is proven that the ledger is in step with it.

Two checks, and both must hold before anybody is given a reply of a batch: the replies, cut one by one, are as
many as the batch owes, and right behind the last of them stands the answer to its fence.
"""

from typing import TYPE_CHECKING

from proxy.relay.ledger import Batch
from proxy.relay.passing import EXCUSED, Passing
from proxy.wire.counting import split_replies
from proxy.wire.replies import BadReply
from proxy.wire.requests import BadRequest

if TYPE_CHECKING:
    from proxy.relay.performer import Performer
    from proxy.relay.shared import SharedLane

HELD_MAX = 1024 * 1024
"""Bytes of one reply that are kept back for the proof that it is in step."""
ALL_MAX = 4 * HELD_MAX
"""Bytes of all that are kept back for one batch: a batch has some 400 short commands."""
TAIL = 64
"""Bytes: more than a fence's answer has."""
ERROR = 512
"""Bytes: more than an error has that may come instead."""
OUT_OF_STEP = "more replies, or fewer, than commands"


class Proving:
    """The end of a shared lane at which bytes come in."""

    __slots__ = ("_held", "_look_at", "_near", "_size", "_tail", "lane")

    def __init__(self, lane: "SharedLane") -> None:
        self.lane = lane
        self._held: list[bytes] = []
        self._size = 0
        self._look_at = HELD_MAX  # how much is held when it is looked at why
        self._near = False  # of a batch nothing is lacking but a part of what answers the fence
        self._tail = b""  # of what is held, in which a fence may have begun

    def take(self, data: bytes) -> None:
        """Give out the batches that are whole, and keep back the rest. Raises BadReply where the lane is out
        of step."""
        lane = self.lane
        ledger = lane.ledger
        if self._held:
            self._held.append(data)
            self._size += len(data)
            if not self._may_be_whole(data, ledger[0].fence):
                self._bound()
                return
            data = b"".join(self._held)
        pos, size = 0, len(data)
        while pos < size:
            if not ledger:
                raise BadReply("a reply that nobody asked for")
            batch = ledger[0]
            fence = batch.fence
            end = 0
            if fence:
                end = data.find(fence, pos)
                if end < 0 and not self._answered(data):
                    break  # it has not come yet
            ends = split_replies(data, pos, batch.counts)
            if len(ends) < len(batch.counts):
                if fence and end >= 0:
                    raise BadReply(OUT_OF_STEP)
                if not fence:
                    pos = self._give_part(batch, data, pos, ends)
                break
            stop = ends[-1]
            if fence:
                if end >= 0 and end != stop:
                    raise BadReply(OUT_OF_STEP)
                stop = end + len(fence) if end >= 0 else self._behind_excuse(data, stop, fence)
                if not stop:
                    self._near = True
                    break
            ledger.popleft()
            if batch.timed:
                lane.reactor.counts.shared.took(batch.since, batch.timed)
            self._give(batch, data, pos, ends)
            if lane.closed:
                return
            pos = stop
        self._keep(data[pos:] if pos < size else b"")

    def _give_part(self, batch: Batch, data: bytes, pos: int, ends: list[int]) -> int:
        """Nobody else is owed anything: give out what is whole of one client's replies; gives where it
        ends."""
        if batch.looked_at is not None:
            return pos
        client, whole = batch.clients[0], len(ends)
        count = sum(batch.counts[:whole])
        stop = ends[-1] if ends else pos
        batch.forget_first(whole)
        if some := split_replies(data, stop, [1] * batch.counts[0]):
            stop = some[-1]
            batch.counts[0] -= len(some)
            batch.begun += len(some)
        client.owed -= count + len(some)
        if batch.timed and count + len(some):
            batch.took(self.lane.reactor.counts.shared, count + len(some))
        if stop > pos:
            client.deliver(data[pos:stop])
        return stop

    @property
    def rests(self) -> bool:
        """No part of anything has come."""
        return not self._held

    def keep(self, client: "Performer", made: bytes) -> bool:
        """Nobody is ever in the middle of a reply."""
        return False

    def _may_be_whole(self, data: bytes, fence: bytes) -> bool:
        """What has just come may have brought the end of a batch."""
        new = self._tail + data
        self._tail = new[-TAIL:]
        near, self._near = self._near, False
        return near or not fence or self._answered(new)

    def _answered(self, data: bytes) -> bool:
        """A fence may have been answered, if only with an error: then nothing else comes behind that for
        now."""
        end = data[-ERROR:]
        return data.find(self.lane.fences.signature) >= 0 or any(end.find(word) >= 0 for word in EXCUSED)

    def _keep(self, rest: bytes) -> None:
        self._held, self._size, self._tail = [rest] if rest else [], len(rest), rest[-TAIL:]
        self._look_at = HELD_MAX
        self._bound()

    def _bound(self) -> None:
        if self.lane.unfit and self.lane.parent is None:
            self.lane.depart()
        elif self._size > self._look_at:
            self._look_at = self._size + HELD_MAX
            if self._size > ALL_MAX or self._begun() > HELD_MAX:
                self.let_through(much=True)

    def _begun(self) -> int:
        """Bytes of the reply that is coming in."""
        data = b"".join(self._held)
        ends = split_replies(data, 0, [1] * sum(self.lane.ledger[0].counts))
        return len(data) - (ends[-1] if ends else 0)

    def let_through(self, much: bool = False) -> "SharedLane":
        """Give out what comes as it comes. Whoever it is not for goes on over another connection. ``much``:
        it is for somebody who asks for too much."""
        left = self.lane if self.lane.parent is not None else self.lane.depart()
        held, self._held, self._size = b"".join(self._held), [], 0
        left.receiver = passing = Passing(left)
        try:
            passing.check()
            passing.take(held)
        except (BadReply, BadRequest) as fault:
            left.die(f"out of step: {fault}")
        if not left.closed:
            passing.overtake(much)
        return left

    def _behind_excuse(self, data: bytes, place: int, fence: bytes) -> int:
        """Where the error ends that came instead of the fence's answer; 0 if it has not come yet."""
        if not data.startswith(EXCUSED, place):
            if any(word.startswith(data[place : place + len(word)]) for word in (fence, *EXCUSED)):
                return 0
            raise BadReply(OUT_OF_STEP)
        if data.startswith(b"-NOPERM", place):
            (self.lane.parent or self.lane).unfit = "PING is not allowed"
        return data.find(b"\n", place) + 1

    @staticmethod
    def _give(batch: Batch, data: bytes, start: int, ends: list[int]) -> None:
        looked_at = batch.looked_at
        lines = zip(batch.clients, batch.counts, ends, strict=True)
        for place, (client, count, end) in enumerate(lines):
            how = None if looked_at is None else looked_at.get(place)
            client.owed -= count
            if how is not None:
                client.given(how, data[start:end], True)
            else:
                client.deliver(data[start:end])
            if client.settling and not client.owed:
                client.settled()
            start = end
