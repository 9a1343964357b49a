"""Nodes that come and go while the proxy runs."""

from collections.abc import Callable

import pytest

from proxy.nodes.address import Address
from proxy.operation import membership
from proxy.switchover.errors import Refused
from proxy.telling import Told
from tests.operation.conftest import Setting
from tests.operation.scene import Scene
from tests.servers import Pair, RedisServer, Trio, free_port
from tests.waiting import until


def proxies(node: RedisServer) -> int:
    """How many connections the proxy has to this node."""
    return str(node.command("CLIENT", "LIST")).count(" name=baton:")


@pytest.fixture
async def lone(set_scene: Setting, trio_of_nodes: Trio) -> Scene:
    """It knows the primary and one replica; there is another one."""
    return await set_scene(trio_of_nodes.primary, trio_of_nodes.replica)


async def test_a_replica_that_was_taken_in_can_be_switched_over_to(
    lone: Scene, trio_of_nodes: Trio, told: list[Told]
) -> None:
    view = await lone.operation.add_node(trio_of_nodes.other.address)
    assert (view.address, view.role, view.link_up, view.leads) == (
        trio_of_nodes.other.address,
        "replica",
        True,
        False,
    )
    assert [each.address for each in lone.operation.nodes()] == [node.address for node in trio_of_nodes]
    assert [each["node"] for each in told if each["event"] == "+node-added"] == [view.address]
    assert view.address in lone.operation.settings("nodes.addresses")["nodes.addresses"]
    client = await lone.client()
    assert await client.ask("SET", "k", "v") == "OK"
    report = await lone.operation.switchover(view.address, None)
    assert (report.outcome, report.target) == ("done", view.address)
    assert await client.ask("GET", "k") == "v"
    assert trio_of_nodes.replica.info()["master_port"] == trio_of_nodes.other.port


async def test_a_node_that_was_forgotten_is_left_alone(
    lone: Scene, trio_of_nodes: Trio, told: list[Told]
) -> None:
    replica = trio_of_nodes.replica
    await until(lambda: proxies(replica), "it is connected")
    await lone.operation.remove_node(replica.address)
    assert [each.address for each in lone.operation.nodes()] == [trio_of_nodes.primary.address]
    assert [each["event"] for each in told if each["event"] == "-node-removed"] == ["-node-removed"]
    assert replica.address not in lone.operation.settings("nodes.addresses")["nodes.addresses"]
    await until(lambda: not proxies(replica), "its connections are closed")
    lone.route.suspect.set()
    with pytest.raises(Refused, match=r"candidate"):
        await lone.operation.switchover(None, None)
    assert not proxies(replica)
    await lone.operation.add_node(replica.address)
    assert (await lone.operation.switchover(None, None)).target == replica.address


async def test_the_old_primary_can_be_replaced_after_a_switchover(lone: Scene, trio_of_nodes: Trio) -> None:
    old, new, other = trio_of_nodes
    await lone.operation.switchover(new.address, None)
    with pytest.raises(Refused, match=f"^node: {new.address} is the primary; SWITCHOVER moves it$"):
        await lone.operation.remove_node(new.address)
    await lone.operation.remove_node(old.address)
    old.kill()
    other.replicate(new)
    other.wait_link_up()
    await lone.operation.add_node(other.address)
    assert lone.keeper.why == ""
    assert (await lone.operation.switchover(None, None)).target == other.address


async def test_who_does_not_answer_is_refused(lone: Scene) -> None:
    with pytest.raises(Refused, match=r"^node: 127.0.0.1:\d+: Connection refused$"):
        await lone.operation.add_node(f"127.0.0.1:{free_port()}")


async def test_who_is_there_already_is_refused_by_any_name(lone: Scene, trio_of_nodes: Trio) -> None:
    with pytest.raises(Refused, match="is among the nodes already"):
        await lone.operation.add_node(trio_of_nodes.replica.address)
    alias = f"localhost:{trio_of_nodes.replica.port}"
    with pytest.raises(Refused, match=f"^node: {alias} is {trio_of_nodes.replica.address}, which is among"):
        await lone.operation.add_node(alias)


async def test_who_is_primary_itself_is_refused(
    scene: Scene, pair: Pair, redis_server: Callable[..., RedisServer]
) -> None:
    stranger = redis_server()
    refusal = f"is a primary itself; first tell it REPLICAOF 127.0.0.1 {pair.primary.port}$"
    with pytest.raises(Refused, match=refusal):
        await scene.operation.add_node(stranger.address)
    assert len(scene.route.nodes) == 2
    await until(lambda: not proxies(stranger), "the proxy has left it")


async def test_who_follows_somebody_else_is_refused(
    scene: Scene, redis_server: Callable[..., RedisServer]
) -> None:
    elsewhere, stranger = redis_server(), redis_server()
    stranger.replicate(elsewhere)
    stranger.wait_link_up()
    with pytest.raises(Refused, match=f"follows {elsewhere.address}, and has history"):
        await scene.operation.add_node(stranger.address)


async def test_a_replica_that_was_only_just_told_to_follow_is_taken_in(
    scene: Scene, pair: Pair, redis_server: Callable[..., RedisServer]
) -> None:
    fresh = redis_server("repl-diskless-sync no")
    pair.primary.freeze()
    fresh.replicate(pair.primary)  # and gets nothing yet
    pair.primary.thaw()
    await scene.operation.add_node(fresh.address)
    assert len(scene.operation.nodes()) == 3


async def test_nobody_can_say_who_belongs_here_while_the_primary_is_silent(
    lone: Scene, trio_of_nodes: Trio
) -> None:
    trio_of_nodes.primary.freeze()
    with pytest.raises(Refused, match="does not answer, so nobody knows whether"):
        await lone.operation.add_node(trio_of_nodes.other.address)
    trio_of_nodes.primary.thaw()


async def test_where_there_is_no_primary_the_operator_brings_one(
    set_scene: Setting, trio_of_nodes: Trio
) -> None:
    scene = await set_scene(trio_of_nodes.replica)
    assert scene.gate == ["no primary"]
    await scene.operation.add_node(trio_of_nodes.primary.address)
    assert scene.gate == []
    assert str(scene.route.primary) == trio_of_nodes.primary.address


async def test_the_primary_and_who_is_not_there_and_the_last_are_not_forgotten(
    scene: Scene, pair: Pair
) -> None:
    with pytest.raises(Refused, match=r"is the primary; SWITCHOVER moves it$"):
        await scene.operation.remove_node(pair.primary.address)
    with pytest.raises(Refused, match=r"^node: 127.0.0.1:1 is not among the nodes: "):
        await scene.operation.remove_node("127.0.0.1:1")
    pair.primary.command("REPLICAOF", "127.0.0.1", pair.replica.port)
    scene.route.suspect.set()
    await until(lambda: scene.route.primary is None, "no node is primary")
    await scene.operation.remove_node(pair.primary.address)
    with pytest.raises(Refused, match=r"is the last one$"):
        await scene.operation.remove_node(pair.replica.address)


async def test_there_is_a_limit(lone: Scene, trio_of_nodes: Trio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(membership, "NODES_MAX", 2)
    with pytest.raises(Refused, match=r"^node: there are 2 nodes already$"):
        await lone.operation.add_node(trio_of_nodes.other.address)


async def test_a_node_that_comes_back_is_announced_as_before(set_scene: Setting, pair: Pair) -> None:
    replica = Address("127.0.0.1", pair.replica.port)
    announced = Address("localhost", pair.replica.port)
    scene = await set_scene(*pair, announce={replica: announced})
    await scene.operation.remove_node(str(replica))
    await scene.operation.add_node(str(replica))
    node = scene.route.node(replica)
    assert node is not None
    assert scene.keeper.place(node) == (announced.host, announced.port)
    assert list(scene.keeper.announce) == [node]
