"""A shared lane: one connection to a node that carries the commands of many clients.

Theory. System calls are the cost of a proxy, so what many clients send in one turn of the reactor goes out in
one send, a *batch*, and what a node answers to it comes in one receive. Replies are given out by the ledger
alone, and nobody is given anything before it is proven twice that the ledger is in step: the replies of a
batch must be as many as it owes, and behind them must stand the answer to the *fence*, a PING with a nonce
that nobody else knows, which went behind the batch. If either is not so, the lane is closed and nobody gets
anything of it. Rules:

1. What goes down the lane leaves it as it was (:mod:`proxy.session.sharing`) and is answered once.
2. A batch of one client needs no fence where nobody else has sent anything since the last one: there is
   nobody to whom a reply could go wrong. The next client's batch puts a fence behind both.
3. Replies are kept back until their batch is proven (:mod:`proxy.relay.proving`). Where they are too long for
   that, the lane *departs*: it leaves the connection to what is owed there, which is given out as it comes
   (:mod:`proxy.relay.passing`), and goes on over another.
4. The lane outlives its connection. One that is lost closes those to whom it owed something, and no others.
"""

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Literal

from proxy.relay.connection import Connection
from proxy.relay.fences import Fences
from proxy.relay.ledger import NOBODY, Batch, LaneLost
from proxy.relay.passing import Passing
from proxy.relay.proving import Proving
from proxy.relay.reactor import OUT, Reactor
from proxy.session.common import Common
from proxy.session.replay import Score
from proxy.session.session import Want
from proxy.transport.transport import Transport
from proxy.wire.recount import holds
from proxy.wire.replies import BadReply
from proxy.wire.requests import Frame

if TYPE_CHECKING:
    from proxy.relay.performer import Performer

RECEIVE = 64 * 1024  # more would cost a mapping of its own each time (M_MMAP_THRESHOLD)
BATCH_BYTES = 16 * 1024
"""A node reads as many bytes at once (PROTO_IOBUF_LEN), and answers before it reads on."""
OWED_MAX = 1024
"""Replies that a client may be owed before the rest of its pipeline goes down a lane of its own."""
UNSENT_MAX = 1024 * 1024
"""Bytes that wait to go out before clients are no longer received from."""


_OF_THE_CONNECTION = (
    *("closed", "events", "fd", "ledger", "tag", "traffic", "transport", "unsent", "unsent_bytes"),
    *("_on_idle", "fences", "receiver"),
)


class SharedLane(Connection):
    """The lane of one identity, protocol and database. ``closed`` while it has no connection."""

    __slots__ = (
        *("_open", "_size", "_stopped", "clients", "common", "fences", "gathered", "left", "parent"),
        *("received", "receiver", "score", "unfit", "waiting"),
    )
    shared: ClassVar[Literal[True]] = True

    def __init__(
        self,
        reactor: Reactor,
        common: Common,
        score: Score,
        lost: Callable[[LaneLost], None],
        open_again: "Callable[[SharedLane], None]",
    ) -> None:
        self.reactor = reactor
        self.common = common
        self.closed = True
        self.unsent = None
        self.score = score
        self.tag = 0
        self.unfit = ""  # why nothing can be shared as this identity
        self.clients = 0  # who are on it
        self.left: list[SharedLane] = []  # connections that are used no more, and owe something still
        self.parent: SharedLane | None = None  # of whom this one is left
        self.waiting: dict[Performer, None] = {}  # who wait until it is open
        self.ledger: deque[Batch] = deque()
        self.gathered: Batch | None = None  # what goes out next
        self.lost = lost
        self.received = 0  # how often something has come
        self._open = open_again
        self._size = 0
        self.receiver: Proving | Passing = Proving(self)
        self.fences = Fences()
        self._stopped: dict[Performer, None] = {}
        self._on_idle: list[Callable[[], None]] | None = None

    def connect(self, transport: Transport, tag: int) -> None:
        """Go on over a connection that is set up as the score says. The one before must owe nothing."""
        assert not self.ledger, "what is owed comes over the connection on which it was asked"
        if not self.closed:
            self.shut()
        super().__init__(self.reactor, transport)
        self.tag = tag
        self.receiver = Proving(self)
        self.fences = Fences()
        self.reactor.add(self.fd, self)
        self.go_on()

    def go_on(self) -> None:
        """Whoever waited for the lane goes on: down it, or elsewhere if it is unfit."""
        waiting, self.waiting = self.waiting, {}
        for client in waiting:
            client.go_on()

    def wait(self, client: "Performer") -> None:
        """Be called when the lane is open."""
        self.waiting[client] = None
        self._open(self)

    def forward(self, client: "Performer", data: Frame, count: int) -> None:
        """Send whole commands that owe so many plain replies, together with what others send."""
        assert isinstance(data, bytes), "what is long goes down a private lane"
        batch = self.gathered or self._gather()
        batch.clients.append(client)
        batch.counts.append(count)
        client.owed += count
        batch.pieces.append(data)
        self._size += len(data)
        if self._size > BATCH_BYTES:
            self.send_due()
        if client.owed > OWED_MAX:
            client.burden()

    def ask(self, client: "Performer", frame: Frame, want: Want) -> None:
        """Send a command whose reply must be looked at."""
        (self.gathered or self._gather()).look_at(want)
        self.forward(client, frame, 1)

    def say(self, client: "Performer", made: bytes) -> None:
        """Give out a reply of the proxy's own, in its turn."""
        if client.owed:
            (self.gathered or self._gather()).look_at(made)
            self.forward(client, b"", 0)
            client.owed += 1
        else:
            client.deliver(made)

    def _gather(self) -> Batch:
        self.gathered = Batch()
        self.reactor.due.append(self)
        return self.gathered

    def stop(self, client: "Performer") -> None:
        """The node does not take what it is sent: whoever sends too much is not received from for a while."""
        if self.unsent_bytes > UNSENT_MAX:
            client.listen(False)
            self._stopped[client] = None

    def push(self, client: "Performer", made: bytes) -> None:
        """Give a client something that no command asked for, between two replies."""
        if not any(each.receiver.keep(client, made) for each in (self, *self.left)):
            client.deliver(made)

    def cork(self) -> None:
        """What goes out together is told by the reactor."""

    def flush(self) -> None:
        """Send what cannot wait for the end of a batch, since none is being handled."""
        if self.unsent is not None and not self.closed:
            super().flush()
        if not self.reactor.busy:
            self.send_due()

    def send_due(self) -> None:
        """Send what was gathered, with a fence behind it where several clients are owed something."""
        batch = self.gathered
        if batch is None:
            return
        data = b"".join(batch.pieces)
        if not holds(data, count := sum(batch.counts)):
            self.die("commands were miscounted")
            return
        self.gathered, self._size, ledger = None, 0, self.ledger
        if batch.looked_at is not None and not any(batch.counts):
            self._give_made(batch)
            return
        if ledger and not ledger[-1].fence:
            ledger[-1].join(batch)
            batch = ledger[-1]
        else:
            ledger.append(batch)
        batch.sent(count, self.reactor.counts.shared)
        self.send(data + self.fences.behind(batch, alone=len(ledger) == 1))

    def _give_made(self, batch: Batch) -> None:
        """Nothing in it comes from the node: behind what is still owed, its turn has come."""
        if self.ledger:
            self.ledger[-1].join(batch)
            return
        for client, how in zip(batch.clients, (batch.looked_at or {}).values(), strict=True):
            client.given(how, b"", True)
            if client.settling and not client.owed:
                client.settled()

    def ready(self, events: int) -> None:
        if events & OUT:
            super().flush()
            if events == OUT or self.closed:
                return
        try:
            data = self.transport.receive(RECEIVE)
        except BlockingIOError:
            return
        except OSError as fault:
            self.die(str(fault))
            return
        if not data:
            self.die("closed by the node")
            return
        self.received += 1
        self.traffic.received += len(data)
        receiver = self.receiver
        try:
            receiver.take(data)
        except BadReply as fault:
            receiver.lane.die(f"out of step: {fault}")
        lane = receiver.lane  # another one, if this one has just left its connection
        if lane._on_idle is not None and not lane.ledger:
            lane.idle()

    def depart(self) -> "SharedLane":
        """Leave the connection, and what it owes, to a lane that nobody sends down any more."""
        self.send_due()
        left = SharedLane(self.reactor, self.common, self.score, self.lost, self._open)
        left.parent = self
        for name in _OF_THE_CONNECTION:
            setattr(left, name, getattr(self, name))
        left.receiver.lane = left
        self.reactor.replace(self.fd, left)
        self.left.append(left)
        left.when_idle(lambda: self._end(left))
        self.closed, self.unsent, self.unsent_bytes = True, None, 0
        self.ledger, self._on_idle = deque(), None
        self.drained()
        for client in {client: None for batch in left.ledger for client in batch.clients}:
            client.stay_behind()
        if self.clients:
            self._open(self)
        return left

    def spare(self, client: "Performer") -> None:
        """A client does not read: leave what comes to the kernel, if nobody else waits behind it."""
        waiting = {each for batch in self.ledger for each in batch.clients if not each.closed}
        if client.owed and waiting - {NOBODY} == {client}:
            self.listen(False)

    def forget(self, client: "Performer") -> None:
        """The client is gone; what it is owed is given to nobody."""
        self.clients -= 1
        for left in self.left:
            left.listen(True)  # if he was spared
        self.waiting.pop(client, None)
        self._stopped.pop(client, None)

    def _end(self, left: "SharedLane") -> None:
        """Nothing is owed any more over a connection that was left. If no other was opened it is of use."""
        self.left.remove(left)
        wanted = self.closed and self.clients and not self.unfit
        if wanted and not left.closed and left.receiver.rests and left.unsent is None:
            left.unwatch()
            left.closed = True
            self.connect(left.transport, left.tag)
        else:
            left.shut()
            if self.closed and self.waiting:
                self._open(self)

    @property
    def owes(self) -> bool:
        return bool(self.ledger or self.gathered)

    def drained(self) -> None:
        stopped, self._stopped = self._stopped, {}
        for client in stopped:
            client.lane_drained()

    def die(self, why: str) -> None:
        """The connection is dead: say to whom it owed something."""
        if not self.closed:
            self.shut()
            batches = [*self.ledger, *([self.gathered] if self.gathered is not None else [])]
            owed = {client: None for batch in batches for client in batch.clients if client.owed > 0}
            self.ledger.clear()
            self.gathered = None
            self._size = 0
            for client in owed:
                client.owed = 0
            self.lost(LaneLost(self, tuple(owed), why))
            self.drained()
            self.idle()

    def abandon(self) -> None:
        self.die("a fault of the proxy's own")
