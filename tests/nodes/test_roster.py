"""A survey asks everybody at once, waits for nobody, and tells one line of each."""

from collections.abc import Callable

from proxy.nodes.link import Login
from proxy.nodes.node import Node
from proxy.nodes.roster import survey
from proxy.switchover.succession import Finish, Settled, decide
from tests.servers import Pair, RedisServer, Trio
from tests.waiting import until

NODE_OF = Callable[..., Node]
FREEZE = Callable[[RedisServer], None]


async def test_primaries_and_replicas_are_told_apart(trio_of_nodes: Trio, node_of: NODE_OF) -> None:
    nodes = [node_of(server) for server in trio_of_nodes]
    seen = await survey(nodes, 10)
    assert (seen.primaries, seen.replicas, seen.silent) == ([nodes[0]], nodes[1:], {})
    first, second, third = seen.lines()
    assert first.startswith(f"{nodes[0]}: primary, offset ")
    assert second.startswith(f"{nodes[1]}: replica of {nodes[0]}, offset ")
    assert third.startswith(f"{nodes[2]}: replica of {nodes[0]}, offset ")
    decision = decide(seen.claims, seen.witnesses)
    assert isinstance(decision, Settled) and seen.node(decision.primary) is nodes[0]


async def test_who_does_not_answer_is_silent_and_keeps_nobody_waiting(
    trio_of_nodes: Trio, node_of: NODE_OF, frozen: FREEZE
) -> None:
    primary, dead, stopped = (node_of(server) for server in trio_of_nodes)
    for node in (primary, stopped):
        await node.role()
    trio_of_nodes.replica.kill()
    frozen(trio_of_nodes.other)
    seen = await survey([primary, dead, stopped], 0.5)
    assert seen.primaries == [primary] and seen.replicas == []
    assert seen.silent[dead] == f"{dead}: Connection refused"
    assert seen.silent[stopped] == f"{stopped}: no answer within 0.5 s"
    assert list(seen.lines())[1:] == [f"{dead}: Connection refused", f"{stopped}: no answer within 0.5 s"]


async def test_who_does_not_let_us_in_is_silent_and_says_why(pair: Pair, node_of: NODE_OF) -> None:
    primary = node_of(pair.primary)
    stranger = node_of(pair.replica, Login("nobody", "pw"))
    seen = await survey([primary, stranger], 10)
    assert "AUTH as nobody: WRONGPASS" in seen.silent[stranger]


async def test_two_primaries_show_who_took_over_from_whom(pair: Pair, node_of: NODE_OF) -> None:
    stale, successor = node_of(pair.primary), node_of(pair.replica)
    pair.replica.command("REPLICAOF", "NO", "ONE")
    seen = await survey([stale, successor], 10)
    assert seen.primaries == [stale, successor]
    assert decide(seen.claims) == Finish(seen.claims[0], seen.claims[1], 0)
    assert f"the same as {seen.claims[0].replid[:8]}" in list(seen.lines())[1]


async def test_a_replica_that_lost_its_primary_is_described_so(pair: Pair, node_of: NODE_OF) -> None:
    replica = node_of(pair.replica)
    pair.primary.kill()
    await until(lambda: pair.replica.info()["master_link_status"] == "down", "the link is down")
    [line] = (await survey([replica], 10)).lines()
    assert f"{replica}: replica of 127.0.0.1:{pair.primary.port}, link down, offset " in line
