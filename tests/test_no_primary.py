"""Nobody, or more than one, is primary: nothing is touched, clients are held, the operator decides."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.baton import BatonProcess
from tests.console import View, ask, events, view, wait_open
from tests.servers import Pair, RedisServer, free_port
from tests.talking import Talk
from tests.valve import at_gate
from tests.waiting import wait_until

Start = Callable[..., BatonProcess]

WAIT_MS = 1500
SHORT_WAIT = {"BATON_LIMITS_NO_PRIMARY_WAIT_MS": str(WAIT_MS)}


@pytest.fixture
def redis_binary(redis_binaries: Mapping[str, Path]) -> Path:
    """One version is enough: what is asked here, ROLE, INFO and REPLICAOF, is the same in all of them."""
    return next(iter(redis_binaries.values()))


@pytest.fixture
def orphans(redis_server: Callable[..., RedisServer]) -> Pair:
    """Two replicas of somebody who is dead."""
    pair = Pair(redis_server(), redis_server())
    dead = free_port()
    for node in pair:
        node.command("REPLICAOF", "127.0.0.1", dead)
    return pair


@pytest.fixture
def strangers(redis_server: Callable[..., RedisServer]) -> Pair:
    """Two primaries that know nothing of each other."""
    return Pair(redis_server(), redis_server())


def waiting(proxy: BatonProcess, *command: str) -> Talk:
    """A new client, one command of which waits at the gate."""
    before = at_gate(proxy)
    talk = Talk(proxy.raw())
    talk.send(*command)
    wait_until(lambda: at_gate(proxy) == before + 1, "it waits")
    return talk


def assert_holds(proxy: BatonProcess, why: str) -> View:
    """There is no primary, and `why` is told wherever somebody may look; clients are held."""
    seen = view(proxy)
    assert seen.complaint == f"{why}; clients are held"
    assert seen.complaint in [told["why"] for told in events(proxy, "-nodes-amiss")]
    assert all(line.startswith("  ") for line in seen.nodes[:-1])
    assert (seen.gate, seen.info["primary"]) == ("closed: no primary", "")
    refused = f"REFUSED primary: there is none: {seen.complaint}"
    assert (seen.check, ask(proxy, "SWITCHOVER")) == (refused, refused)
    return seen


def test_two_replicas_of_somebody_dead_are_no_primary_and_resolve_makes_one(
    orphans: Pair, baton: Start
) -> None:
    proxy = baton(*orphans)
    seen = assert_holds(proxy, "no node is primary")
    assert all(", link down, " in line for line in seen.nodes[:-1])
    talk = waiting(proxy, "SET", "fruit", "fig")
    [client] = view(proxy).clients
    assert "lane=none" in client and "state=waiting" in client
    assert ask(proxy, "SWITCHOVER", "RESOLVE", "127.0.0.1:1").startswith("REFUSED candidate: 127.0.0.1:1 ")
    assert talk.is_quiet()
    assert (
        ask(proxy, "SWITCHOVER", "RESOLVE", orphans.replica.address)
        == f"{orphans.replica.address} is the primary; {orphans.primary.address} was told to follow it"
    )
    assert talk.reply() == "OK"
    orphans.primary.wait_link_up()
    assert orphans.primary.command("GET", "fruit") == "fig"
    wait_until(lambda: view(proxy).is_well, lambda: f"all is well: {view(proxy)}")


def test_two_independent_primaries_are_named_and_left_alone_until_the_operator_decides(
    strangers: Pair, baton: Start
) -> None:
    one, other = strangers
    for node in strangers:
        node.command("SET", "mine", node.port)
    proxy = baton(*strangers)
    talk = waiting(proxy, "GET", "mine")
    both = f"{one.address} and {other.address} both call themselves primary"
    seen = assert_holds(proxy, f"{both}, and neither took over from the other")
    assert all(": primary, " in line for line in seen.nodes[:-1])
    assert [node.info()["role"] for node in strangers] == ["master", "master"]
    assert talk.is_quiet()
    assert (
        ask(proxy, "SWITCHOVER", "RESOLVE", other.address)
        == f"{other.address} is the primary; {one.address} was told to follow it"
    )
    assert talk.reply() == str(other.port)
    one.wait_link_up()
    assert one.command("GET", "mine") == str(other.port)
    wait_until(lambda: view(proxy).is_well, lambda: f"all is well: {view(proxy)}")
    assert proxy.switchover()["to"] == one.address
    assert talk.ask("GET", "mine") == str(other.port)


def test_three_primaries_are_all_named(redis_server: Callable[..., RedisServer], baton: Start) -> None:
    nodes = [redis_server() for _ in range(3)]
    names = " and ".join(node.address for node in nodes)
    assert_holds(baton(*nodes), f"3 nodes call themselves primary: {names}")


def test_a_primary_that_is_not_there_is_named_and_its_clients_are_served_when_it_comes(
    pair: Pair, baton: Start
) -> None:
    pair.primary.stop()
    proxy = baton(*pair)
    talk = waiting(proxy, "INCR", "count")
    assert_holds(proxy, f"no node is primary; {pair.primary.address}: Connection refused")
    pair.primary.restart()
    assert talk.reply() == 1
    wait_open(proxy)


def test_a_primary_that_stands_still_is_named_and_its_clients_are_served_when_it_goes_on(
    pair: Pair, baton: Start
) -> None:
    pair.primary.freeze()
    proxy = baton(*pair)
    talk = waiting(proxy, "INCR", "count")
    seen = view(proxy)
    assert seen.complaint.startswith(f"no node is primary; {pair.primary.address}: no ")
    assert seen.complaint.endswith(" within 1 s; clients are held")
    assert seen.gate == "closed: no primary"
    pair.primary.thaw()
    assert talk.reply() == 1
    wait_open(proxy)


@pytest.mark.parametrize("data", ["old", "none"])
def test_clients_do_not_go_to_a_stranger_because_the_primary_stands_still(
    pair: Pair, baton: Start, data: str
) -> None:
    """A replica that comes back without its `replicaof` is a primary, with old data or none."""
    proxy = baton(*pair)
    client = Talk(proxy.raw())
    assert client.ask("INCR", "count") == 1
    pair.replica.stop()
    if data == "none":
        (pair.replica.directory / "dump.rdb").unlink()
    pair.replica.restart()
    both = f"{pair.primary.address} and {pair.replica.address} both call themselves primary"
    wait_until(lambda: both in proxy.log(), lambda: f"both are seen: {proxy.log()}")
    pair.primary.freeze()
    alone = f"{pair.replica.address} calls itself primary, but did not take over from {pair.primary.address};"
    wait_until(lambda: alone in proxy.log(), lambda: f"only one is seen: {proxy.log()}")
    client.send("INCR", "count")
    pair.primary.thaw()
    assert client.reply() == 2
    assert pair.replica.command("GET", "count") is None


def test_clients_that_wait_are_served_in_order_as_soon_as_there_is_a_primary(
    orphans: Pair, baton: Start
) -> None:
    proxy = baton(*orphans)
    talks = [waiting(proxy, "RPUSH", "order", str(number)) for number in range(5)]
    talks[0].send_all("HELLO 3", "CLIENT SETNAME early", "CLIENT GETNAME")
    assert orphans.primary.command("REPLICAOF", "NO", "ONE") == "OK"
    assert sorted(talk.reply() for talk in talks) == [1, 2, 3, 4, 5]
    assert talks[0].replies(3)[1:] == ["OK", "early"]
    assert [told["node"] for told in events(proxy, "+primary")] == [orphans.primary.address]
    assert orphans.replica.info()["role"] == "slave"


def test_clients_are_closed_when_there_was_no_primary_from_the_start_for_as_long_as_is_set(
    orphans: Pair, baton: Start
) -> None:
    began = time.monotonic()
    proxy = baton(*orphans, environment=SHORT_WAIT)
    first, second = (waiting(proxy, "INCR", "count") for _ in range(2))
    silent = Talk(proxy.raw())
    assert (first.rest(), second.rest()) == (b"", b"")
    assert time.monotonic() - began > WAIT_MS / 1000
    assert silent.is_quiet()  # it asked for nothing yet
    closed = [told["why"] for told in events(proxy, "-client-closed")]
    assert len(closed) == 2 and all(re.fullmatch(r"no primary for \d s", why) for why in closed), closed
    assert_holds(proxy, "no node is primary")
    assert orphans.primary.command("REPLICAOF", "NO", "ONE") == "OK"
    assert silent.ask("INCR", "count") == 1


def test_clients_are_closed_when_the_primary_has_been_lost_for_as_long_as_is_set(
    pair: Pair, baton: Start
) -> None:
    proxy = baton(*pair, environment=SHORT_WAIT)
    assert Talk(proxy.raw()).ask("INCR", "count") == 1
    pair.primary.command("REPLICAOF", "127.0.0.1", free_port())
    began = last_seen_open(proxy)
    assert waiting(proxy, "INCR", "count").rest() == b""
    assert time.monotonic() - began > WAIT_MS / 1000


def last_seen_open(proxy: BatonProcess) -> float:
    """Wait until the gate is closed; return when it surely was not yet."""
    seen = time.monotonic()

    def closed() -> bool:
        nonlocal seen
        asked = time.monotonic()
        if ask(proxy, "INFO", "route")["gate"] != "open":
            return True
        seen = asked
        return False

    wait_until(closed, "the gate is closed")
    return seen


def test_nodes_tells_what_resolve_did_as_soon_as_it_has_answered(
    redis_server: Callable[..., RedisServer], baton: Callable[..., BatonProcess]
) -> None:
    one, other = redis_server(), redis_server()
    proxy = baton(one, other)
    assert "both call themselves primary" in view(proxy).complaint
    assert ask(proxy, "SWITCHOVER", "RESOLVE", one.address).startswith(f"{one.address} is the primary")
    nodes = ask(proxy, "NODES")
    assert nodes[0].startswith(f"* {one.address}: primary")
    assert nodes[1].startswith(f"  {other.address}: replica of {one.address}"), nodes
    assert len(nodes) == 2, nodes
