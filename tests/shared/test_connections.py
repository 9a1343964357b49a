"""How many connections a node has to bear."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import product

import pytest

from tests.baton import BatonProcess
from tests.servers import RedisServer
from tests.shared.conftest import PICKER
from tests.shared.scene import FEW, Shared
from tests.talking import Talk


def test_two_hundred_plain_clients_take_a_few_connections(lone: Shared) -> None:
    talks = [lone.talk() for _ in range(200)]
    for number, talk in enumerate(talks):
        talk.send_all(f"SET key:{number} {number}", f"GET key:{number}")
    for number, talk in enumerate(talks):
        assert talk.replies(2) == ["OK", str(number)]
    assert len(lone.connections()) <= FEW
    assert {lone.of(talk)["lane"] for talk in talks[:3]} == {"shared"}
    assert Counter("lane=shared" in line for line in lone.proxy.admin("CLIENTS")) == {True: 200}
    for talk in talks:
        talk.socket.close()
    assert len(lone.connections()) <= FEW


def test_clients_that_come_and_go_cost_the_node_no_connections(lone: Shared) -> None:
    opening = ("HELLO 3", "AUTH picker fig", "SELECT 2", "CLIENT SETNAME fig", "PING")
    with lone.talk(*opening).socket:
        before = lone.received()
    for _ in range(100):
        with lone.talk(*opening).socket:
            pass
    assert lone.received() - before <= FEW


@pytest.mark.parametrize("count", [1, 3])
def test_each_identity_has_as_many_lanes_as_the_settings_say(
    redis_server: Callable[..., RedisServer], baton: Callable[..., BatonProcess], count: int
) -> None:
    node = redis_server(PICKER)
    proxy = baton(node, environment={"BATON_LANES_PER_IDENTITY": str(count)})
    scene = Shared([node], proxy)
    talks = [scene.picker() for _ in range(30)]
    scene.wait_shared(*talks)
    before = {line["id"]: int(line.get("tot-cmds", 0)) for line in scene.connections(user="picker")}
    node.command("CONFIG", "RESETSTAT")
    addresses = carriers(scene, talks)
    assert len(addresses) == count, before


def carriers(scene: Shared, talks: list[Talk]) -> set[str]:
    """The connections that carry these clients' plain commands, as MONITOR tells."""
    monitor = scene.straight()
    assert monitor.ask("MONITOR") == "OK"
    for number, talk in enumerate(talks):
        assert talk.ask("SET", f"carried:{number}", "x") == "OK"
    seen: dict[str, str] = {}
    while len(seen) < len(talks):
        line = monitor.reply()
        if "carried:" in line:
            seen[line.split("carried:")[1].split('"')[0]] = line.split("[")[1].split("]")[0].split()[1]
    return set(seen.values())


def test_each_user_protocol_and_db_has_its_own_lane_and_nobody_is_on_anothers(lone: Shared) -> None:
    for user in ("ann", "ben"):
        lone.primary.command("ACL", "SETUSER", user, "on", f">{user}", "~*", "&*", "+@all")
    keys = list(product(("ann", "ben"), (2, 3), (0, 5, 9)))
    talks = {
        (*key, turn): lone.talk(f"HELLO {key[1]} AUTH {key[0]} {key[0]}", f"SELECT {key[2]}")
        for turn in range(4)
        for key in keys
    }
    lone.wait_shared(*talks.values())
    for (user, protocol, _, turn), talk in talks.items():
        talk.send_all(f"RPUSH who {user}:{protocol}:{turn}", "ACL WHOAMI", "HSET h a 1", "HGETALL h")
    for (user, protocol, _, _), talk in talks.items():
        pushed, who, _, told = talk.replies(4)
        assert pushed > 0 and who == user
        assert told == ({"a": "1"} if protocol == 3 else ["a", "1"])
    for db in (0, 5, 9):
        said = lone.straight().ask_all(f"SELECT {db}", "LRANGE who 0 -1")[1]
        assert sorted(said) == sorted(f"{user}:{protocol}:{n}" for user, protocol, at, n in talks if at == db)
    lone.wait_shared(*talks.values())
    assert len(lone.connections(user="ann")) < 4 * len(keys) / 2
