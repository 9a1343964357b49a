"""A switchover that was left half done is finished, but only where nothing can be lost."""

import itertools
from collections.abc import Callable

import pytest

from proxy.nodes import backlog
from proxy.nodes.backlog import find_more_than_pings
from proxy.nodes.errors import LinkLost
from proxy.nodes.link import Link
from proxy.nodes.node import Node
from proxy.nodes.recovery import finish
from proxy.switchover.facts import PING_BYTES
from tests.servers import Pair, RedisServer, Trio
from tests.waiting import until, wait_until

NODE_OF = Callable[..., Node]
FREEZE = Callable[[RedisServer], None]


def leave_half_done(primary: RedisServer, replica: RedisServer) -> None:
    """Do what a proxy had done that died between promote and demote."""
    primary.command("SET", "written", "before")
    offset = primary.info()["master_repl_offset"]
    wait_until(lambda: replica.info()["slave_repl_offset"] >= offset, "the replica has it all")
    replica.command("REPLICAOF", "NO", "ONE")


def role(server: RedisServer) -> str:
    return str(server.info()["role"])


async def wait_pings(primary: RedisServer, count: int) -> int:
    """Wait until the primary has fed so many PINGs to a replica that is left, and return where they begin."""
    first = int(primary.info()["master_repl_offset"]) + 1
    primary.command("CONFIG", "SET", "repl-ping-replica-period", 1)
    end = first - 1 + count * PING_BYTES
    await until(lambda: primary.info()["master_repl_offset"] >= end, "PINGs were fed")
    primary.command("CONFIG", "SET", "repl-ping-replica-period", 1000)
    return first


async def test_a_stale_primary_that_wrote_nothing_is_demoted(pair: Pair, node_of: NODE_OF) -> None:
    leave_half_done(*pair)
    stale, successor = node_of(pair.primary), node_of(pair.replica)
    assert await finish(stale, successor, "127.0.0.1", pair.replica.port) == ""
    pair.primary.wait_link_up()
    assert (role(pair.primary), role(pair.replica)) == ("slave", "master")
    assert await successor.sync_full() == 0
    pair.replica.command("SET", "written", "after")
    await until(lambda: pair.primary.command("GET", "written") == "after", "it follows")


async def test_a_stale_primary_that_sent_only_pings_is_demoted(trio_of_nodes: Trio, node_of: NODE_OF) -> None:
    stale, successor, _ = trio_of_nodes
    leave_half_done(stale, successor)
    await wait_pings(stale, 2)
    assert await finish(node_of(stale), node_of(successor), "127.0.0.1", successor.port) == ""
    stale.wait_link_up()
    assert role(stale) == "slave"
    assert stale.command("GET", "written") == "before"


async def test_a_stale_primary_that_was_written_to_is_left_alone(pair: Pair, node_of: NODE_OF) -> None:
    leave_half_done(*pair)
    pair.primary.command("SET", "written", "since")
    stale, successor = node_of(pair.primary), node_of(pair.replica)
    why = await finish(stale, successor, "127.0.0.1", pair.replica.port)
    assert "bytes are more than PINGs" in why
    assert role(pair.primary) == "master" and pair.primary.command("GET", "written") == "since"


async def test_writes_that_are_as_long_as_pings_are_no_pings(trio_of_nodes: Trio, node_of: NODE_OF) -> None:
    stale, successor, _ = trio_of_nodes
    leave_half_done(stale, successor)
    before = stale.info()["master_repl_offset"]
    for length in itertools.count(1):
        stale.command("SET", "k", "x" * length)
        if (stale.info()["master_repl_offset"] - before) % PING_BYTES == 0:
            break
    why = await finish(node_of(stale), node_of(successor), "127.0.0.1", successor.port)
    assert "has written since: " in why
    assert role(stale) == "master"
    stale.command("SET", "not", "paused")


async def test_our_reading_lets_no_write_through_that_waits_for_a_replica(
    trio_of_nodes: Trio, node_of: NODE_OF, monkeypatch: pytest.MonkeyPatch
) -> None:
    stale, successor, third = trio_of_nodes
    leave_half_done(stale, successor)
    await wait_pings(stale, 1)
    third.command("REPLICAOF", "NO", "ONE")
    stale.command("CONFIG", "SET", "min-replicas-to-write", 1)
    await until(lambda: stale.info()["min_slaves_good_slaves"] == 0, "no replica is left")
    writer = stale.raw(timeout=0.05)

    async def write_meanwhile(link: Link, replid: str, first: int, count: int) -> str:
        assert await read(link, replid, first, count) == ""
        assert stale.info()["min_slaves_good_slaves"] == 1
        writer.sendall(b"SET k v\r\n")
        with pytest.raises(TimeoutError):
            writer.recv(100)
        return "enough"

    read = backlog._read
    monkeypatch.setattr(backlog, "_read", write_meanwhile)
    assert await finish(node_of(stale), node_of(successor), "127.0.0.1", successor.port) == "enough"


async def test_a_successor_that_has_gone_back_is_none(pair: Pair, node_of: NODE_OF) -> None:
    leave_half_done(*pair)
    pair.replica.replicate(pair.primary)
    pair.replica.wait_link_up()
    why = await finish(node_of(pair.primary), node_of(pair.replica), "127.0.0.1", pair.replica.port)
    assert why == f"{pair.replica.address} is not the successor of {pair.primary.address} any more"
    assert role(pair.primary) == "master"


async def test_a_stale_primary_that_does_not_answer_is_told_of(
    pair: Pair, node_of: NODE_OF, frozen: FREEZE, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.nodes.recovery.PROOF_SECONDS", 0.1)
    leave_half_done(*pair)
    stale = node_of(pair.primary)
    await stale.role()
    frozen(pair.primary)
    why = await finish(stale, node_of(pair.replica), "127.0.0.1", pair.replica.port)
    assert why == f"{stale} could not be asked within 0.1 s"


async def test_a_successor_that_is_gone_is_an_error(pair: Pair, node_of: NODE_OF) -> None:
    leave_half_done(*pair)
    pair.replica.kill()
    with pytest.raises(LinkLost, match=f"{pair.replica.address}: Connection refused"):
        await finish(node_of(pair.primary), node_of(pair.replica), "127.0.0.1", pair.replica.port)
    assert role(pair.primary) == "master"


async def test_pings_are_proven_by_reading_them(trio_of_nodes: Trio, node_of: NODE_OF) -> None:
    primary = trio_of_nodes.primary
    first = await wait_pings(primary, 2)
    node = node_of(primary)
    assert await find_more_than_pings(node, await node.standing(), first) == ""
    # Nothing was disturbed by it: no resync, no replica left over.
    await until(lambda: primary.info()["connected_slaves"] == 2, "our connection is gone")
    assert await node.sync_full() == 2


async def test_a_backlog_that_does_not_reach_back_proves_nothing_and_no_resync_begins(
    trio_of_nodes: Trio, node_of: NODE_OF
) -> None:
    primary = trio_of_nodes.primary
    primary.command("CONFIG", "SET", "repl-backlog-size", 16384)
    for _ in range(40):
        primary.command("SET", "k", "x" * 1000)
    node = node_of(primary)
    standing = await node.standing()
    first = standing.offset + 1 - PING_BYTES * 2000
    why = await find_more_than_pings(node, standing, first)
    assert why == f"the backlog of {primary.address} does not go back to byte {first}"
    assert await node.sync_full() == 2


async def test_a_history_that_changed_meanwhile_proves_nothing(pair: Pair, node_of: NODE_OF) -> None:
    node = node_of(pair.replica)
    standing = await node.standing()
    pair.replica.command("REPLICAOF", "NO", "ONE")
    why = await find_more_than_pings(node, standing, standing.offset + 1 - PING_BYTES)
    assert why == f"{pair.replica.address} changed meanwhile"
