"""What the data path counts: plain numbers, one :class:`Counts` for each reactor.

Theory. A command costs some twelve microseconds, so what is counted for each must cost a hundredth of that:
an addition to a slot, no call, no lock (there is one task), no object of a metrics library. What can be
counted for a whole batch is counted there. Whoever shows the numbers reads them, now and then, in
:mod:`proxy.operation.counting`. Rules:

1. Numbers only grow.
2. Bytes are counted where the socket takes or gives them, so they are what a packet counter would say.
3. Time is measured from when a command is sent to the node until its reply is given to the client. So it has
   the node in it, and the proof that replies are in step, but neither what a command waited in the proxy
   before that (for the gate, for a lane to be opened) nor how slowly the client reads.
4. Over shared lanes every batch is timed, and counts as often as it has replies. Over private lanes one
   command in :data:`EVERY` is; those whose reply must be looked at (BLPOP, SUBSCRIBE …) never are, for they
   take as long as they like.
"""

from bisect import bisect_left
from time import perf_counter as clock

from proxy.session.session import LoadScript, LookUp, Say, Send, SendAndWait, Step, WaitOutside

BOUNDS = (
    *(0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
"""Seconds, the highest of each bucket."""
EVERY = 16
"""Of so many commands that go down private lanes one is timed."""


class Traffic:
    """Bytes that went through the sockets of one kind of peer."""

    __slots__ = ("received", "sent")

    def __init__(self) -> None:
        self.received = 0
        self.sent = 0


class Tally:
    """Commands that went down lanes of one kind, and how long they took."""

    __slots__ = ("buckets", "commands", "due", "seconds")

    def __init__(self) -> None:
        self.commands = 0
        self.buckets = [0] * (len(BOUNDS) + 1)
        self.seconds = 0.0
        self.due = 0  # the command behind so many is timed

    def took(self, since: float, count: int) -> None:
        """So many replies are given out now to what was sent then."""
        seconds = clock() - since
        self.buckets[bisect_left(BOUNDS, seconds)] += count
        self.seconds += seconds * count


class Counts:
    """All of it."""

    __slots__ = ("answered", "clients", "nodes", "private", "shared")

    def __init__(self) -> None:
        self.clients = Traffic()
        self.nodes = Traffic()
        self.shared = Tally()
        self.private = Tally()
        self.answered = 0  # commands, by the proxy itself

    def asked(self, steps: tuple[Step, ...], shared: bool) -> None:
        """A command was looked at, and this is what it comes to. What goes down a shared lane is counted
        there, and so is what is forwarded as it is."""
        match steps[-1] if steps else None:  # what the proxy sends along goes ahead
            case Say() | WaitOutside() | None:
                self.answered += 1
            case Send(_, None):
                pass
            case Send() | SendAndWait():
                self.private.commands += not shared
            case LookUp() | LoadScript():
                pass  # it comes again when that is done
