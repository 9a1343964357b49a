"""A lane: one connection to a node, and the ledger of what it owes.

Theory. A node answers in the order of the commands. The ledger lists, in that order, to whom how many replies
are owed and which of them must be looked at; replies are given out by it alone. What the node sends beyond it
is a push or a message, or the lane is out of step: then it is closed, so that a miscount can never become
somebody else's data. Rules:

1. Who sends down a lane enters it in the ledger first.
2. A reply made by the proxy stands in the ledger too, owed by nobody, and goes out when its turn comes.
3. A chunk of plain replies is passed on as it came. All else takes the slow way, reply by reply.
4. A lane without an owner (warm, or left behind) gives its messages to nobody.
"""

from collections import deque
from collections.abc import Callable
from time import perf_counter as clock
from typing import TYPE_CHECKING, ClassVar, Literal

from proxy.relay.connection import Connection
from proxy.relay.counts import EVERY, Tally
from proxy.relay.ledger import LaneLost, Owed
from proxy.relay.peer import RECEIVE, RECEIVE_LONG
from proxy.relay.reactor import OUT, Reactor
from proxy.session.session import Want
from proxy.session.subscriptions import LINE, is_any_message, is_confirmation, is_message
from proxy.session.tracking import heard
from proxy.transport.transport import Transport
from proxy.wire.counting import LONG, count_replies
from proxy.wire.replies import PUSH, BadReply, ReplyCutter
from proxy.wire.requests import Frame

if TYPE_CHECKING:
    from proxy.relay.performer import Performer


NOTHING, REPLY, MESSAGE, UNHEARD = range(4)


class Lane(Connection):
    """A private lane: it has one owner at most."""

    __slots__ = (
        "cutter",
        "id",
        "inside",
        "kept",
        "later",
        "mixed",
        "on_loan",
        "owner",
        "since",
        "timed",
    )
    shared: ClassVar[Literal[False]] = False

    def __init__(self, reactor: Reactor, transport: Transport, lost: Callable[[LaneLost], None]) -> None:
        super().__init__(reactor, transport)
        self.owner: Performer | None = None
        self.ledger: deque[Owed] = deque()
        self.cutter: ReplyCutter | None = None
        self.lost = lost
        self.inside = NOTHING  # what a frame is of which only a part has been given out
        self.later: bytes | None = None  # of the proxy's own, for when a frame has been given out wholly
        self.mixed = False  # messages may come that look like replies
        self.kept: list[bytes] | None = None  # messages behind the mark, until it is known which lane's count
        self.id: int | None = None  # the node's; 0 if it cannot be found out
        self.tag = 0
        self.on_loan = False  # its owner goes back to a shared lane when nothing keeps it here
        self.timed = 0  # replies until the one is in that is timed; 0 while none is
        self.since = 0.0  # that one's command was sent
        self._on_idle: list[Callable[[], None]] | None = None
        reactor.add(self.fd, self)

    def owe(self, client: "Performer", count: int) -> None:
        """Enter plain replies in the ledger."""
        ledger = self.ledger
        if ledger:
            line = ledger[-1]
            if line.want is None and line.count and line.client is client:
                line.count += count
                return
        ledger.append(Owed(client, count))

    def owe_wanted(self, client: "Performer", want: Want) -> None:
        """Enter a reply that must be looked at."""
        self.ledger.append(Owed(client, 1, want))
        self.mixed = self.mixed or want.mixes

    def forward(self, client: "Performer", data: Frame, count: int) -> None:
        """Send whole commands that owe so many plain replies."""
        self.owe(client, count)
        tally = self.reactor.counts.private
        tally.commands += count
        if tally.commands > tally.due:
            self._time(tally)
        if isinstance(data, bytes):
            self.send(data)
        else:
            self.send_frame(data)

    def _time(self, tally: Tally) -> None:
        """Measure how long it takes until all that is owed now is answered."""
        if not self.timed:
            self.timed = sum(line.count for line in self.ledger)
            self.since, tally.due = clock(), tally.commands + EVERY - 1

    def _answered(self, count: int) -> None:
        """So many replies nearer to the one that is timed."""
        self.timed -= count
        if self.timed <= 0:
            self.timed = 0
            self.reactor.counts.private.took(self.since, 1)

    def ask(self, client: "Performer", frame: Frame, want: Want) -> None:
        """Send a command whose reply must be looked at."""
        self.owe_wanted(client, want)
        self.send_frame(frame)

    def stop(self, client: "Performer") -> None:
        """The node does not take what it is sent: its client is not received from until it does."""
        client.listen(False)

    def say(self, client: "Performer", made: bytes) -> None:
        """Give out a reply of the proxy's own, in its turn."""
        if self.ledger:
            self.ledger.append(Owed(client, 0, None, made))
        else:
            client.deliver(made)

    def push(self, client: "Performer", made: bytes) -> None:
        """Give the owner something that no command asked for, between two frames."""
        if self.inside != NOTHING:
            self.later = (self.later or b"") + made
        else:
            client.deliver(made)

    def ready(self, events: int) -> None:
        if events & OUT:
            self.flush()
            if events == OUT:
                return
        cutter = self.cutter
        try:
            data = self.transport.receive(RECEIVE if cutter is None or not cutter.wants else RECEIVE_LONG)
        except BlockingIOError:
            return
        except OSError as fault:
            self.die(str(fault))
            return
        if not data:
            self.die("closed by the node")
            return
        self.traffic.received += len(data)
        ledger = self.ledger
        if cutter is None and ledger and not self.mixed and len(data) < LONG:
            line = ledger[0]
            if line.want is None and 0 < (count := count_replies(data)) <= line.count:
                line.count -= count
                line.client.deliver(data)
                if self.timed:
                    self._answered(count)
                if not line.count:
                    ledger.popleft()
                    if ledger:
                        self._give_made()
                    if not ledger and (self.on_loan or self._on_idle is not None):
                        self.idle()
                return
        self._look(data)

    def _look(self, data: bytes) -> None:
        """The slow way: reply by reply."""
        cutter = self.cutter or ReplyCutter()
        self.cutter = None
        owner = self.owner
        if owner is not None:
            owner.cork()
        try:
            for piece, last in cutter.feed(data):
                self._give(piece, last)
                if self.closed:
                    return
                if last and self.later is not None:
                    later, self.later = self.later, None
                    if owner is not None:
                        owner.deliver(later)
        except BadReply as fault:
            self.die(f"out of step: {fault}")
            return
        finally:
            if owner is not None and not owner.closed:
                owner.flush()
        if not cutter.at_boundary:
            self.cutter = cutter
        if not self.ledger:
            if self.mixed and owner is not None:
                self.mixed = owner.session.listening
            if self.on_loan or self._on_idle is not None:
                self.idle()

    def _give(self, piece: bytes, last: bool) -> None:
        inside = self.inside or self._whose(piece)
        self.inside = NOTHING if last else inside
        if inside == UNHEARD:
            return
        if inside == MESSAGE:
            if self.kept is not None:
                self.kept.append(piece)
            elif self.owner is not None:
                self.owner.deliver(heard(self.owner.session, piece))
            return
        if not self.ledger:
            self.die("out of step: a reply that nobody asked for")
            return
        line = self.ledger[0]
        if line.want is None:
            line.client.deliver(piece)
        else:
            out = line.want.take(line.client.session, piece, last)
            if out:
                line.client.deliver(out)
            if last and not line.want.finished:
                return
        if last:
            line.count -= 1
            if self.timed:
                self._answered(1)
            if not line.count:
                self.ledger.popleft()
                self._give_made()
                if line.want is not None:
                    line.client.answered(line.want)

    def _whose(self, frame: bytes) -> int:
        """Whether the frame that begins here is owed to a command."""
        line = self.ledger[0] if self.ledger else None
        who = line.client if line is not None else self.owner
        if who is None:  # left behind, or spare: nobody is there to get it, and a reply is one too many
            return MESSAGE if self.mixed or frame[0] == PUSH or is_any_message(frame) else REPLY
        if not is_message(who.session, frame):
            # A lane that is being set up may be subscribed to more than the session is by now.
            return MESSAGE if self.owner is None and self.mixed and is_any_message(frame) else REPLY
        if who.session.mute is not None and frame[0] == LINE:
            return UNHEARD  # CLIENT REPLY OFF silences MONITOR too
        confirms = line is not None and line.want is not None and line.want.mixes and is_confirmation(frame)
        return REPLY if confirms else MESSAGE

    def _give_made(self) -> None:
        ledger = self.ledger
        while ledger and not ledger[0].count:
            line = ledger.popleft()
            line.client.deliver(line.made)

    def idle(self) -> None:
        super().idle()
        if self.on_loan and self.owner is not None:
            self.owner.come_back()

    @property
    def is_clean(self) -> bool:
        """Nothing is under way: it is what the session of its last owner says."""
        under_way = self.closed or self.ledger or self.cutter or self.inside or self.unsent or self.mixed
        return not (under_way or self.kept is not None or self.later is not None)

    def surrender(self) -> Transport:
        """Give the connection away: this is no lane any more."""
        assert self.is_clean
        self.unwatch()
        self.closed = True
        return self.transport

    def release_kept(self) -> None:
        """The messages behind the mark count: give them to the owner."""
        kept, self.kept = self.kept, None
        if kept and self.owner is not None:
            self.owner.deliver(b"".join(heard(self.owner.session, piece) for piece in kept))

    def drained(self) -> None:
        if self.owner is not None:
            self.owner.lane_drained()

    def die(self, why: str) -> None:
        """The lane is dead: say what it owed, and to whom."""
        if not self.closed:
            self.shut()
            owed = tuple(dict.fromkeys(line.client for line in self.ledger))
            self.ledger.clear()
            self.lost(LaneLost(self, owed, why))
            self.idle()

    def drop(self) -> None:
        """Nobody wants the lane any more, nor what it owes."""
        self.ledger.clear()
        self.shut()
        self.idle()

    def abandon(self) -> None:
        self.die("a fault of the proxy's own")
