"""Each verb, told to and asked of real servers."""

from collections.abc import Callable
from typing import Any

import pytest
import trio

from proxy.nodes.address import Address
from proxy.nodes.errors import LinkLost, NodeError, ReplyError
from proxy.nodes.link import Login
from proxy.nodes.node import Node
from proxy.nodes.role import Role, parse_role
from tests.servers import Pair, RedisServer, Trio
from tests.valve import Valve
from tests.waiting import until

START = Callable[..., RedisServer]
NODE_OF = Callable[..., Node]
FREEZE = Callable[[RedisServer], None]


async def test_a_node_tells_its_role(pair: Pair, node_of: NODE_OF) -> None:
    primary, replica = node_of(pair.primary), node_of(pair.replica)
    assert await primary.role() == Role("master", pair.primary.info()["master_repl_offset"])
    role = await replica.role()
    assert (role.kind, role.primary_host, role.primary_port) == ("slave", "127.0.0.1", pair.primary.port)
    assert role.link == "connected" and role.offset == pair.replica.info()["slave_repl_offset"]
    assert primary.run_id == pair.primary.info("server")["run_id"]
    assert replica.seen == role


@pytest.mark.parametrize("reply", [[b"sentinel", [b"mymaster"]], [b"master"], b"OK", None, [b"slave", 1]])
def test_what_is_no_role_is_an_error(reply: object) -> None:
    with pytest.raises(ValueError, match="not an answer to ROLE"):
        parse_role(reply)


async def test_a_lost_link_is_opened_again_and_shows_who_is_there_now(
    redis_server: START, node_of: NODE_OF
) -> None:
    server = redis_server()
    node = node_of(server)
    first = await node.link()
    before = node.run_id
    server.kill()
    await until(lambda: not first.alive, "the link is lost")
    with pytest.raises(LinkLost, match=f"{server.address}: Connection refused"):
        await node.role()
    server.restart()
    assert (await node.role()).is_primary
    assert node.run_id not in ("", before)


async def test_a_node_that_accepts_and_says_nothing_is_an_error_in_time(
    redis_server: START, node_of: NODE_OF, frozen: FREEZE
) -> None:
    server = redis_server()
    node = node_of(server)
    node.connect_within = 0.05
    frozen(server)
    with pytest.raises(LinkLost, match=f"{server.address}: no connection within 0.05 s"):
        await node.role()


async def test_tasks_that_ask_at_the_same_time_open_one_link(redis_server: START, node_of: NODE_OF) -> None:
    server = redis_server()
    node = node_of(server)
    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(node.role)
    assert [line["name"] for line in server.client().client_list()].count("baton:test") == 1


async def test_pause_holds_writes_and_tells_the_offset_after_it(pair: Pair, node_of: NODE_OF) -> None:
    node = node_of(pair.primary)
    pair.primary.command("SET", "k", "v")
    assert await node.pause(60_000) == pair.primary.info()["master_repl_offset"]
    writer = pair.primary.raw(timeout=0.1)
    writer.sendall(b"SET k w\r\n")
    with pytest.raises(TimeoutError):
        writer.recv(100)
    await node.unpause()
    writer.settimeout(10)
    assert writer.recv(100) == b"+OK\r\n"


async def test_pausing_a_replica_is_an_error(pair: Pair, node_of: NODE_OF) -> None:
    with pytest.raises(ReplyError, match="no primary any more but replica of"):
        await node_of(pair.replica).pause(1)


async def test_a_replica_reaches_what_was_written_before_the_pause(pair: Pair, node_of: NODE_OF) -> None:
    primary, replica = node_of(pair.primary), node_of(pair.replica)
    with pair.primary.client().pipeline(transaction=False) as pipe:
        for n in range(2000):
            pipe.set(f"k{n}", "x" * 500)
        pipe.execute()
    offset = await primary.pause(60_000)
    assert await replica.reach(offset) >= offset
    assert pair.replica.command("DBSIZE") == 2000


async def test_a_replica_that_is_stopped_is_waited_for(pair: Pair, node_of: NODE_OF, frozen: FREEZE) -> None:
    primary, replica = node_of(pair.primary), node_of(pair.replica)
    await replica.link()
    frozen(pair.replica)
    pair.primary.command("SET", "k", "v")
    offset = await primary.pause(60_000)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(replica.reach, offset)
        await trio.testing.wait_all_tasks_blocked()
        pair.replica.thaw()


async def test_a_replica_that_lost_its_primary_reaches_nothing(pair: Pair, node_of: NODE_OF) -> None:
    replica = node_of(pair.replica)
    pair.primary.kill()
    with pytest.raises(ReplyError, match="cannot reach offset 999999: replica of"):
        await replica.reach(999_999)


async def test_a_primary_reaches_nothing(pair: Pair, node_of: NODE_OF) -> None:
    with pytest.raises(ReplyError, match="cannot reach offset 0: primary"):
        await node_of(pair.primary).reach(0)


async def test_a_demoted_primary_follows_and_is_not_paused_any_more(pair: Pair, node_of: NODE_OF) -> None:
    old = node_of(pair.primary)
    pair.primary.command("SET", "k", "v")
    await node_of(pair.replica).reach(await old.pause(60_000))
    pair.replica.command("REPLICAOF", "NO", "ONE")
    for _ in range(2):  # it may be repeated
        await old.demote("127.0.0.1", pair.replica.port)
        assert old.seen is not None and old.seen.primary_port == pair.replica.port
    with pytest.raises(Exception, match="read only replica"):
        pair.primary.command("SET", "k", "w")
    pair.primary.wait_link_up()
    assert await node_of(pair.replica).sync_full() == 0


async def test_a_primary_that_refuses_to_follow_stays_paused(
    pair: Pair, node_of: NODE_OF, frozen: FREEZE
) -> None:
    old = node_of(pair.primary)
    frozen(pair.replica)
    pair.primary.command("SET", "k", "v")
    await old.pause(60_000)
    pair.primary.command("FAILOVER")
    with pytest.raises(ReplyError, match="REPLICAOF not allowed while failing over"):
        await old.demote("127.0.0.1", pair.replica.port)
    writer = pair.primary.raw(timeout=0.1)
    writer.sendall(b"SET k w\r\n")
    with pytest.raises(TimeoutError):
        writer.recv(100)


async def test_full_resyncs_are_counted(pair: Pair, node_of: NODE_OF) -> None:
    assert await node_of(pair.primary).sync_full() == 1


async def test_the_config_file_is_rewritten(pair: Pair, node_of: NODE_OF) -> None:
    assert await node_of(pair.replica).rewrite_config() == ""
    assert f"replicaof 127.0.0.1 {pair.primary.port}" in pair.replica.config_file.read_text()


async def test_a_config_that_cannot_be_rewritten_is_told(redis_server: START, node_of: NODE_OF) -> None:
    server = redis_server("user op on >pw ~* &* +@all -config")
    said = await node_of(server, Login("op", "pw")).rewrite_config()
    assert said.startswith(f"{server.address}: CONFIG REWRITE: NOPERM")


async def test_scripts_are_loaded(redis_server: START, node_of: NODE_OF) -> None:
    server = redis_server()
    bodies = [
        b"return 1",
        b"return '" + b"x" * 700_000 + b"'",
        b"return '" + b"y" * 700_000 + b"'",
        b"return 2",
    ]
    await node_of(server).load_scripts(bodies)
    with server.client() as client:
        assert client.script_exists(*[client.script_load(body) for body in bodies]) == [True] * 4
    assert server.info("memory")["number_of_cached_scripts"] == 4


async def test_a_script_that_does_not_compile_is_passed_over_and_any_other_error_is_one(
    redis_server: START, node_of: NODE_OF
) -> None:
    server = redis_server("user few on >pw ~* +@all -script")
    await node_of(server).load_scripts([b"return 1", b"this is no Lua", b"return 2"])
    assert server.info("memory")["number_of_cached_scripts"] == 2
    with pytest.raises(ReplyError, match=f"{server.address}: SCRIPT LOAD: NOPERM"):
        await node_of(server, Login("few", "pw")).load_scripts([b"return 3"])


async def test_clients_are_found_by_the_address_they_come_from(redis_server: START, node_of: NODE_OF) -> None:
    server = redis_server()
    ids = {}
    for subscribe in (b"", b"SUBSCRIBE c\r\n"):
        client = server.raw()
        client.sendall(b"CLIENT ID\r\n")
        host, port = client.getsockname()
        ids[f"{host}:{port}"] = int(client.recv(100)[1:])
        client.sendall(subscribe)
        if subscribe:
            client.recv(100)
    found = await node_of(server).client_ids()
    assert {addr: found[addr] for addr in ids} == ids


async def test_nobody_is_found_by_an_address_that_is_translated_on_the_way(
    redis_server: START, node_of: NODE_OF
) -> None:
    """What is the proxy's own here may be somebody else's there."""
    server = redis_server()
    node = node_of(server)
    way = Valve(server)
    node.address = Address("127.0.0.1", way.port)
    with server.raw():
        assert await node.client_ids() == {}
    way.close()


async def test_a_blocked_client_is_unblocked_with_an_error(redis_server: START, node_of: NODE_OF) -> None:
    server = redis_server()
    blocked, idle = server.raw(), server.raw()
    ids = []
    for client in (blocked, idle):
        client.sendall(b"CLIENT ID\r\n")
        ids.append(int(client.recv(100)[1:]))
    blocked.sendall(b"BLPOP list 0\r\n")
    await until(lambda: server.info("clients")["blocked_clients"] == 1, "the client is blocked")
    assert await node_of(server).unblock([*ids, 999_999]) == [1, 0, 0]
    assert blocked.recv(100) == b"-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n"


async def test_the_last_ids_of_streams_are_read_in_their_database(
    redis_server: START, node_of: NODE_OF
) -> None:
    server = redis_server()
    with server.client(db=3) as client:
        client.xadd("s", {"a": 1}, id="5-1")
        client.xadd("gone", {"a": 1}, id="7-7")
        client.delete("gone")
        client.set("text", "x")
        client.xadd("emptied", {"a": 1}, id="9-9")
        client.xtrim("emptied", 0)
    node = node_of(server)
    ids = await node.stream_last_ids(3, [b"s", b"gone", b"text", b"emptied"])
    assert ids == {b"s": b"5-1", b"gone": b"0-0", b"text": b"0-0", b"emptied": b"9-9"}
    assert await node.stream_last_ids(0, [b"s"]) == {b"s": b"0-0"}


async def test_a_database_that_is_not_there_is_an_error(redis_server: START, node_of: NODE_OF) -> None:
    node = node_of(redis_server())
    with pytest.raises(ReplyError, match="SELECT 99: ERR DB index is out of range"):
        await node.stream_last_ids(99, [b"s"])


async def test_replicas_needed_for_writing_are_counted(trio_of_nodes: Trio, node_of: NODE_OF) -> None:
    node = node_of(trio_of_nodes.primary)
    assert await node.min_replicas_met()
    for needed, met in ((2, True), (3, False)):
        trio_of_nodes.primary.command("CONFIG", "SET", "min-replicas-to-write", needed)
        assert await node.min_replicas_met() is met


async def test_a_standing_tells_the_history(pair: Pair, node_of: NODE_OF) -> None:
    primary, replica = await node_of(pair.primary).standing(), await node_of(pair.replica).standing()
    assert primary.primary and not replica.primary
    assert primary.replid == replica.replid == pair.primary.info()["master_replid"]
    assert (primary.second_offset, replica.follows) == (-1, pair.primary.address)
    assert replica.link_up and primary.offset >= replica.offset


async def test_a_user_who_may_not_is_told_by_name_of_node_and_command(
    redis_server: START, node_of: NODE_OF
) -> None:
    server = redis_server("user op on >pw ~* &* +@all -replicaof -config")
    node = node_of(server, Login("op", "pw"))
    with pytest.raises(NodeError, match=f"{server.address}: REPLICAOF: NOPERM"):
        await node.follow("127.0.0.1", 1)


async def test_who_stops_waiting_for_the_fence_keeps_the_link_and_the_fence(
    pair: Pair, node_of: NODE_OF, frozen: FREEZE
) -> None:
    node = node_of(pair.primary)
    link = await node.link()
    frozen(pair.primary)
    with trio.move_on_after(0.05):
        await node.fence(60_000)
    pair.primary.thaw()
    assert (await node.role()).is_primary and await node.link() is link
    writer = pair.primary.raw(timeout=0.1)
    writer.sendall(b"SET k w\r\n")
    with pytest.raises(TimeoutError):
        writer.recv(100)


async def test_what_a_node_was_told_and_did_not_answer_it_is_not_told_later_by_the_network(
    redis_server: START, node_of: NODE_OF
) -> None:
    """The node itself closes the connection, before anything else is said: nothing comes over it then."""
    server = redis_server()
    node = node_of(server)
    first = await node.link()
    first.post(("BLPOP", "nothing", 0))
    lost = first._transport
    first._transport = Stuck(lost)  # type: ignore[assignment]
    first.close()
    assert str(first.id) in {each["id"] for each in server.client().client_list()}
    await node.role()
    assert str(first.id) not in {each["id"] for each in server.client().client_list()}
    lost.close()


class Stuck:
    """A connection whose end does not arrive at the node."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport

    def fileno(self) -> int:
        return int(self._transport.fileno())

    def abort(self) -> None:
        """It does not arrive."""

    close = abort
