"""How the proxy logs in to nodes that want a password, and that nobody gets to see it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import attrs
import pytest

from tests.baton import BatonProcess
from tests.console import ask, events, view, wait_open
from tests.servers import Pair, RedisServer
from tests.talking import Talk
from tests.valve import at_gate
from tests.waiting import wait_until

Start = Callable[..., BatonProcess]
PASSWORD = "pomegranate-seed"
"""Of the default user: the nodes among themselves, and the clients."""
OWN = "apricot-stone"
"""Of the ACL user that is the proxy's own."""
WRONG = "cherry-stalk"
USER = "carrier"
SECRETS = (PASSWORD, OWN, WRONG)
QUESTIONS = ("PING", "HELP", "NODES", "INFO", "CLIENTS", "CHECK", "SWITCHOVER STATUS", "NO SUCH")


@attrs.frozen
class Way:
    """As whom the proxy logs in, and how it is told the password."""

    user: str | None
    password: str
    by_file: bool

    def __str__(self) -> str:
        return f"{self.user or 'default'} by {'file' if self.by_file else 'environment'}"

    def start(self, baton: Start, nodes: Pair, folder: Path) -> BatonProcess:
        """Start a proxy that logs in so."""
        arguments = ["--nodes-user", self.user] if self.user else []
        if not self.by_file:
            return baton(*nodes, *arguments, environment={"BATON_NODES_PASSWORD": self.password})
        file = folder / "password"
        file.write_text(f"{self.password}\n")
        return baton(*nodes, *arguments, "--nodes-password-file", str(file))


LOGINS = {None: PASSWORD, USER: OWN}
WAYS = [Way(user, password, by_file) for user, password in LOGINS.items() for by_file in (False, True)]


@pytest.fixture
def nodes(redis_server: Callable[..., RedisServer]) -> Pair:
    """A pair in sync that wants a password of everybody, and knows a user for the proxy."""
    config = (f"requirepass {PASSWORD}", f"masterauth {PASSWORD}", f"user {USER} on >{OWN} ~* &* +@all")
    pair = Pair(redis_server(*config), redis_server(*config))
    pair.replica.replicate(pair.primary)
    pair.replica.wait_link_up()
    pair.primary.wait_replicas(1)
    return pair


def assert_kept_secret(proxy: BatonProcess) -> None:
    """No password is in the log, in the process's arguments, nor in anything that the console says."""
    told = {question: str(ask(proxy, *question.split())) for question in QUESTIONS}
    told["log"] = proxy.log()
    told["arguments"] = Path(f"/proc/{proxy.pid}/cmdline").read_text()
    shown = [(place, secret) for place, said in told.items() for secret in SECRETS if secret in said]
    assert shown == []


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_it_logs_in_and_switches_over_and_the_password_is_seen_by_nobody(
    way: Way, nodes: Pair, baton: Start, tmp_path: Path
) -> None:
    proxy = way.start(baton, nodes, tmp_path)
    seen = view(proxy)
    assert seen.is_well
    talk, wrong, none = (Talk(proxy.raw()) for _ in range(3))
    assert str(wrong.ask("AUTH", WRONG)).startswith("WRONGPASS ")
    assert str(none.ask("GET", "fruit")).startswith("NOAUTH ")  # the proxy's login is not the clients'
    assert talk.ask_all(f"AUTH {PASSWORD}", "SET fruit fig") == ["OK", "OK"]
    assert_kept_secret(proxy)
    report = proxy.switchover()
    assert (report["outcome"], report["clients_closed"], report["notes"]) == ("done", 0, "")
    assert talk.ask_all("GET fruit", "ACL WHOAMI") == ["fig", "default"]
    assert str(none.ask("GET", "fruit")).startswith("NOAUTH ")
    assert nodes.replica.command("GET", "fruit") == "fig"
    assert_kept_secret(proxy)
    assert talk.ask("WATCH", "fruit") == "OK"  # for that a client has a lane of its own, and goes with it
    nodes.replica.kill()  # errors are told now
    assert talk.rest() == b""
    wait_until(lambda: view(proxy).complaint, "it is noticed")
    assert_kept_secret(proxy)


@pytest.mark.parametrize("by_file", [False, True], ids=["by environment", "by file"])
@pytest.mark.parametrize("user", [None, USER], ids=["default", USER])
def test_a_wrong_password_is_told_without_it_and_a_right_one_is_noticed(
    user: str | None, by_file: bool, nodes: Pair, baton: Start, tmp_path: Path
) -> None:
    proxy = Way(user, WRONG, by_file).start(baton, nodes, tmp_path)
    seen = view(proxy)
    for node in nodes:
        why = f"{node.address}: AUTH as {user or 'default'}: WRONGPASS invalid username-password pair"
        assert any(told["why"].startswith(why) for told in events(proxy, "+node"))
        assert any(told.startswith(f"  {why}") for told in seen.nodes)
        assert f"{node.address}: AUTH as " in seen.complaint
    assert (seen.gate, seen.info["primary"]) == ("closed: no primary", "")
    assert str(seen.check).startswith("REFUSED primary: there is none: no node is primary; ")
    talk = Talk(proxy.raw())
    talk.send("AUTH", WRONG)
    wait_until(lambda: at_gate(proxy) == 1, "it waits")
    assert_kept_secret(proxy)
    for node in nodes:
        node.command("ACL", "SETUSER", user or "default", f">{WRONG}")
    if user is None:
        assert talk.reply() == "OK"
    else:
        assert str(talk.reply()).startswith("WRONGPASS ")
    wait_open(proxy)
    assert_kept_secret(proxy)


@pytest.mark.no_control_user
def test_a_missing_password_is_told(nodes: Pair, baton: Start) -> None:
    proxy = baton(*nodes)
    seen = view(proxy)
    for node in nodes:
        assert any(
            line.startswith(f"  {node.address}: ") and "NOAUTH Authentication required" in line
            for line in seen.nodes
        )
    assert seen.gate == "closed: no primary"


def test_a_user_who_may_not_do_what_a_switchover_needs_moves_nothing(nodes: Pair, baton: Start) -> None:
    for node in nodes:
        node.command("ACL", "SETUSER", USER, "-replicaof", "-slaveof")
    proxy = baton(*nodes, "--nodes-user", USER, environment={"BATON_NODES_PASSWORD": OWN})
    seen = view(proxy)
    assert (seen.gate, seen.complaint) == ("open", "")
    [found] = [line for line in seen.check if line.split()[1] == "commands"]
    if nodes.primary.version == "6.2":  # no ACL DRYRUN: it shows when it is done
        assert found.startswith("warn") and f"cannot tell what {USER} may do" in found
        assert ask(proxy, "SWITCHOVER").startswith("CALLEDOFF promote: ")
    else:
        assert found.startswith("REFUSE") and f"{USER} may not REPLICAOF" in found
        assert ask(proxy, "SWITCHOVER").startswith("REFUSED commands: ")
    assert [node.info()["role"] for node in nodes] == ["master", "slave"]
    assert Talk(proxy.raw()).ask_all(f"AUTH {PASSWORD}", "SET fruit fig") == ["OK", "OK"]
    assert_kept_secret(proxy)


def test_a_user_who_may_not_even_say_who_it_is_is_named(nodes: Pair, baton: Start) -> None:
    for node in nodes:
        node.command("ACL", "SETUSER", USER, "-role")
    proxy = baton(*nodes, "--nodes-user", USER, environment={"BATON_NODES_PASSWORD": OWN})
    seen = view(proxy)
    for node in nodes:
        assert any(line.startswith(f"  {node.address}: ") and "NOPERM" in line for line in seen.nodes)
    assert seen.gate == "closed: no primary"
    for node in nodes:
        node.command("ACL", "SETUSER", USER, "+role")
    wait_open(proxy)
