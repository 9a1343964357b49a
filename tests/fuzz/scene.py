"""Several clients on a shared lane, and lanes of their own, all on pipes; a tape says what happens."""

from typing import Any, cast

from attrs import Factory, define, field

from proxy.relay.allowance import Allowance
from proxy.relay.client import Client
from proxy.relay.hoard import weight
from proxy.relay.lane import Lane
from proxy.relay.ledger import LaneLost
from proxy.relay.reactor import IN, OUT
from proxy.relay.shared import SharedLane
from proxy.session.common import Common
from proxy.session.scripts import Scripts
from proxy.session.session import Session
from proxy.telling import Told
from proxy.wire.requests import size_of
from tests.fuzz.node import Link, Unit, units, written
from tests.fuzz.oracle import chances, explains
from tests.fuzz.pipes import HandReactor, Pipe
from tests.relay.bench import PretendRoute
from tests.relay.crowd import TABLE, Noted

SIZE = 4
OUTPUT_MAX = 4000


@define(eq=False)
class Application:
    """A client's other end."""

    client: Client
    pipe: Pipe
    expected: list[Unit | bytes] = Factory(list)
    heard: bytearray = Factory(bytearray)
    left: bool = False
    """It says nothing more, of its own will."""


@define(eq=False)
class WatchedRoute(PretendRoute):
    """It notes whom a dead lane owed something, as it says, or belonged to."""

    bereft: set[int] = field(factory=set)
    orphaned: set[int] = field(factory=set)

    def lane_lost(self, event: LaneLost) -> None:
        self.bereft |= {client.number for client in event.owed if isinstance(client, Client)}
        if isinstance(event.lane, Lane) and event.lane.owner is not None:
            self.orphaned.add(event.lane.owner.number)
        super().lane_lost(event)


@define(eq=False)
class Scene:
    """One conversation of all of them."""

    reactor: HandReactor = Factory(HandReactor)
    route: WatchedRoute = field(init=False)
    lane: SharedLane = field(init=False)
    applications: list[Application] = Factory(list)
    links: list[Link] = Factory(list)
    said: int = 0
    told: list[Told] = Factory(list)

    def __attrs_post_init__(self) -> None:
        route = self.route = WatchedRoute(
            self.reactor, cast(Any, Noted()), [], Common(Scripts(10, 1000)), OUTPUT_MAX, 1.0
        )
        route.allow(Allowance(waiting_bytes=300, waiting_commands=5, command_bytes=1000))
        route.shares, route.common.commands = True, TABLE
        route.choose_plain()
        self.lane = route.lanes.of(Session(0, route.common, admission=1))
        self.connect()
        for number in range(SIZE):
            pipe = Pipe()
            client = Client(self.reactor, pipe, route, number)
            client.session.admission = 1
            route.clients[client] = None
            client.join(self.lane)
            self.applications.append(Application(client, pipe))

    def connect(self) -> None:
        """Give the shared lane a new connection."""
        link = Link(Pipe(), True)
        self.links.append(link)
        self.route.lanes._opening.discard(self.lane)
        self.lane.connect(link.pipe, 1)

    def lend(self, client: Client) -> None:
        """Give a client the lane of its own that it has asked for."""
        link = Link(Pipe(), False)
        self.links.append(link)
        client.bind(Lane(self.reactor, link.pipe, self.route.lane_lost))
        client.go_on()

    def say(self, who: int, kind: str, size: int) -> bytes:
        """What this client says next; its replies are expected from now on."""
        self.said += 1
        self.applications[who].expected += units(kind, who, self.said)
        return written(kind, who, self.said, size)

    def hear(self, who: int, data: bytes) -> None:
        """The proxy receives this from a client, amid a turn."""
        self.reactor.busy = True
        self.applications[who].pipe.coming.append(data)
        self.receive(self.applications[who].pipe)

    def receive(self, pipe: Pipe) -> None:
        while pipe.coming and self.reactor.wanted.get(pipe.number, 0) & IN:
            before = len(pipe.coming), len(pipe.coming[0])
            self.reactor.ready(pipe, IN)
            if not pipe.coming or (len(pipe.coming), len(pipe.coming[0])) == before:
                return

    def turn(self) -> None:
        """The turn ends, who needs a lane gets it, and the node executes what it has been sent."""
        self.reactor.send_due()
        gate = self.route.gate.closed
        if self.lane.closed and self.lane in self.route.lanes._opening and not gate:
            self.connect()
        for client in dict.fromkeys(self.route.wanted):
            if client.lane is None and not client.closed and client.waiting and not gate:
                self.lend(client)
        if not gate:
            self.route.wanted.clear()
        for link in self.links:
            link.execute()

    def answer(self, link: Link, size: int) -> None:
        """The node says so much over this connection, and the proxy receives it."""
        link.say(size)
        self.reactor.busy = True
        self.receive(link.pipe)

    def read(self, application: Application) -> None:
        """It reads what it was sent, and takes more."""
        application.heard += application.pipe.read()
        application.pipe.room = None
        self.reactor.ready(application.pipe, OUT)
        application.heard += application.pipe.read()

    def finish(self) -> None:
        """Let all come true that can."""
        self.route.gate.open("hold")
        for _ in range(10_000):
            before = self._state()
            for link in self.links:
                link.pipe.room = None
                self.reactor.ready(link.pipe, OUT)
            self.turn()
            for link in self.links:
                self.answer(link, 1 << 20)
            for application in self.applications:
                self.read(application)
                self.receive(application.pipe)
            if self._state() == before:
                return
        raise AssertionError("it comes to no end")

    def _state(self) -> tuple[object, ...]:
        return (
            len(self.links),
            *(len(link.asked) + len(link.said) + len(link.pipe.coming) for link in self.links),
            *(len(each.heard) + len(each.pipe.coming) + each.client.closed for each in self.applications),
        )

    def check(self) -> None:
        for link in self.links:
            link.take_unsent()
        found = chances(self.links)
        for who, application in enumerate(self.applications):
            closed = application.client.closed
            assert explains(bytes(application.heard), application.expected, found, closed), (
                f"{who} hears {bytes(application.heard)!r}, of {application.expected}"
            )
        stopped = {event["client"] for event in self.told if event["event"] == "-client-closed"}
        for application in self.applications:
            number, left = application.client.number, application.left
            owed = number in self.route.bereft and application.heard != self._whole(application)
            assert left or owed or number in self.route.orphaned | stopped or not application.client.closed, (
                f"{number} was closed, to whom nothing was owed"
            )
            weighed(application.client)
        faults = [event for event in self.told if event["event"] == "-fault"]
        assert not faults, faults
        if not any(link.odd for link in self.links):
            for application in self.applications:
                if not (application.left or application.client.number in stopped):
                    heard, wanted = bytes(application.heard), self._whole(application)
                    assert heard == wanted, f"{application.client.number} hears {heard!r}, wanted {wanted!r}"

    def _whole(self, application: Application) -> bytes:
        """All that it must hear where nothing went wrong."""
        replies = {asked.unit: asked.reply for link in self.links for asked in link.asked}
        return b"".join(
            unit if isinstance(unit, bytes) else replies.get(unit, b"(never asked for)")
            for unit in application.expected
        )

    def close(self) -> None:
        for application in self.applications:
            application.client.close()
        for lane in self.route.lanes:
            for each in (*lane.left, lane):
                each.shut()
        self.reactor.close()


def weighed(client: Client) -> None:
    """What is kept for a client is counted as it is, and known to who bounds it."""
    if not client.closed:
        assert client.waiting_bytes == sum(size_of(frame) for _, frame in client.waiting or ())
        assert client.unsent_bytes == sum(map(len, client.unsent or ()))
        assert not weight(client) or client in client.route.hoard._keepers, f"{weight(client)} bytes unknown"
