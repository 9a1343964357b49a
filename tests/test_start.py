"""What `baton serve` finds when it starts, what it says of that, and how it goes on and ends."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator

import pytest

from tests.baton import BatonProcess, serve_command
from tests.binaries import ROOT
from tests.console import ask, events, facts, view, wait_open
from tests.servers import Pair, RedisServer, free_port
from tests.talking import Talk
from tests.valve import ValvedPair, at_gate
from tests.waiting import wait_until

Start = Callable[..., BatonProcess]

IMPATIENT = {"BATON_PROXY_DRAIN_MS": "200"}
"""Who has not finished by then is not waited for when it leaves."""


@pytest.fixture
def valved(pair: Pair) -> Iterator[ValvedPair]:
    """A pair whose replica can be made to lag, so that a hold lasts as long as a test wants."""
    made = ValvedPair.of(pair)
    yield made
    made.valve.close()


def test_a_primary_and_its_replica_are_told_in_one_line_each(pair: Pair, baton: Start, lanes: str) -> None:
    proxy = baton(pair.replica, pair.primary)
    primary, replica = pair.primary.address, pair.replica.address
    assert facts(proxy) == [
        f"+primary  node={primary}",
        f"+node  node={replica} role=replica leads=false follows={primary}",
        f"+node  node={primary} role=primary leads=true",
        f"+serving  address={proxy.address}",
        f"+admin  address=127.0.0.1:{proxy.admin_port}",
    ]
    seen = view(proxy)
    assert seen.is_well
    assert (seen.info["primary"], seen.status, seen.clients) == (
        pair.primary.address,
        {"state": "none yet"},
        [],
    )
    assert [line[2:].split(": ")[0] for line in seen.nodes] == [pair.replica.address, pair.primary.address]
    assert Talk(proxy.raw()).ask("SET", "fruit", "fig") == "OK"
    [client] = view(proxy).clients
    assert f"lane={lanes}" in client and "state=plain" in client


def test_nodes_may_be_named_by_names(pair: Pair, baton: Start) -> None:
    named = [f"--node=localhost:{node.port}" for node in pair]
    proxy = baton(*named)
    assert view(proxy).is_well
    assert Talk(proxy.raw()).ask("SET", "fruit", "fig") == "OK"
    assert proxy.switchover()["to"] == f"localhost:{pair.replica.port}"
    assert pair.replica.command("GET", "fruit") == "fig"


def assert_serves_without(proxy: BatonProcess, primary: RedisServer, silent: str, why: str) -> None:
    """The primary serves, and who does not answer is named wherever somebody may look."""
    seen = view(proxy)
    [told] = [told for told in events(proxy, "+node") if told["node"] == silent]
    assert re.fullmatch(rf"{silent}: ({why})", told["why"]), told
    assert any(told["why"] in line for line in seen.nodes)
    assert (seen.gate, seen.info["primary"], seen.complaint) == ("open", primary.address, "")
    assert any(each.startswith("warn") and silent in each for each in seen.check)
    assert any("candidate" in each and silent in each for each in seen.refusals)
    refused = ask(proxy, "SWITCHOVER")
    assert refused.startswith("REFUSED candidate: ") and silent in refused
    assert ask(proxy, "SWITCHOVER", "STATUS")[1] == f"refused: {refused.removeprefix('REFUSED ')}"
    assert Talk(proxy.raw()).ask("SET", "fruit", "fig") == "OK"


def test_an_announced_address_counts_for_a_candidate_that_the_operator_did_not_name(
    pair: Pair, baton: Start
) -> None:
    announced = {"BATON_NODES_ANNOUNCE": f"{pair.replica.address}=localhost:{pair.replica.port}"}
    proxy = baton(*pair, environment=announced)
    named, chosen = (
        [line for line in ask(proxy, *words) if " announce" in line]
        for words in (("CHECK", "TO", pair.replica.address), ("CHECK",))
    )
    assert named == chosen
    [line] = chosen
    assert line.startswith("ok ") and f"will follow localhost:{pair.replica.port}" in line


def test_a_replica_that_is_not_there_is_told_and_noticed_when_it_comes(pair: Pair, baton: Start) -> None:
    pair.replica.stop()
    proxy = baton(*pair)
    assert_serves_without(proxy, pair.primary, pair.replica.address, "Connection refused")
    pair.replica.restart()
    pair.replica.replicate(pair.primary)
    pair.replica.wait_link_up()
    wait_until(lambda: view(proxy).is_well, lambda: f"it is noticed: {view(proxy)}")


def test_a_replica_that_stands_still_is_told_and_noticed_when_it_goes_on(pair: Pair, baton: Start) -> None:
    pair.replica.freeze()
    proxy = baton(*pair)
    assert_serves_without(proxy, pair.primary, pair.replica.address, "no (answer|connection) within 1 s")
    pair.replica.thaw()
    wait_until(lambda: view(proxy).is_well, lambda: f"it is noticed: {view(proxy)}")


def test_a_name_that_does_not_resolve_is_told(redis_server: Callable[..., RedisServer], baton: Start) -> None:
    node, nowhere = redis_server(), "nowhere.invalid:6379"
    proxy = baton(node, f"--node={nowhere}")
    why = "nowhere.invalid does not resolve: .+|no (answer|connection) within 1 s"  # by a slow name server
    assert_serves_without(proxy, node, nowhere, why)


def test_a_primary_that_was_moved_by_an_operator_is_followed_and_its_old_clients_are_closed(
    pair: Pair, baton: Start
) -> None:
    proxy = baton(*pair)
    idle, blocked, subscribed, silent = (Talk(proxy.raw()) for _ in range(4))
    assert idle.ask("SET", "fruit", "fig") == "OK"
    assert subscribed.ask("SUBSCRIBE", "news") == ["subscribe", "news", 1]
    blocked.send("BLPOP", "list", 0)
    wait_until(lambda: pair.primary.info("clients")["blocked_clients"] == 1, "it is blocked")
    assert pair.replica.command("REPLICAOF", "NO", "ONE") == "OK"
    pair.primary.replicate(pair.replica)
    for old in (idle, subscribed):
        assert old.rest() == b""
    # Redis itself tells whoever is blocked on a node that becomes a replica, and closes the connection.
    assert blocked.rest().startswith(b"-UNBLOCKED ")
    [moved] = events(proxy, "-primary-moved")
    assert (moved["to"], moved["from"]) == (pair.replica.address, pair.primary.address)
    for new in (silent, Talk(proxy.raw())):  # one that had no lane yet is as good as new
        assert new.ask_all("INCR count", "GET fruit")[1] == "fig"
    assert pair.replica.command("GET", "count") == "2"
    pair.primary.wait_link_up()
    wait_until(lambda: view(proxy).is_well, lambda: f"all is well: {view(proxy)}")
    assert proxy.switchover()["to"] == pair.primary.address


def test_a_replica_that_was_promoted_beside_a_primary_that_serves_is_told_and_left_alone(
    pair: Pair, baton: Start
) -> None:
    proxy = baton(*pair)
    talk = Talk(proxy.raw())
    assert talk.ask("SET", "fruit", "fig") == "OK"
    assert pair.replica.command("REPLICAOF", "NO", "ONE") == "OK"
    wait_until(lambda: view(proxy).complaint, "it is noticed")
    seen = view(proxy)
    assert (
        seen.complaint
        == f"{pair.replica.address} was made primary beside {pair.primary.address}, which goes on serving"
    )
    assert (seen.gate, seen.info["primary"]) == ("open", pair.primary.address)
    assert seen.refusals
    assert talk.ask("SET", "fruit", "plum") == "OK"
    assert [node.info()["role"] for node in pair] == ["master", "master"]
    assert (
        ask(proxy, "SWITCHOVER", "RESOLVE", pair.primary.address)
        == f"{pair.primary.address} is the primary; {pair.replica.address} was told to follow it"
    )
    pair.replica.wait_link_up()
    wait_until(lambda: view(proxy).is_well, lambda: f"all is well: {view(proxy)}")
    assert talk.ask("GET", "fruit") == "plum"


def test_during_a_switchover_every_question_is_answered_and_every_other_order_is_busy(
    valved: ValvedPair, baton: Start
) -> None:
    proxy = baton(valved.primary, valved.replica)
    talk = Talk(proxy.raw())
    assert talk.ask("PING") == "PONG"
    with valved.hold(proxy) as switchover:
        talk.send("SET", "fruit", "fig")
        wait_until(lambda: at_gate(proxy) == 1, "it waits")
        seen = view(proxy)
        assert (seen.gate, seen.info["waiting_clients"]) == ("closed: switchover", 1)
        assert {name: seen.status[name] for name in ("state", "step", "from", "to")} == {
            "state": "under way",
            "step": "converge",
            "from": valved.primary.address,
            "to": valved.replica.address,
        }
        assert float(seen.status["hold_ms"]) > 0
        assert [line[:2] for line in seen.nodes] == ["* ", "  "]
        assert "state=waiting" in seen.clients[0]
        resolve = ask(proxy, "SWITCHOVER", "RESOLVE", valved.primary.address)
        for said in (seen.check, resolve, ask(proxy, "SWITCHOVER")):
            assert str(said).startswith("BUSY ") and "converge" in said
        assert talk.is_quiet()
    assert switchover.result()["outcome"] == "done"
    assert talk.reply() == "OK"
    assert view(proxy).status["state"] == "done"


def test_another_baton_before_the_same_nodes_is_named(pair: Pair, baton: Start) -> None:
    mine, other = baton(*pair), baton(*pair)
    name = view(other).info["instance"]
    [refusal] = view(mine).refusals
    assert refusal.split()[:2] == ["REFUSE", "other-baton"] and name in refusal
    said = ask(mine, "SWITCHOVER")
    assert said.startswith("REFUSED other-baton: ") and name in said
    assert view(mine).gate == "open"
    other.kill()
    wait_until(lambda: view(mine).is_well, "the other is gone")


@pytest.mark.parametrize("flag", ["--listen", "--admin"])
def test_a_port_in_use_is_one_line_and_status_2(flag: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        command = serve_command([f"127.0.0.1:{free_port()}"])
        command[command.index(flag) + 1] = address
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30)
    said = f"baton: {flag}: {address}: Address already in use\n"
    assert (ended.returncode, ended.stdout, ended.stderr) == (2, "", said)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_status_0_and_its_clients_with_it(
    number: signal.Signals, redis_server: Callable[..., RedisServer], baton: Start
) -> None:
    node = redis_server()
    proxy = baton(node, environment=IMPATIENT)
    idle, blocked, silent = (Talk(proxy.raw()) for _ in range(3))
    assert idle.ask("PING") == "PONG"
    blocked.send("BLPOP", "list", 0)
    wait_until(lambda: node.info("clients")["blocked_clients"] == 1, "it is blocked")
    os.kill(proxy.pid, number)
    assert proxy.wait() == 0
    assert [talk.rest() for talk in (idle, blocked, silent)] == [b"", b"", b""]
    told = [each["event"] for each in events(proxy)]
    assert told[-4:] == ["+leaving", "+steered", "-clients-left", "+left"]
    wait_until(lambda: node.info("clients")["connected_clients"] == 1, "nothing is left at the node")


def test_a_signal_ends_it_while_there_is_no_primary(baton: Start) -> None:
    proxy = baton(f"--node=127.0.0.1:{free_port()}", environment=IMPATIENT)
    talk = Talk(proxy.raw())
    talk.send("PING")
    wait_until(lambda: at_gate(proxy) == 1, "it waits")
    assert proxy.terminate() == 0
    assert talk.rest() == b""


def test_it_serves_again_after_a_restart(pair: Pair, baton: Start) -> None:
    proxy = baton(*pair, listen=f"127.0.0.1:{free_port()}")
    talk = Talk(proxy.raw())
    assert talk.ask("SET", "fruit", "fig") == "OK"
    assert proxy.terminate() == 0
    proxy.restart()  # on the same port, though a connection to it has just been closed
    assert Talk(proxy.raw()).ask("GET", "fruit") == "fig"
    wait_open(proxy)
