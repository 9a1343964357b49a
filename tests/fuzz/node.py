"""A node at the other end of pipes: it does what it is asked, and says it truly until it is told to lie.

Every value names whose it is and to which of his commands it is the reply, so that each byte that a client
gets tells to whom it belongs.
"""

from attrs import Factory, define

from proxy.wire.encoding import command
from proxy.wire.requests import RequestCutter, arguments
from tests.fuzz.pipes import Pipe

FENCE = -1
"""In the place of a client, of what the proxy asks for itself."""
Unit = tuple[int, int, int]
"""A reply that a client is to get: whose it is, the number of the command, and of which of its replies."""


def value(key: bytes) -> bytes:
    """The value of a key that is one client's: ``who.number.size``."""
    who, number, size = key.split(b".")
    text = b"<%s.%s>" % (who, number)
    data = (text * (int(size) // len(text) + 1))[: max(int(size), len(text))]
    return b"$%d\r\n%s\r\n" % (len(data), data)


@define
class Asked:
    """One reply that the node owes, and what it is in truth."""

    unit: Unit
    reply: bytes
    looked_at: bool = False
    """The proxy looks at it, and may give out something else."""


@define(eq=False)
class Link:
    """One connection, as the node sees it."""

    pipe: Pipe
    shared: bool
    cutter: RequestCutter = Factory(RequestCutter)
    asked: list[Asked] = Factory(list)
    answers: bytearray = Factory(bytearray)
    """What the node will say next."""
    said: bytearray = Factory(bytearray)
    """What it has said."""
    passing: bool = False
    """The proxy does not wait for proofs any more."""
    odd: bool = False
    """The node has lied, or left."""
    arrived: int = 0
    _queue: list[Asked] | None = None

    def execute(self) -> None:
        """Do what has arrived."""
        data = self.pipe.read()
        self.arrived += len(data)
        self._take(data)

    def take_unsent(self) -> None:
        """What the proxy wanted to send, and could not, counts as asked: some of it the node may have
        answered beforehand."""
        self._take(bytes(self.pipe.offered[self.arrived :]))

    def _take(self, data: bytes) -> None:
        for name, frame in self.cutter.feed(data):
            words = arguments(frame)
            for asked in self._execute(name, words):
                self.asked.append(asked)
                self.answers += asked.reply

    def _execute(self, name: bytes, words: list[bytes]) -> list[Asked]:
        key = words[-1]
        if name == b"PING":
            return [Asked((FENCE, 0, 0), b"$%d\r\n%s\r\n" % (len(key), key))]
        if name == b"MULTI":
            self._queue = []
            return []  # whose it is, is seen by what follows
        if name == b"EXEC":
            [held], self._queue = self._queue or [], None
            who, number, _ = held.unit
            return [
                Asked((who, number, 0), b"+OK\r\n", True),
                Asked((who, number, 1), b"+QUEUED\r\n", True),
                Asked((who, number, 2), b"*1\r\n" + held.reply, True),
            ]
        whose, count = map(int, key.split(b".")[:2])
        unit = (whose, count, 0)
        reply = value(key)
        if name == b"SCAN":
            reply = b"*2\r\n$1\r\n0\r\n" + reply
        asked = Asked(unit, reply, name in (b"SCAN", b"BLPOP"))
        if self._queue is not None:
            self._queue.append(asked)
            return []
        return [asked]

    def say(self, size: int) -> None:
        """So many bytes of the answers are said."""
        piece = bytes(self.answers[:size])
        if piece:
            del self.answers[:size]
            self.said += piece
            self.pipe.coming.append(piece)


def written(kind: str, who: int, number: int, size: int) -> bytes:
    """The command of this kind, as a client sends it."""
    key = b"%d.%d.%d" % (who, number, size)
    if kind == "MULTI":
        return command("MULTI") + command("GET", key) + command("EXEC")
    return command(kind, "0", key) if kind == "SCAN" else command(kind, key)


def units(kind: str, who: int, number: int) -> list[Unit]:
    """The replies to it."""
    return [(who, number, part) for part in range(3 if kind == "MULTI" else 1)]
