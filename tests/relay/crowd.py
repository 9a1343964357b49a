"""Many clients and the lane that they share on socket pairs, moved by hand: no loop, no node, no waiting."""

import socket
from collections.abc import Callable
from typing import Any, cast

from attrs import define, field

from proxy.relay.client import Client
from proxy.relay.lane import Lane
from proxy.relay.reactor import IN, OUT
from proxy.relay.shared import SharedLane
from proxy.session.session import Session
from proxy.transport.plain import Plain
from proxy.wire.commands import CommandTable
from proxy.wire.encoding import command
from proxy.wire.requests import RequestCutter, arguments
from tests.relay.bench import PretendRoute, ends, new_route, received

TABLE = CommandTable(
    names=frozenset(b"AUTH BLPOP CLIENT ECHO EXEC GET HELLO INCR MULTI PING SCAN SELECT SET WATCH".split()),
    blocking=frozenset((b"BLPOP",)),
    writes=frozenset((b"EXEC", b"INCR", b"MULTI", b"SET")),
    reads=frozenset((b"ECHO", b"GET", b"PING", b"SCAN")),
)
CHUNK = 32 * 1024


class Noted:
    """A nursery that notes what it is to start."""

    def __init__(self) -> None:
        self.started: list[tuple[Callable[..., Any], tuple[Any, ...]]] = []

    def start_soon(self, task: Callable[..., Any], *args: Any) -> None:
        self.started.append((task, args))


def get(who: int, times: int = 1) -> bytes:
    """Commands whose replies are nobody else's."""
    return b"".join(command("GET", f"key {who}.{n}") for n in range(times))


def value(who: int, times: int = 1) -> bytes:
    """The replies to ``get``."""
    return b"".join(b"$11\r\nis for %d.%d.\r\n" % (who, n) for n in range(times))


def fences(sent: bytes) -> list[bytes]:
    """What a node answers to the fences in what it was sent."""
    words = [arguments(frame) for name, frame in RequestCutter().feed(sent) if name == b"PING"]
    return [b"$33\r\n%s\r\n" % word[1] for word in words if len(word) == 2 and len(word[1]) == 33]


def fence_of(sent: bytes) -> bytes:
    """The answer to the one fence in there."""
    [fence] = fences(sent)
    return fence


@define(eq=False)
class Crowd:
    """Several clients on one shared lane. What an application receives is gathered as it comes, unless it is
    deaf."""

    size: int = 4
    route: PretendRoute = field(factory=new_route)
    clients: list[Client] = field(factory=list)
    lane: SharedLane = field(init=False)
    got: list[bytes] = field(factory=list)
    deaf: set[int] = field(factory=set)
    apps: list[socket.socket] = field(factory=list)
    links: list[tuple[Plain, socket.socket]] = field(factory=list)
    """The connections to the node, both ends of each."""
    lent: list[tuple[Lane, socket.socket]] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        route = self.route
        route.nursery, route.shares, route.common.commands = cast(Any, Noted()), True, TABLE
        route.choose_plain()
        self.lane = route.lanes.of(Session(0, route.common, admission=1))
        self.connect()
        for number in range(self.size):
            ours, app = ends()
            client = Client(route.reactor, ours, route, number)
            client.session.admission = 1
            route.clients[client] = None
            client.join(self.lane)
            self.clients.append(client)
            self.apps.append(app)
            self.got.append(b"")

    def connect(self) -> None:
        """Give the lane a new connection, as what opens lanes would."""
        ours, node = ends()
        self.links.append((ours, node))
        self.route.lanes._opening.discard(self.lane)
        self.lane.connect(ours, 1)

    @property
    def wants_connection(self) -> bool:
        return self.lane.closed and self.lane in self.route.lanes._opening

    def lend(self, number: int) -> tuple[Lane, socket.socket]:
        """Give a client the lane of its own that it needs; gives that and its node."""
        assert self.clients[number] in self.route.wanted, "it has asked for a lane"
        ours, node = ends()
        lane = Lane(self.route.reactor, ours, self.route.lane_lost)
        self.lent.append((lane, node))
        self.clients[number].bind(lane)
        self.clients[number].go_on()
        return lane, node

    def says(self, number: int, data: bytes) -> None:
        """The application sends this, and it is received amid a turn of the reactor."""
        self.apps[number].sendall(data)
        self.route.reactor.busy = True
        self.clients[number].ready(IN)
        self.route.reactor.busy = False

    def turn(self, link: int = -1) -> bytes:
        """The turn ends; gives what is at the node then."""
        while self.route.reactor.due:
            self.route.reactor.due.pop().send_due()
        return received(self.links[link][1])

    def say(self, data: dict[int, bytes]) -> bytes:
        """In one turn the applications send this; gives what is at the node then."""
        for number, commands in data.items():
            self.says(number, commands)
        return self.turn()

    def answers(self, data: bytes, link: int = -1) -> None:
        """The node sends this over one of its connections, and it is received bit by bit while that is
        open."""
        ours, node = self.links[link]
        for at in range(0, len(data), CHUNK):
            if ours.fileno() >= 0:
                node.sendall(data[at : at + CHUNK])
                self.route.reactor._handlers[ours.fileno()].ready(IN)
                self.listen()

    def listen(self) -> None:
        """All applications receive, but for the deaf."""
        for number, client in enumerate(self.clients):
            if number not in self.deaf:
                while (more := received(self.apps[number])) and not self.got[number].endswith(b"<end>"):
                    self.got[number] += more
                    if client.unsent is not None and not client.closed:
                        client.ready(OUT)

    def heard(self, number: int) -> bytes:
        """What the application has received since it was asked last."""
        self.listen()
        heard, self.got[number] = self.got[number], b""
        return heard

    def all_heard(self) -> list[bytes]:
        return [self.heard(number) for number in range(self.size)]

    def close(self) -> None:
        for client in list(self.clients):
            client.close()
        for shared in self.route.lanes:
            for each in (*shared.left, shared):
                each.shut()
        for lane, _ in self.lent:
            lane.shut()
        for end in (*self.apps, *(node for _, node in (*self.links, *self.lent))):
            end.close()
