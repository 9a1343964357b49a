"""Who is who: clients by number and by address, and their lanes as the node sees them."""

import socket
from typing import Any

import pytest
import trio

from proxy.nodes.errors import ReplyError
from proxy.relay import directory
from proxy.relay.client import Client
from proxy.relay.directory import local_address
from proxy.relay.lane import Lane
from proxy.relay.lanes import Lanes
from proxy.relay.shared import SharedLane
from proxy.session.common import Entry
from proxy.session.ids import IDS_FROM
from proxy.session.replay import BLANK
from proxy.session.session import Want
from proxy.session.sharing import pinned
from proxy.transport.plain import Plain
from proxy.wire.encoding import command
from tests.relay.bench import Bench, PretendRoute, new_route, received
from tests.waiting import wait_until


class Town:
    """Clients on TCP connections, with and without lanes."""

    def __init__(self) -> None:
        self.route: PretendRoute = new_route()
        self.directory = self.route.directory
        self.sockets: list[socket.socket] = []
        self.carriers: list[SharedLane] = []

    def _connect(self, host: str) -> tuple[Plain, str]:
        """The proxy's end of a new connection, and how CLIENT LIST writes the other end."""
        with socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET) as at:
            theirs = socket.create_connection(at.getsockname()[:2])
            ours, _ = at.accept()
        self.sockets.append(theirs)
        host, port, *_ = theirs.getsockname()
        return Plain.adopt(ours), f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def settle(self, number: int, laned: bool = True, host: str = "127.0.0.1") -> tuple[Client, str]:
        """A client and its address."""
        ours, address = self._connect(host)
        client = Client(self.route.reactor, ours, self.route, number)
        self.route.clients[client] = None
        if laned:
            client.bind(Lane(self.route.reactor, self._connect(host)[0], self.route.lane_lost))
        return client, address

    def carry(self, *clients: Client) -> SharedLane:
        """Put these on a lane that they share."""
        route = self.route
        lane = SharedLane(route.reactor, route.common, BLANK, route.lane_lost, lambda lane: None)
        lane.connect(self._connect("127.0.0.1")[0], 0)
        self.carriers.append(lane)
        for client in clients:
            client.lane = lane
        return lane

    def entry(self, number: int) -> Entry:
        [entry] = self.directory.entries({number})
        return entry


@pytest.fixture
def town() -> Any:
    made = Town()
    yield made
    for client in [*made.route.clients]:
        client.close()
    for lane in made.carriers:
        lane.shut()
    for each in made.sockets:
        each.close()


def own(client: Client) -> Lane:
    assert client.own_lane is not None
    return client.own_lane


def test_an_id_is_unknown_until_it_is_looked_up_and_nought_without_a_lane_of_its_own(town: Town) -> None:
    (with_lane, _), _, (sharer, _) = town.settle(1), town.settle(2, laned=False), town.settle(3, laned=False)
    lane = town.carry(sharer)
    assert [town.directory.node_id(number) for number in (1, 2, 3, 4)] == [None, 0, 0, 0]
    own(with_lane).id = 12
    assert town.directory.node_id(1) == 12
    told = [(entry.number, entry.alone, entry.node_id) for entry in town.directory.entries()]
    assert told == [(1, True, 12), (2, False, 0), (3, False, 0)]
    at_node = [entry.lane.decode() for entry in town.directory.entries()]
    assert at_node == [local_address(own(with_lane)), "", local_address(lane)]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_addresses_are_written_as_the_node_writes_them(town: Town, host: str) -> None:
    (client, address), (_, lonely) = town.settle(1, host=host), town.settle(2, laned=False)
    at_node = local_address(own(client)).encode()
    assert at_node.startswith(b"[::1]:" if ":" in host else b"127.0.0.1:")
    entry = town.entry(1)
    assert (entry.address, entry.lane) == (address.encode(), at_node)
    assert entry.here.startswith(at_node[: at_node.rindex(b":") + 1]) and entry.here != at_node
    assert [*town.directory.entries({3})] == []
    assert town.directory.at(address.encode()) == entry
    found = town.directory.at(lonely.encode())
    assert found is not None and (found.number, found.lane, found.here) == (2, b"", b"")
    assert town.directory.at(b"\xff:1") is None


def test_a_broken_connection_has_the_address_that_redis_gives_it(town: Town) -> None:
    client, _ = town.settle(1, laned=False)
    client.transport.shutdown(socket.SHUT_RDWR)
    town.sockets[0].close()
    wait_until(lambda: town.entry(1).address == b"?:0", "the connection is broken")


def test_age_and_idle_are_those_of_the_client(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    client, _ = town.settle(1, laned=False)
    assert (town.entry(1).age, town.entry(1).idle) == (0, 0)
    monkeypatch.setattr(PretendRoute, "now", staticmethod(lambda: client.since + 90))
    assert (town.entry(1).age, town.entry(1).idle) == (90, 0)
    wait_until(lambda: town.entry(1).idle == 1, "it is idle for a second")
    town.sockets[0].sendall(b"PING\r\n")
    wait_until(lambda: town.entry(1).idle == 0, "it sent something")


def test_a_lane_that_has_died_is_no_lane(town: Town) -> None:
    (client, _), (sharer, _) = town.settle(1), town.settle(2, laned=False)
    lane = town.carry(sharer)
    lane.shut()
    own(client).shut()
    assert [(entry.lane, entry.alone) for entry in town.directory.entries()] == [(b"", False)] * 2


def test_what_belongs_to_nobody_is_told_with_its_user(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    shared, closed = town.carry(), town.carry()
    closed.shut()
    monkeypatch.setattr(PretendRoute, "unowned", lambda route: [(shared, b"cat"), (closed, b"dog")])
    [entry] = town.directory.lanes()
    assert (entry.address.decode(), entry.session.user) == (local_address(shared), b"cat")


def test_what_is_under_way_behind_a_reply_is_told_on_either_kind_of_lane(town: Town) -> None:
    (client, _), (sharer, _) = town.settle(1), town.settle(2, laned=False)
    town.carry(sharer)
    assert not town.directory.nothing_behind(3) and not town.directory.nothing_behind(1)
    own(client).owe(client, 1)
    assert town.directory.nothing_behind(1) and town.directory.nothing_behind(2)
    own(client).owe_wanted(client, Want())
    sharer.owed = 1
    assert not town.directory.nothing_behind(1) and not town.directory.nothing_behind(2)
    sharer.owed = 0


def test_a_client_is_closed_by_its_number(town: Town) -> None:
    (client, _), (other, _) = town.settle(1, laned=False), town.settle(2)
    assert town.directory.close(1)
    assert client.closed and not other.closed
    assert not town.directory.close(1), "it is gone"


class PretendNode:
    def __init__(self, ids: dict[str, int]) -> None:
        self.ids = ids
        self.asked = 0

    async def client_ids(self) -> dict[str, int]:
        self.asked += 1
        if not self.ids:
            raise ReplyError("NOPERM", "a node")
        return self.ids


@pytest.mark.parametrize("answers", [True, False])
def test_a_command_goes_on_whether_the_node_tells_the_ids_or_not(town: Town, answers: bool) -> None:
    (asker, _), (other, _) = town.settle(1), town.settle(2)
    town.carry(town.settle(3, laned=False)[0])
    node = PretendNode({local_address(own(other)): 77} if answers else {})
    town.route.primary = node  # type: ignore[assignment]
    at_node = town.sockets[1]  # the other end of the asker's lane
    trio.run(town.directory.look_up, asker, b"CLIENT", command("CLIENT", "UNBLOCK", IDS_FROM + 2))
    at_node.setblocking(False)
    assert received(at_node) == command("CLIENT", "UNBLOCK", 77 if answers else IDS_FROM + 2)
    assert (own(asker).id, own(other).id) == ((0, 77) if answers else (None, None)), "a failure is not kept"
    assert node.asked == 1
    assert town.route.suspect.is_set() is not answers


@pytest.mark.parametrize("laned", [True, False])
def test_who_is_to_be_told_by_the_node_gets_a_lane_of_its_own_and_stays_there(
    town: Town, laned: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    (asker, _), (target, _) = town.settle(1), town.settle(2, laned=False)
    carrier = town.carry(target) if laned else None
    if carrier is not None:
        carrier.clients = 1
    lane = Lane(town.route.reactor, town._connect("127.0.0.1")[0], town.route.lane_lost)
    monkeypatch.setattr(Lanes, "lend", lambda lanes, client: client.bind(lane))
    town.route.primary = PretendNode({local_address(lane): 88})  # type: ignore[assignment]
    at_node = town.sockets[1]
    frame = command("CLIENT", "TRACKING", "ON", "REDIRECT", IDS_FROM + 2)
    assert town.directory.target_id(2) is None
    trio.run(town.directory.look_up, asker, b"CLIENT", frame)
    at_node.setblocking(False)
    assert received(at_node) == command("CLIENT", "TRACKING", "ON", "REDIRECT", 88)
    assert target.own_lane is lane and pinned(target.session) == "CLIENT TRACKING REDIRECT"
    assert carrier is None or carrier.clients == 0


def test_a_target_that_gets_no_lane_in_time_is_none(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory, "LOOK_UP_SECONDS", 0.01)
    (asker, _), (target, _) = town.settle(1), town.settle(2, laned=False)
    town.carry(target)
    target.owed = 1  # so it cannot leave
    at_node = town.sockets[1]
    frame = command("CLIENT", "TRACKING", "ON", "REDIRECT", IDS_FROM + 2)
    assert town.directory.target_id(2) is None
    trio.run(town.directory.look_up, asker, b"CLIENT", frame)
    at_node.setblocking(False)
    assert received(at_node) == frame, "the node knows no such client"
    assert town.directory.target_id(2) is None, "who asks next may have better luck"
    target.owed = 0


def test_a_client_that_is_looked_up_is_asked_nothing_more_until_it_is_known(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up: list[Any] = []
    monkeypatch.setattr(PretendRoute, "look_up", lambda route, *said: looked_up.append(said))
    frame = command("CLIENT", "UNBLOCK", IDS_FROM + 1)
    bench.says(frame + command("PING"))
    assert looked_up == [(bench.client, b"CLIENT", frame)]
    assert bench.at_node() == b""
    bench.lane.id = 31
    bench.client.looked_up(b"CLIENT", frame)
    assert bench.at_node() == command("CLIENT", "UNBLOCK", 31) + command("PING")
    bench.answers(b":0\r\n+PONG\r\n")
    assert bench.at_app() == b":0\r\n+PONG\r\n"
