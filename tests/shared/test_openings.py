"""What client libraries say first does not cost them their place on a shared lane."""

from __future__ import annotations

from typing import Any

import pytest
import redis

from tests.shared.scene import FEW, Shared, fields
from tests.talking import Talk
from tests.waiting import wait_until

SETINFO = ("CLIENT SETINFO LIB-NAME client(1.0)", "CLIENT SETINFO LIB-VER 1.2.3")
MAINTENANCE = "CLIENT MAINT_NOTIFICATIONS ON moving-endpoint-type none"
OPENINGS = {
    "nothing": (),
    "redis-py, RESP2": ("AUTH fig", *SETINFO, "SELECT 2", "PING"),
    "redis-py, RESP3": ("HELLO 3 AUTH picker fig", MAINTENANCE, *SETINFO, "CLIENT SETNAME app", "SELECT 2"),
    "go-redis": ("HELLO 3 AUTH picker fig SETNAME app", "SELECT 2", *SETINFO, MAINTENANCE),
    "ioredis": ("AUTH picker fig", "SELECT 2", "CLIENT SETNAME app", *SETINFO, "INFO"),
    "node-redis": ("HELLO 3 AUTH picker fig", "CLIENT SETNAME app", "SELECT 2", *SETINFO),
    "Lettuce": ("HELLO 3 AUTH picker fig", "CLIENT SETNAME app", *SETINFO, "SELECT 2", "PING"),
    "Jedis": (
        "HELLO 3",
        "AUTH picker fig",
        "CLIENT SETNAME app",
        *SETINFO,
        "SELECT 2",
        "CLIENT TRACKING off",
    ),
    "StackExchange.Redis": (
        "AUTH picker fig",
        "CLIENT SETNAME app",
        "CLIENT ID",
        "CONFIG GET slave-read-only",
        "CONFIG GET databases",
        "INFO replication",
        "CLUSTER NODES",
        "GET __Booksleeve_TieBreak",
        "ECHO fig",
    ),
    "redis-cli": ("AUTH picker fig", "COMMAND DOCS", "COMMAND", "SELECT 2", "PING"),
    "someone who looks around": (
        "COMMAND COUNT",
        "INFO",
        "CLIENT GETNAME",
        "CLIENT ID",
        "CLIENT TRACKING off",
        "PING",
    ),
}


@pytest.mark.parametrize("in_one_piece", [True, False])
def test_the_opening_burst_of_a_library_does_not_pin_its_client(lone: Shared, in_one_piece: bool) -> None:
    talks = {name: lone.talk() for name in OPENINGS}
    for name, talk in talks.items():
        told = say(talk, OPENINGS[name], in_one_piece)
        if "HELLO" in " ".join(OPENINGS[name]):
            assert not isinstance(told[0], Exception)
        assert talk.ask("SET", f"by {name}", name) == "OK"
    lone.wait_shared(*talks.values())
    before = lone.received()
    for name, talk in talks.items():
        opening = " ".join(OPENINGS[name])
        assert talk.ask("GET", f"by {name}") == name
        assert talk.ask("CLIENT", "GETNAME") == ("app" if "SETNAME" in opening else None), name
        assert talk.ask("ACL", "WHOAMI") == ("picker" if "picker" in opening else "default"), name
        line = lone.of(talk)
        assert (line["db"], line["resp"]) == (
            "2" if "SELECT" in opening else "0",
            "3" if "HELLO 3" in opening else "2",
        ), name
    lone.wait_shared(*talks.values())
    assert lone.received() - before <= 3


def say(talk: Talk, opening: tuple[str, ...], in_one_piece: bool) -> list[Any]:
    if in_one_piece:
        return talk.ask_all(*opening)
    return [talk.ask(*command.split()) for command in opening]


@pytest.mark.parametrize("protocol", [2, 3])
def test_the_connections_of_redis_py_are_on_a_shared_lane(lone: Shared, protocol: int) -> None:
    options = {"username": "picker", "password": "fig", "db": 4, "client_name": "app"}
    clients = [lone.proxy.client(protocol=protocol, **options) for _ in range(20)]
    try:
        serve(lone, clients)
    finally:
        for client in clients:
            client.close()


def serve(lone: Shared, clients: list[redis.Redis]) -> None:
    for number, client in enumerate(clients):
        assert client.set(f"fruit:{number}", number) is True
        with client.pipeline() as whole:
            whole.incr("count")
            whole.get(f"fruit:{number}")
            assert whole.execute() == [number + 1, str(number)]
        assert client.client_getname() == "app"

    def lanes() -> set[str]:
        return {fields(line)["lane"] for line in lone.proxy.admin("CLIENTS")}

    for client in clients:
        client.ping()
    wait_until(lambda: lanes() == {"shared"}, lambda: f"all on a shared lane: {lone.proxy.admin('CLIENTS')}")
    assert len(lone.connections()) <= FEW
    with clients[0].pipeline() as pipe:
        pipe.watch("count")  # type: ignore[no-untyped-call]  # redis-py leaves it bare
        assert "lane=private" in "".join(lone.proxy.admin("CLIENTS"))
        pipe.multi()
        pipe.incr("count")
        assert pipe.execute() == [21]
    wait_until(lambda: lanes() == {"shared"}, lambda: f"all are back: {lone.proxy.admin('CLIENTS')}")


def test_the_console_tells_why_a_client_has_a_lane_of_its_own(lone: Shared) -> None:
    reasons = {
        "MULTI": "multi",
        "WATCH fruit": "watch",
        "SUBSCRIBE news": "subscri",
        "MONITOR": "monitor",
        "NOSUCHCOMMAND": "unknown-command",
    }
    talks = {command: lone.talk("PING") for command in reasons}
    for command, talk in talks.items():
        talk.ask(*command.split())
    blocked = lone.talk("PING")
    blocked.send("BLPOP", "none", 0)
    wait_until(lambda: lone.primary.info("clients")["blocked_clients"] == 1, "it is blocked")
    for command, talk in talks.items():
        lone.assert_private(talk)
        assert reasons[command] in lone.of(talk)["why"].lower(), lone.of(talk)
    lone.assert_private(blocked)
    assert "block" in lone.of(blocked)["why"].lower() or "blpop" in lone.of(blocked)["why"].lower()
