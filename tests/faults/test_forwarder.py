"""The roads do what their faults say, and nothing else: a fault that does nothing would prove nothing."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.faults.faults import FAULTS, Fault
from tests.faults.forwarder import HOST, Road, Roads
from tests.servers import RedisServer
from tests.talking import Talk
from tests.waiting import wait_until

BY_NAME = {fault.name: fault for fault in FAULTS}
MOMENT = 0.15
Connect = Callable[[], Talk]


@pytest.fixture
def server(redis_server: Callable[..., RedisServer]) -> RedisServer:
    return redis_server()


@pytest.fixture
def road(server: RedisServer) -> Iterator[Road]:
    roads = Roads().open()
    yield roads.lay("road", server.port)
    roads.close()


@pytest.fixture
def talk(road: Road) -> Iterator[Connect]:
    """A factory: each call makes one more connection over the road."""
    with ExitStack() as made:
        yield lambda: Talk(made.enter_context(socket.create_connection((HOST, road.port), 5)))


def no_answer(client: Talk) -> None:
    client.socket.settimeout(MOMENT)
    with pytest.raises(TimeoutError):
        client.reply()
    client.socket.settimeout(5)


def test_a_road_on_which_all_is_well_carries_everything_unchanged(road: Road, talk: Connect) -> None:
    client, value = talk(), "x" * 3_000_000
    assert client.ask("SET", "k", value) == "OK"
    assert client.ask("GET", "k") == value


@pytest.mark.parametrize("name", ["stall", "deaf", "mute"])
def test_a_stalled_road_gives_everything_when_it_is_well_again(
    name: str, road: Road, server: RedisServer, talk: Connect
) -> None:
    client = talk()
    assert client.ask("INCR", "n") == 1
    road.begin(BY_NAME[name])
    client.send("INCR", "n")
    no_answer(client)
    assert server.command("GET", "n") == ("2" if name == "mute" else "1")
    road.heal()
    assert client.reply() == 2
    assert client.ask("INCR", "n") == 3


def test_a_stalled_road_holds_up_new_connections_too(road: Road, talk: Connect) -> None:
    road.begin(BY_NAME["stall"])
    client = talk()
    client.send("PING")
    no_answer(client)
    road.heal()
    assert client.reply() == "PONG"


def test_a_reset_road_resets_refuses_and_is_there_again_afterwards(road: Road, talk: Connect) -> None:
    client = talk()
    assert client.ask("PING") == "PONG"
    road.begin(BY_NAME["reset"])
    with pytest.raises(ConnectionResetError):
        client.reply()
    with pytest.raises(ConnectionRefusedError):
        talk()
    road.heal()
    assert talk().ask("PING") == "PONG"


def test_the_port_of_a_road_that_refuses_is_taken_all_the_same(road: Road) -> None:
    road.begin(BY_NAME["reset"])
    with socket.socket() as stranger:
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with pytest.raises(OSError, match="in use"):
            stranger.bind((HOST, road.port))


def test_a_closed_road_ends_connections_in_good_order_new_ones_at_once(road: Road, talk: Connect) -> None:
    client = talk()
    assert client.ask("PING") == "PONG"
    road.begin(BY_NAME["close"])
    with pytest.raises(EOFError):
        client.reply()
    with pytest.raises(EOFError):
        talk().reply()
    road.heal()
    assert talk().ask("PING") == "PONG"


def test_a_road_that_hangs_up_lets_the_command_through_and_not_its_answer(
    road: Road, server: RedisServer, talk: Connect
) -> None:
    client = talk()
    assert client.ask("INCR", "n") == 1
    road.begin(BY_NAME["hang-up"])
    client.send("INCR", "n")
    with pytest.raises(ConnectionResetError):
        client.reply()
    assert server.command("GET", "n") == "2"
    with pytest.raises(ConnectionRefusedError):
        talk()
    road.heal()
    assert talk().ask("INCR", "n") == 3


@pytest.mark.parametrize(("name", "value"), [("deaf-then-reset", "1"), ("mute-then-reset", "2")])
def test_what_was_stalled_is_reset_afterwards(
    name: str, value: str, road: Road, server: RedisServer, talk: Connect
) -> None:
    client = talk()
    assert client.ask("INCR", "n") == 1
    road.begin(BY_NAME[name])
    client.send("INCR", "n")
    no_answer(client)
    road.heal()
    with pytest.raises(ConnectionResetError):
        client.reply()
    assert server.command("GET", "n") == value
    assert talk().ask("PING") == "PONG"


def test_sips_come_a_byte_at_a_time(road: Road, talk: Connect) -> None:
    client = talk()
    road.begin(BY_NAME["sips"])
    client.send("ECHO", "x" * 200)
    sizes: list[int] = []
    while sum(sizes) < 207:
        sizes.append(len(client.socket.recv(4096)))
    assert len(sizes) > 1  # the kernel puts some together


def test_a_delay_is_at_least_what_it_says_and_keeps_the_order(road: Road, talk: Connect) -> None:
    client = talk()
    road.begin(BY_NAME["jitter"])
    for number in range(50):
        client.send("ECHO", number)
    assert client.replies(50) == [str(number) for number in range(50)]
    road.begin(BY_NAME["delay"])
    began = time.monotonic()
    assert client.ask("PING") == "PONG"
    assert time.monotonic() - began >= 2 * BY_NAME["delay"].least_ms / 1000


def test_connections_overtake_each_other(road: Road, talk: Connect) -> None:
    road.begin(Fault("overtaking", least_ms=0, most_ms=400, by_connection=True))
    clients = [talk() for _ in range(8)]
    for client in clients:
        client.send("PING")
    came: list[int] = []

    def look() -> bool:
        came.extend(n for n, client in enumerate(clients) if n not in came and not client.is_quiet())
        return len(came) == len(clients)

    wait_until(look, lambda: f"all have come: {came}")
    assert came != sorted(came)
