"""All that the proxy does, done as exactly the user of the README: nothing is denied, no rule is too many.

``--control-user`` runs any test so; what is here is a bit of everything, with each version of the servers.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest

from tests import control
from tests.baton import BatonProcess
from tests.binaries import each_in_turn, find_all
from tests.console import ask, wait_open
from tests.servers import Pair, Trio
from tests.talking import Talk
from tests.waiting import wait_until

Start = Callable[..., BatonProcess]
redis_binary = each_in_turn(find_all())


@pytest.fixture(autouse=True)
def as_the_readme_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control.MODE, "on", True)


def flaws(proxy: BatonProcess) -> list[str]:
    """What CHECK finds to say."""
    said = ask(proxy, "CHECK")
    return [line for line in said if not line.startswith("ok")] if isinstance(said, list) else [said]


def names_of(found: list[str]) -> list[str]:
    return [line.split()[1] for line in found]


def test_every_kind_of_connection_is_carried_there_and_back(trio_of_nodes: Trio, baton: Start) -> None:
    old, new = trio_of_nodes.primary, trio_of_nodes.replica
    for node in trio_of_nodes:  # who may not do what must go ahead of a WAIT is answered by the proxy itself
        less = ["-ping"] if node.version == "6.2" else ["-spublish"]
        node.command("ACL", "SETUSER", "few", "on", ">pw", "~*", "+@all", *less, "resetchannels")
    proxy = baton(*trio_of_nodes)
    # ACL DRYRUN came with 7.0: before it, nobody can tell what a user may do.
    assert names_of(flaws(proxy)) == (["commands"] if old.version == "6.2" else [])
    talk, multi, watch, pops, reads, hears, tracks, scans, waits, few = (Talk(proxy.raw()) for _ in range(10))
    assert few.ask("AUTH", "few", "pw") == "OK"
    assert talk.ask("SET", "fruit", "fig") == "OK"
    script = "return redis.call('get', KEYS[1])"
    sha = talk.ask("SCRIPT", "LOAD", script)
    assert multi.ask_all("SELECT 3", "MULTI", "INCR n") == ["OK", "OK", "QUEUED"]
    assert watch.ask_all("WATCH fruit", "MULTI", "GET fruit") == ["OK", "OK", "QUEUED"]
    pops.send("BLPOP", "queue", 0)
    assert talk.ask("XADD", "stream", "1-1", "a", "1") == "1-1"
    reads.send("XREAD", "BLOCK", 0, "STREAMS", "stream", "$")
    assert hears.ask("SUBSCRIBE", "news")[:2] == ["subscribe", "news"]
    assert tracks.ask_all("HELLO 3", "CLIENT TRACKING ON")[1] == "OK"
    cursor, _ = scans.ask("SCAN", 0, "COUNT", 1)
    wait_until(lambda: old.info("clients")["blocked_clients"] == 2, "two are blocked")
    assert str(ask(proxy, "SWITCHOVER", "DRYRUN")).find("dry run") >= 0
    report = proxy.switchover(new.address)
    assert (report["outcome"], report["clients_closed"]) == ("done", 0)
    assert "kept" not in report["notes"]
    assert talk.ask("EVALSHA", sha, 1, "fruit") == "fig"
    assert multi.ask("EXEC") == [1]
    assert watch.ask("EXEC") in (["fig"], None)
    assert talk.ask_all("RPUSH queue one", "XADD stream 2-1 b 2", "PUBLISH news one") == [1, "2-1", 1]
    assert pops.reply() == ["queue", "one"]
    assert reads.reply()[0][0] == "stream"
    assert hears.reply() == ["message", "news", "one"]
    assert waits.ask("SET", "fruit", "plum") == "OK"
    assert waits.ask("WAIT", 1, 5000) >= 1
    assert few.ask("WAIT", 1, 5000) >= 1
    assert isinstance(scans.ask("SCAN", cursor, "COUNT", 1000), list)
    assert proxy.switchover(old.address)["outcome"] == "done"
    assert talk.ask("GET", "fruit") == "plum"
    assert ask(proxy, "NODES", "REMOVE", trio_of_nodes.other.address) == "OK"
    assert "ERR" not in str(ask(proxy, "NODES", "ADD", trio_of_nodes.other.address))[:10]


def leave_half_done(pair: Pair, proxy: BatonProcess) -> None:
    """Do what a proxy had done that died between promote and demote."""
    client = proxy.client()
    client.set("written", "before")
    offset = pair.primary.info()["master_repl_offset"]
    wait_until(lambda: pair.replica.info()["slave_repl_offset"] >= offset, "the replica has it all")
    proxy.kill()
    pair.replica.command("REPLICAOF", "NO", "ONE")


def test_after_a_crash_it_finishes_what_was_begun(pair: Pair, baton: Start) -> None:
    proxy = baton(*pair)
    leave_half_done(pair, proxy)
    proxy.restart()
    wait_until(lambda: pair.primary.info()["role"] == "slave", lambda: f"it is demoted: {proxy.log()}")
    wait_open(proxy)
    assert proxy.client().get("written") == "before"


def test_where_something_could_be_lost_the_operators_word_is_done(pair: Pair, baton: Start) -> None:
    proxy = baton(*pair)
    leave_half_done(pair, proxy)
    pair.primary.command("SET", "written", "since")
    proxy.restart()
    assert ask(proxy, "INFO", "route")["gate"] != "open"
    assert pair.replica.address in str(ask(proxy, "SWITCHOVER", "RESOLVE", pair.replica.address))
    wait_until(lambda: pair.primary.info()["role"] == "slave", "the other one follows")
    assert proxy.client().get("written") == "before"


def parts(version: str) -> list[str]:
    """Each thing that the user may."""
    return [rule for rule in control.rules(version) if rule[0] in "+&%~"]


@contextlib.contextmanager
def taken_away(nodes: Pair, rule: str) -> Iterator[None]:
    for node in nodes:
        left = [each for each in control.rules(node.version) if each != rule]
        node.command("ACL", "SETUSER", control.NAME, "reset", *left)
    try:
        yield
    finally:
        for node in nodes:
            node.command("ACL", "SETUSER", control.NAME, "reset", *control.rules(node.version))
            node.command("ACL", "LOG", "RESET")


def test_each_rule_is_needed(pair: Pair, baton: Start) -> None:
    """CHECK tells of each that is taken away; on 6.2, which cannot tell, a switchover is denied something.

    What neither shows is needed for what the other tests here do: see NEEDED_ELSEWHERE.
    """
    proxy = baton(*pair)
    version = pair.primary.version
    before = set(flaws(proxy))
    unseen = []
    for rule in parts(version):
        with taken_away(pair, rule):
            shown = {line for line in flaws(proxy) if line not in before}
            if not shown and version == "6.2":
                shown = denied_in_a_switchover(proxy, pair)
            if not shown:
                unseen.append(rule)
        wait_open(proxy)
    assert set(unseen) <= NEEDED_ELSEWHERE[version == "6.2"]


def denied_in_a_switchover(proxy: BatonProcess, pair: Pair) -> set[str]:
    """What the nodes tell of in their logs."""
    for node in pair:
        node.command("ACL", "LOG", "RESET")
        node.command("CLIENT", "KILL", "USER", control.NAME)  # so that it must introduce itself anew
    wait_until(lambda: flaws(proxy), "it has looked")
    ask(proxy, "SWITCHOVER")
    return {str(entry["object"]) for node in pair for entry in node.client().acl_log()}


NEEDED_ELSEWHERE: tuple[set[str], set[str]] = (
    {"&baton:wait", "+spublish"},
    {"+ping"},
)
"""A WAIT on behalf of who may not SPUBLISH; on 6.2 that sends a PING."""


@pytest.mark.parametrize("rule", ["&baton:wait", "+spublish"])
def test_a_wait_on_behalf_of_a_client_needs_its_rules(pair: Pair, baton: Start, rule: str) -> None:
    if pair.primary.version == "6.2":
        pytest.skip("has neither")
    for node in pair:
        node.command("ACL", "SETUSER", "few", "on", ">pw", "~*", "+@all", "-spublish", "resetchannels")
    proxy = baton(*pair)
    few = Talk(proxy.raw())
    assert few.ask_all("AUTH few pw", "SET fruit fig") == ["OK", "OK"]
    assert proxy.switchover()["outcome"] == "done"
    with taken_away(pair, rule):
        few.ask("WAIT", 1, 1000)
        assert [entry["username"] for entry in pair.replica.client().acl_log()][:1] == [control.NAME]
