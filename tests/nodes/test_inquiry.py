"""What servers say is read into facts, and what they do not say is kept beside them."""

from collections.abc import Callable

import pytest

from proxy.nodes.errors import ReplyError
from proxy.nodes.link import Login
from proxy.nodes.node import Node
from proxy.nodes.parsing import (
    digest_functions,
    parse_acl,
    parse_client_ids,
    parse_connections,
    parse_modules,
)
from proxy.nodes.probing import probe
from proxy.switchover.facts import NEEDS, SETTINGS, UnreadError
from proxy.switchover.preflight import check
from proxy.switchover.preflight.case import Terms
from proxy.switchover.preflight.choice import announced, choose
from tests.servers import Pair, RedisServer

START = Callable[..., RedisServer]
NODE_OF = Callable[..., Node]


async def test_facts_of_a_pair(pair: Pair, node_of: NODE_OF) -> None:
    primary, candidate = await node_of(pair.primary).facts(), await node_of(pair.replica).facts()
    assert primary.is_primary and not candidate.is_primary
    assert primary.said("master_replid") == candidate.said("master_replid")
    assert primary.version[:2] == tuple(map(int, pair.primary.version.split(".")))
    assert [(line["ip"], int(line["port"])) for line in primary.replicas()] == [
        ("127.0.0.1", pair.replica.port)
    ]
    assert (candidate.address, candidate.host, candidate.port) == (
        pair.replica.address,
        "127.0.0.1",
        pair.replica.port,
    )
    assert not primary.absent and not primary.denied
    assert set(SETTINGS) - set(primary.config) <= {"tls-port", "tls-replication"}  # built without TLS
    assert "baton:test" in [connection.name for connection in primary.connections]
    assert primary.acl["default"] == ("&*", "nopass", "on", "~*", "+@all")


async def test_every_need_is_a_question_that_the_server_understands(
    redis_server: START, node_of: NODE_OF
) -> None:
    server = redis_server()
    unread = (await node_of(server).facts()).unread
    if server.version == "6.2":
        assert "FUNCTION LIST" in unread and all(f"ACL DRYRUN {need}" in unread for need in NEEDS)
    else:
        assert not unread


async def test_what_a_user_may_not_is_kept_by_name(redis_server: START, node_of: NODE_OF) -> None:
    server = redis_server("user op on >pw ~* &* +@all -config -replicaof -acl")
    facts = await node_of(server, Login("op", "pw")).facts()
    for asked in ("CONFIG GET maxmemory", "ACL LIST", "ACL DRYRUN ROLE"):
        late = server.version == "6.2" and asked.startswith("ACL DRYRUN")  # not even asked
        assert facts.unread[asked].startswith("ACL DRYRUN ROLE came with 7.0" if late else "NOPERM")
    with pytest.raises(UnreadError, match=f"{server.address}: CONFIG GET maxmemory: NOPERM"):
        facts.setting("maxmemory")
    with pytest.raises(UnreadError, match=f"{server.address}: ACL LIST: NOPERM"):
        facts.require("ACL LIST")


async def test_a_denied_command_is_denied_by_name(redis_server: START, node_of: NODE_OF) -> None:
    server = redis_server("user op on >pw ~* &* +@all -replicaof -psync")
    facts = await node_of(server, Login("op", "pw")).facts()
    if server.version == "6.2":
        assert "ACL DRYRUN REPLICAOF" in facts.unread and not facts.denied
    else:
        assert set(facts.denied) == {"REPLICAOF", "PSYNC"}
        assert "replicaof" in facts.denied["REPLICAOF"]


async def test_a_renamed_command_is_absent(redis_server: START, node_of: NODE_OF) -> None:
    server = redis_server('rename-command REPLICAOF ""', "rename-command PFCOUNT pfc")
    assert (await node_of(server).facts()).absent == {"REPLICAOF", "PFCOUNT"}


async def test_without_info_there_are_no_facts(redis_server: START, node_of: NODE_OF) -> None:
    server = redis_server()
    node = node_of(server, Login("op", "pw"))
    server.command("ACL", "SETUSER", "op", "on", ">pw", "~*", "&*", "+@all")
    await node.role()
    server.command("ACL", "SETUSER", "op", "-info")
    with pytest.raises(ReplyError, match=f"{server.address}: INFO: NOPERM"):
        await node.facts()


async def test_secrets_are_not_shown(redis_server: START, node_of: NODE_OF) -> None:
    facts = await node_of(redis_server("masterauth very-secret", "user u on >very-secret")).facts()
    assert facts.config["masterauth"] == "very-secret"
    assert "very-secret" not in repr(facts) and "#" not in repr(facts)


async def test_function_libraries_are_summed_up_the_same_on_both(pair: Pair, node_of: NODE_OF) -> None:
    if pair.primary.version == "6.2":
        assert (await node_of(pair.primary).facts()).functions == ""
        return
    for name in "abcdefgh":
        code = f"#!lua name={name}\nredis.register_function('{name}', function() return 1 end)"
        pair.primary.command("FUNCTION", "LOAD", code)
    primary, replica = node_of(pair.primary), node_of(pair.replica)
    await replica.reach((await primary.role()).offset)
    digest = (await primary.facts()).functions
    assert digest and (await replica.facts()).functions == digest
    pair.primary.command("FUNCTION", "DELETE", "a")
    assert (await primary.facts()).functions != digest


async def test_a_healthy_pair_passes_preflight(pair: Pair, node_of: NODE_OF) -> None:
    old, new = node_of(pair.primary), node_of(pair.replica)
    primary, candidate = await old.facts(), await new.facts()
    probes = await probe(old, new, primary)
    findings = check(primary, candidate, [], probes, Terms("test", lanes=100, max_lag_bytes=1000))
    assert [finding for finding in findings if finding.verdict != "ok"] == []
    assert announced(primary, candidate) == ("127.0.0.1", pair.replica.port)
    assert choose(primary, [candidate]) is candidate


def test_function_digests_do_not_depend_on_the_order() -> None:
    one = [b"library_name", b"a", b"engine", b"LUA", b"functions", [], b"library_code", b"x"]
    other = [b"library_name", b"b", b"engine", b"LUA", b"functions", [], b"library_code", b"y"]
    assert digest_functions([one, other]) == digest_functions([other, one]) != digest_functions([one])


def test_rules_that_mean_the_same_compare_equal() -> None:
    one = [b"user u on #b #a ~x ~y &* -@all +get +set"]
    other = [b"user u on sanitize-payload #a #b ~y ~x &* -@all +get +set"]
    assert parse_acl(one) == parse_acl(other)


@pytest.mark.parametrize("rules", [b"+get -@all", b"-@all +get (~z +set)", b"-@all +set", b"-@all +get ~x"])
def test_rules_that_differ_compare_unequal(rules: bytes) -> None:
    assert parse_acl([b"user u on " + rules]) != parse_acl([b"user u on -@all +get"])


def test_modules_are_read_with_their_versions() -> None:
    assert parse_modules([[b"name", b"json", b"ver", 20606, b"path", b"/x", b"args", []]]) == {"json": 20606}


def test_clients_are_read_by_line() -> None:
    lines = (
        b"id=3 addr=127.0.0.1:5 laddr=127.0.0.1:6379 fd=8 name= age=0 idle=0 flags=N db=0 cmd=get\n"
        b"id=4 addr=[::1]:6 laddr=[::1]:6379 fd=9 name=baton:x age=0 idle=0 flags=P db=0 cmd=x\n"
    )
    assert [(c.id, c.addr, c.name, c.flags) for c in parse_connections(lines)] == [
        (3, "127.0.0.1:5", "", "N"),
        (4, "[::1]:6", "baton:x", "P"),
    ]
    assert parse_client_ids(lines) == {"127.0.0.1:5": 3, "[::1]:6": 4}
