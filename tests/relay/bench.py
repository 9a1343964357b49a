"""A client and its lane on socket pairs, moved by hand: no loop, no node, no waiting."""

import contextlib
import socket
from typing import Any, cast

from attrs import define, field

from proxy.relay.client import Client
from proxy.relay.lane import Lane
from proxy.relay.performer import Performer
from proxy.relay.reactor import IN, OUT, Reactor
from proxy.relay.route import Route
from proxy.session.common import Common
from proxy.session.scripts import Scripts
from proxy.transport.plain import Plain


@define(eq=False)
class PretendRoute(Route):
    """A route that notes what it would have to start a task for."""

    wanted: list[Client] = field(factory=list)
    outside: list[tuple[bytes, ...]] = field(factory=list)

    @staticmethod
    def now() -> float:
        return 100.0

    def want_lane(self, client: Client) -> None:
        self.wanted.append(client)

    def wait_outside(self, client: Performer, words: tuple[bytes, ...]) -> None:
        self.outside.append(words)


def new_route() -> PretendRoute:
    reactor = Reactor()
    return PretendRoute(reactor, cast(Any, None), [], Common(Scripts(10, 1000)), 1_000_000, 1.0)


def received(end: socket.socket) -> bytes:
    """All that is there to be received; b"<end>" stands for the end of the connection."""
    found = b""
    with contextlib.suppress(BlockingIOError):
        while data := end.recv(1 << 20):
            found += data
        found += b"<end>"
    return found


def ends() -> tuple[Plain, socket.socket]:
    """The proxy's end and the other one."""
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    return Plain.adopt(ours), theirs


@define(eq=False)
class Bench:
    """One client with its application, and one lane with its node."""

    route: PretendRoute = field(factory=new_route)
    client: Client = field(init=False)
    lane: Lane = field(init=False)
    app: socket.socket = field(init=False)
    node: socket.socket = field(init=False)

    def __attrs_post_init__(self) -> None:
        ours, self.app = ends()
        self.client = Client(self.route.reactor, ours, self.route, 1)
        self.client.session.admission = 1
        self.route.clients[self.client] = None
        self.bind()

    def bind(self) -> None:
        """Give the client a new lane to a new node."""
        ours, self.node = ends()
        self.lane = Lane(self.route.reactor, ours, self.route.lane_lost)
        self.client.bind(self.lane)

    def move(self, watch_came: bool = False) -> None:
        """The client leaves its lane, which is closed."""
        self.client.move(None, watch_came).shut()
        self.node.close()

    def says(self, data: bytes) -> None:
        """The application sends this and the client handles it."""
        self.app.sendall(data)
        self.client.ready(IN)

    def answers(self, data: bytes) -> None:
        """The node sends this and the lane handles it."""
        self.node.sendall(data)
        self.lane.ready(IN)

    def at_node(self) -> bytes:
        return received(self.node)

    def at_app(self) -> bytes:
        return received(self.app)

    def writable(self) -> None:
        """The client's socket takes bytes again."""
        self.client.ready(OUT)

    def close(self) -> None:
        self.client.close()
        self.lane.shut()
        self.app.close()
        self.node.close()
