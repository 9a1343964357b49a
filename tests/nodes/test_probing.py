"""Somebody else's pause, and the old primary's way in, are found out by trying."""

from collections.abc import Callable

import pytest
import trio

from proxy.nodes import probing
from proxy.nodes.link import Link, Login, Pending
from proxy.nodes.node import Node
from proxy.nodes.probing import probe, probe_login, probe_pause
from tests.servers import Pair, RedisServer

START = Callable[..., RedisServer]
NODE_OF = Callable[..., Node]
FREEZE = Callable[[RedisServer], None]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "LIMIT_SECONDS", 0.1)


async def test_a_pause_of_somebody_else_is_found(redis_server: START, node_of: NODE_OF) -> None:
    server = redis_server()
    node = node_of(server)
    assert (await probe_pause(node)).level == "ok"
    server.command("CLIENT", "PAUSE", 60_000, "WRITE")
    found = await probe_pause(node)
    assert found.level == "refuse" and f"{server.address} is paused by somebody else" in found.text


async def test_a_pause_of_everything_lets_nobody_in(
    redis_server: START, node_of: NODE_OF, impatient: None
) -> None:
    server = redis_server()
    node = node_of(server)
    server.command("CLIENT", "PAUSE", 60_000, "ALL")
    found = await probe_pause(node)
    assert found.level == "refuse" and "somebody has paused everything" in found.text


async def test_a_node_that_is_only_busy_is_not_paused(
    redis_server: START, node_of: NODE_OF, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = redis_server()
    node = node_of(server)
    await node.role()
    answered: list[bool] = []

    async def stop_for_the_first_look(link: Link, asked: Pending) -> bool:
        if not answered:
            server.freeze()
        with trio.move_on_after(0.05):
            await link.wait(asked)
        answered.append(asked.complete)
        server.thaw()
        return asked.complete

    monkeypatch.setattr(probing, "_answered", stop_for_the_first_look)
    found = await probe_pause(node)
    assert found.level == "ok", found.text


async def test_a_node_that_is_stopped_is_refused_in_time(
    redis_server: START, node_of: NODE_OF, frozen: FREEZE, impatient: None
) -> None:
    server = redis_server()
    frozen(server)
    assert (await probe_pause(node_of(server))).level == "refuse"


async def test_a_paused_replica_is_found_too(pair: Pair, node_of: NODE_OF) -> None:
    pair.replica.command("CLIENT", "PAUSE", 60_000, "WRITE")
    node = node_of(pair.primary)
    probes = await probe(node, node_of(pair.replica), await node.facts())
    assert (probes.login.level, probes.primary_pause.level) == ("ok", "ok")
    assert probes.candidate_pause.level == "refuse"
    assert "is paused by somebody else" in probes.candidate_pause.text


async def test_a_user_who_may_not_count_cannot_tell(redis_server: START, node_of: NODE_OF) -> None:
    server = redis_server("user op on >pw ~* &* +@all -pfcount")
    server.command("CLIENT", "PAUSE", 60_000, "WRITE")
    found = await probe_pause(node_of(server, Login("op", "pw")))
    assert found.level == "warn" and "NOPERM" in found.text


async def test_a_node_that_cannot_be_reached_is_refused(redis_server: START, node_of: NODE_OF) -> None:
    server = redis_server()
    server.kill()
    assert (await probe_pause(node_of(server))).text == f"{server.address}: Connection refused"


REPLICATOR = "user replicator on >pw +psync +replconf +ping"  # as Redis's own documentation has it

LOGINS = [
    ([], [], "ok", "as default, without a masterauth"),
    (["masterauth pw"], ["requirepass pw"], "ok", "as default, with its masterauth"),
    (["masterauth pw", "masteruser replicator"], [REPLICATOR], "ok", "as replicator, with its masterauth"),
    ([], ["requirepass pw"], "refuse", "NOAUTH"),
    (["masterauth wrong"], ["requirepass pw"], "refuse", "WRONGPASS"),
    (["masterauth pw"], [], "refuse", "without any password configured"),
    (["masterauth pw", "masteruser gone"], [REPLICATOR], "refuse", "WRONGPASS"),
    (["masterauth pw", "masteruser replicator"], [REPLICATOR + " -replconf"], "refuse", "no permissions"),
    (["masterauth pw", "masteruser replicator"], ["user replicator off >pw +@all"], "refuse", "WRONGPASS"),
]


@pytest.mark.parametrize(("of_primary", "of_candidate", "level", "says"), LOGINS)
async def test_the_old_primary_s_login_is_tried(
    redis_server: START,
    node_of: NODE_OF,
    of_primary: list[str],
    of_candidate: list[str],
    level: str,
    says: str,
) -> None:
    primary, candidate = redis_server(*of_primary), redis_server(*of_candidate)
    found = await probe_login(node_of(candidate), await node_of(primary).facts())
    assert (found.level, says in found.text) == (level, True), found.text
    assert "pw" not in found.text


async def test_a_user_who_may_not_psync_is_found_where_the_server_can_tell(
    redis_server: START, node_of: NODE_OF
) -> None:
    primary = redis_server("masterauth pw", "masteruser replicator")
    candidate = redis_server("user replicator on >pw +replconf +ping")
    found = await probe_login(node_of(candidate), await node_of(primary).facts())
    if candidate.version == "6.2":
        assert found.level == "ok"
    else:
        assert found.level == "refuse" and "psync" in found.text


async def test_a_masterauth_that_may_not_be_read_is_a_warning(redis_server: START, node_of: NODE_OF) -> None:
    primary = redis_server("user op on >pw ~* &* +@all -config")
    facts = await node_of(primary, Login("op", "pw")).facts()
    found = await probe_login(node_of(redis_server()), facts)
    assert found.level == "warn" and "NOPERM" in found.text


async def test_a_candidate_that_does_not_answer_is_refused_in_time(
    redis_server: START, node_of: NODE_OF, frozen: FREEZE, impatient: None
) -> None:
    facts = await node_of(redis_server()).facts()
    candidate = redis_server()
    frozen(candidate)
    found = await probe_login(node_of(candidate), facts)
    assert found.level == "refuse" and "within 0.1 s" in found.text
