"""A client on a lane of its own, with all that a session may hold, and a node that answers what it likes.

An input is what happens, cut apart by :data:`CUT`: ``C`` and what the client sends, ``N`` and what the node
sends, ``E`` the client ends its side, ``D`` it does not read, ``R`` it does, ``H`` and ``O`` a hold and its
end, ``M`` it moves to another lane, ``X`` the node leaves. However it goes, the client hears RESP, and
nothing crashes.
"""

from typing import Any, cast

from proxy.relay.allowance import Allowance
from proxy.relay.client import Client
from proxy.relay.lane import Lane
from proxy.relay.reactor import IN, OUT
from proxy.session.common import Common
from proxy.session.replay import BLANK, Faults, Score, difference
from proxy.session.scripts import Scripts
from proxy.session.session import Send
from proxy.telling import Told, listen
from proxy.wire.commands import CommandTable
from proxy.wire.replies import ReplyCutter
from tests.fuzz.corpus import LINES
from tests.fuzz.limits import small
from tests.fuzz.pipes import HandReactor, Pipe
from tests.fuzz.scene import OUTPUT_MAX, WatchedRoute, weighed
from tests.fuzz.tape import CUT, pieces
from tests.fuzz.vocabulary import words
from tests.relay.crowd import Noted

NAMES = frozenset(words[0].encode() for line in LINES for words in line)
TABLE = CommandTable(
    names=NAMES,
    blocking=frozenset((b"BLPOP", b"BRPOP", b"BLMOVE", b"BZPOPMIN", b"XREAD", b"XREADGROUP", b"WAIT")),
    writes=frozenset((b"SET", b"INCR", b"EVAL", b"MULTI", b"EXEC", b"BLPOP", b"XREADGROUP")),
    reads=frozenset((b"GET", b"PING", b"ECHO", b"XREAD")),
)
WORDS = tuple(CUT + word for word in words("private"))


class Scene:
    """One client, its application and its node."""

    def __init__(self) -> None:
        self.reactor = HandReactor()
        common = Common(Scripts(10, 1000))
        self.route = WatchedRoute(self.reactor, cast(Any, Noted()), [], common, OUTPUT_MAX, 1.0)
        self.route.allow(Allowance(waiting_bytes=300, waiting_commands=5, command_bytes=1000))
        common.commands = TABLE
        self.route.choose_plain()
        self.app = Pipe()
        self.client = Client(self.reactor, self.app, self.route, 1)
        self.client.session.admission = 1
        self.route.clients[self.client] = None
        self.heard = b""
        self.bind()

    def bind(self) -> None:
        self.node = Pipe()
        self.client.bind(Lane(self.reactor, self.node, self.route.lane_lost))

    def happen(self, piece: bytes) -> None:
        kind, data = piece[:1], piece[1:]
        if kind == b"C" and data:
            self.come(self.app, data)
        elif kind == b"N" and data:
            self.come(self.node, data)
        elif kind == b"X":
            self.come(self.node, b"")
        elif kind == b"E":
            self.come(self.app, b"")
        elif kind == b"D":
            self.app.room = 10
        elif kind == b"R":
            self.read()
        elif kind == b"H":
            self.route.gate.close("hold")
        elif kind == b"O":
            self.route.gate.open("hold")
        elif kind == b"M":
            self.move()
        self.reactor.send_due()
        if self.client.lane is None and self.client in self.route.wanted and not self.client.closed:
            self.route.wanted.clear()
            if not self.route.gate.closed:
                self.bind()
                self.client.go_on()
        weighed(self.client)

    def come(self, pipe: Pipe, data: bytes) -> None:
        pipe.coming.append(data)
        for _ in range(3):
            if pipe.coming:
                self.reactor.ready(pipe, IN)

    def read(self) -> None:
        self.heard += self.app.read()
        self.app.room = None
        self.reactor.ready(self.app, OUT)
        self.heard += self.app.read()

    def move(self) -> None:
        """As a switchover would: when nothing is owed, with what the session says, set up anew."""
        client, lane = self.client, self.client.own_lane
        blocked = client.session.blocked
        if lane is None or lane.owes or client.closed or (blocked is not None and not blocked.parked):
            return
        client.move(None).shut()
        self.bind()
        steps = difference(BLANK, Score.of(client.session), Faults())
        assert steps is not None
        assert all(isinstance(step, Send) for step in steps)
        client.reopen()
        client.reissue()
        client.go_on()

    def finish(self) -> None:
        self.route.gate.open("hold")
        for _ in range(50):
            for pipe in (self.app, self.node):
                self.come(pipe, b"") if not pipe.coming else self.reactor.ready(pipe, IN)
            self.read()
        self.client.close()
        lane = self.client.own_lane
        assert lane is None
        self.reactor.close()


def throw(data: bytes) -> None:
    told: list[Told] = []
    stop = listen(told.append)
    scene = Scene()
    try:
        with small(in_pieces=False):  # an answer that never is long may be looked at as if it came in one
            for piece in pieces(data):
                scene.happen(piece)
            scene.finish()
            for _ in ReplyCutter().feed(scene.heard):
                pass
    finally:
        stop()
    faults = [event for event in told if event["event"] == "-fault"]
    assert not faults, faults
