"""What an operator sees of a route."""

import pytest

from proxy.operation import viewing
from tests.operation.scene import Scene
from tests.servers import Pair
from tests.waiting import until


async def test_the_nodes_are_as_they_said_when_they_were_last_asked(scene: Scene, pair: Pair) -> None:
    primary, replica = scene.operation.nodes()
    assert (primary.address, primary.role, primary.leads) == (pair.primary.address, "primary", True)
    assert (replica.address, replica.role, replica.leads) == (pair.replica.address, "replica", False)
    assert (replica.follows, replica.link_up) == (pair.primary.address, True)
    assert primary.version == pair.primary.info("server")["redis_version"]
    assert primary.lag_bytes == 0
    assert 0 <= replica.lag_bytes < 1000
    assert primary.history.startswith("history ")


async def test_right_after_a_switchover_they_are_told_in_their_new_roles(scene: Scene, pair: Pair) -> None:
    await scene.operation.switchover(None, None)
    told = {each.address: (each.role, each.leads) for each in scene.operation.nodes()}
    assert told == {pair.primary.address: ("replica", False), pair.replica.address: ("primary", True)}


async def test_a_node_that_is_silent_says_why(scene: Scene, pair: Pair) -> None:
    pair.replica.kill()
    scene.route.suspect.set()
    await until(lambda: scene.operation.nodes()[1].silent, "it is noticed")
    view = scene.operation.nodes()[1]
    assert (view.role, view.lag_bytes, view.leads) == ("unknown", -1, False)
    assert "refused" in view.silent


async def test_a_client_is_shown_as_it_is(scene: Scene) -> None:
    client = await scene.client()
    await client.ask("HELLO", 3, "SETNAME", "worker 1".replace(" ", "-"))
    assert await client.ask("SELECT", 2) == "OK"
    assert await client.ask("MULTI") == "OK"
    [view] = scene.operation.clients()
    assert (view.name, view.user, view.protocol, view.db) == ("worker-1", "default", 3, 2)
    assert (view.lane, view.state) == ("private", ["multi"])
    assert view.address.startswith("127.0.0.1:")
    assert view.id == 1


async def test_a_name_given_by_client_setname_is_shown(scene: Scene) -> None:
    client = await scene.client()
    assert await client.ask("CLIENT", "SETNAME", "worker") == "OK"
    assert [each.name for each in scene.operation.clients()] == ["worker"]


async def test_clients_can_be_taken_one_by_one_and_in_slices(scene: Scene) -> None:
    for _ in range(5):
        assert await (await scene.client()).ask("PING") == "PONG"
    views = scene.operation.clients()
    assert len(views) == 5
    assert [each.id for each in views] == [1, 2, 3, 4, 5]
    assert [each.id for each in views[1:3]] == [2, 3]
    assert views[-1].id == 5
    with pytest.raises(IndexError):
        views[5]


async def test_a_client_that_left_meanwhile_breaks_nothing(scene: Scene) -> None:
    client = await scene.client()
    assert await client.ask("PING") == "PONG"
    views = scene.operation.clients()
    assert scene.operation.kill_client(1)
    assert [each.id for each in views] == [1]


async def test_who_waits_is_counted_and_shown(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    clients = [await scene.client() for _ in range(3)]
    for client in clients:
        assert await client.ask("PING") == "PONG"
    await scene.operation.hold(60_000)
    for client in clients:
        await client.send("PING")
    await until(lambda: scene.operation.overview().held == 3, "they wait")
    assert [each.state for each in scene.operation.clients()] == [["waiting"]] * 3
    assert scene.operation.overview().gate == ("by hand",)
    assert scene.operation.info()["Route"]["gate"] == "closed: by hand"
    monkeypatch.setattr(viewing, "HELD_MAX", 2)
    assert scene.operation.overview().held == 2
    scene.operation.release()


async def test_a_client_is_closed_by_its_number_or_by_its_own_id(scene: Scene) -> None:
    one, other = await scene.client(), await scene.client()
    assert await one.ask("PING") == "PONG"
    told = await other.ask("CLIENT", "ID")
    assert not scene.operation.kill_client(99)
    assert scene.operation.kill_client(1)
    assert scene.operation.kill_client(told)
    assert await one.is_closed()
    assert await other.is_closed()
    assert not scene.operation.kill_client(1)


async def test_at_a_glance(scene: Scene, pair: Pair) -> None:
    client = await scene.client()
    before = scene.operation.overview()
    for _ in range(10):
        assert await client.ask("SET", "k", "v") == "OK"
    seen = scene.operation.overview()
    assert (seen.primary, seen.why, seen.gate, seen.draining) == (pair.primary.address, "", (), False)
    assert (seen.clients, seen.held, seen.done) == (1, 0, 0)
    assert seen.commands - before.commands == 10
    assert seen.lanes_private + seen.lanes_shared == 1
    assert seen.uptime_s >= before.uptime_s
    assert seen.switchover == {"state": "none yet"}


async def test_info_has_what_scrapers_of_redis_look_for(scene: Scene) -> None:
    client = await scene.client()
    assert await client.ask("SET", "k", "v") == "OK"
    info = scene.operation.info()
    assert info["Clients"]["connected_clients"] == 1
    assert info["Stats"]["total_commands_processed"] == 1
    assert int(str(info["Stats"]["total_net_input_bytes"])) > 20
    assert str(info["Nodes"]["node0"]).startswith(f"address={scene.route.nodes[0]},role=primary,leads=1,")
