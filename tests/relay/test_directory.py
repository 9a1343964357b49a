"""Who is who: clients by number and by address, and their lanes as the node sees them."""

import socket
from typing import Any

import pytest
import trio

from proxy.nodes.errors import ReplyError
from proxy.relay.client import Client
from proxy.relay.directory import Directory, local_address, look_up, peer_address
from proxy.relay.lane import Lane
from proxy.relay.transport import Plain
from proxy.session.common import ClientAtLane
from proxy.session.ids import IDS_FROM
from proxy.wire.encoding import command
from tests.relay.bench import Bench, PretendRoute, new_route, received


class Town:
    """Clients on TCP connections, with and without lanes."""

    def __init__(self) -> None:
        self.route: PretendRoute = new_route()
        self.directory = Directory(self.route.clients)
        self.sockets: list[socket.socket] = []

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


@pytest.fixture
def town() -> Any:
    made = Town()
    yield made
    for client in [*made.route.clients]:
        client.close()
    for each in made.sockets:
        each.close()


def test_an_id_is_unknown_until_it_is_looked_up_and_nought_without_a_lane(town: Town) -> None:
    (with_lane, _), _ = town.settle(1), town.settle(2, laned=False)
    lookups = [town.directory.node_id(number) for number in (1, 2, 3)]
    assert lookups == [None, 0, 0]
    assert with_lane.lane is not None
    with_lane.lane.id = 12
    assert town.directory.node_id(1) == 12


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_addresses_are_written_as_the_node_writes_them(town: Town, host: str) -> None:
    (client, address), (_, lonely) = town.settle(1, host=host), town.settle(2, laned=False)
    assert client.lane is not None
    client.lane.id = 9
    at_node = local_address(client.lane).encode()
    assert at_node.startswith(b"[::1]:" if ":" in host else b"127.0.0.1:")
    assert peer_address(client) == address
    assert town.directory.address_of(1) == address.encode()
    assert town.directory.address_of(3) == b""
    assert town.directory.at_lanes() == {at_node: ClientAtLane(1, address.encode(), 9)}
    assert town.directory.lane_of(address.encode()) == at_node
    assert town.directory.lane_of(lonely.encode()) is None
    assert town.directory.lane_of(b"\xff:1") is None


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
    assert asker.lane is not None and other.lane is not None
    node = PretendNode({local_address(other.lane): 77} if answers else {})
    town.route.primary = node  # type: ignore[assignment]
    at_node = town.sockets[1]  # the other end of the asker's lane
    trio.run(look_up, town.route, asker, b"CLIENT", command("CLIENT", "UNBLOCK", IDS_FROM + 2))
    at_node.setblocking(False)
    assert received(at_node) == command("CLIENT", "UNBLOCK", 77 if answers else IDS_FROM + 2)
    assert (asker.lane.id, other.lane.id) == ((0, 77) if answers else (None, None)), "a failure is not kept"
    assert node.asked == 1
    assert town.route.suspect.is_set() is not answers


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
