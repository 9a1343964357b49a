"""`baton check`, `status`, `nodes`, `clients`, `history`, `hold`, `release`: asked of a real proxy."""

from __future__ import annotations

import os
import signal

import pytest

from proxy.admin.console.encoding import Line, Text
from tests.baton import BatonProcess
from tests.servers import Pair
from tests.terminal.conftest import LIMIT_S, Ask, begin
from tests.terminal.pretend import PretendConsole
from tests.waiting import wait_until


def test_check_ends_with_0_where_nothing_refuses(pair: Pair, ask: Ask) -> None:
    said = ask("check")
    assert (said.status, said.err) == (0, "")
    assert said.lines[0].startswith("ok ") and said.lines[-1] == "it may begin"
    told = ask("check", pair.replica.address, "--json")
    assert (told.status, told.json["outcome"]) == (0, "ok")
    assert [each["name"] for each in told.json["findings"]][:2] == ["role", "cluster"]


def test_check_ends_with_3_and_names_what_refuses(pair: Pair, ask: Ask) -> None:
    pair.replica.command("CONFIG", "SET", "replica-read-only", "no")
    said = ask("check")
    assert said.status == 3
    assert said.lines[-1] == "refused by read-only"
    told = ask("check", "--json")
    assert (told.status, told.json["outcome"]) == (3, "refused")
    assert [each["name"] for each in told.json["findings"] if each["verdict"] == "refuse"] == ["read-only"]
    said = ask("check", "127.0.0.1:1")
    assert (said.status, said.mistake.partition(":")[0]) == (3, "candidate")


def test_status_tells_how_things_stand(pair: Pair, ask: Ask, proxy: BatonProcess) -> None:
    client = proxy.client()
    client.ping()
    said = ask("status")
    assert said.status == 0
    told = {line[:12].strip(): line[12:].strip() for line in said.lines}
    assert (told["primary"], told["gate"], told["switchover"]) == (pair.primary.address, "open", "none yet")
    assert told["clients"] == "1, 0 waiting"
    proxy.switchover()
    told_json = ask("status", "--json").json
    assert told_json["primary"] == pair.replica.address
    assert told_json["switchover"]["state"] == "done"
    assert {node["address"] for node in told_json["nodes"]} == {pair.primary.address, pair.replica.address}
    assert isinstance(told_json["switchover"]["hold_ms"], float)


def test_nodes_tell_role_link_and_lag_and_what_is_wrong(pair: Pair, ask: Ask) -> None:
    said = ask("nodes")
    assert (said.status, said.lines[0].split()) == (0, ["node", "role", "link", "lag", "version"])
    [primary, replica] = (line.split() for line in said.lines[1:])
    assert primary[:2] == [pair.primary.address, "primary"]
    assert replica[:5] == [pair.replica.address, "replica", "up", "0", "B"]
    assert [node["leads"] for node in ask("nodes", "--json").json] == [True, False]
    pair.replica.kill()
    wait_until(lambda: ask("nodes", "--json").json[1]["role"] == "unknown", "it is noticed")
    assert "Connection refused" in ask("nodes").lines[2]


def test_clients_are_listed_filtered_and_closed(ask: Ask, proxy: BatonProcess) -> None:
    one, other = proxy.client(client_name="one"), proxy.client(client_name="other", db=1)
    assert one.ping() and other.ping()
    said = ask("clients")
    assert (said.status, len(said.lines)) == (0, 3)
    assert said.lines[0].split()[:4] == ["id", "addr", "user", "name"]
    [told] = ask("clients", "--name", "other", "--json").json
    assert (told["name"], told["db"], told["user"]) == ("other", 1, "default")
    assert len(ask("clients", "--limit", 1, "--json").json) == 1
    assert ask("clients", "--user", "nobody", "--state", "blocked", "--db", 3, "--json").json == []
    said = ask("clients", "kill", told["id"])
    assert (said.status, said.lines) == (0, [f"client {told['id']} is closed"])
    wait_until(lambda: len(ask("clients", "--json").json) == 1, "it has gone")
    said = ask("clients", "kill", told["id"])
    assert (said.status, said.mistake) == (1, f"no client has the id {told['id']}; CLIENTS tells them")


def test_where_the_console_is_may_be_said_before_kill_and_behind_it(run: Ask, proxy: BatonProcess) -> None:
    admin = f"127.0.0.1:{proxy.admin_port}"
    for words in (["clients", "--admin", admin, "kill", 99], ["clients", "kill", 99, "--admin", admin]):
        assert run(*words).mistake.startswith("no client has the id 99")


def test_history_tells_the_last_ones_the_newest_first(pair: Pair, ask: Ask) -> None:
    assert ask("history").lines == ["none yet"]
    assert ask("history", "--json").json == []
    assert ask("switchover", "127.0.0.1:1").status == 3
    assert ask("switchover").status == 0
    said = ask("history")
    assert [line.split()[0] for line in said.lines] == ["#", "2", "1"]
    assert "refused" in said.lines[2] and "is not among the nodes" in said.lines[2]
    done, refused = ask("history", "--json").json
    assert (done["outcome"], done["from"], done["to"]) == ("done", pair.primary.address, pair.replica.address)
    assert done["steps_ms"]["promote"] > 0
    assert (refused["outcome"], refused["kind"]) == ("refused", "REFUSED")
    assert len(ask("history", 1, "--json").json) == 1


def test_hold_closes_the_gate_and_release_opens_it(ask: Ask, proxy: BatonProcess) -> None:
    said = ask("hold", 20_000)
    assert said.status == 0
    assert said.out.startswith("the gate is closed, for ")
    assert ask("status", "--json").json["gate"] == "closed: by hand"
    said = ask("release")
    assert said.status == 0
    assert said.out.startswith("the gate is open; it was closed for ")
    assert proxy.client().ping()
    said = ask("release")
    assert (said.status, said.mistake) == (3, "release: the clients are not held by hand")


def test_a_proxy_that_does_not_answer_is_not_waited_for_long(
    run: Ask, proxy: BatonProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.terminal.watching.ANSWER_S", 0.2)
    os.kill(proxy.pid, signal.SIGSTOP)
    said = run("watch", "--once", "--admin", f"127.0.0.1:{proxy.admin_port}")
    os.kill(proxy.pid, signal.SIGCONT)
    assert said.status == 1
    assert said.mistake.endswith("no answer in time; --admin or BATON_ADMIN tells where it is")


def test_what_is_no_console_of_baton_is_told(pair: Pair, run: Ask, console: PretendConsole) -> None:
    said = run("check", "--admin", pair.primary.address)
    assert said.status == 1
    assert said.mistake.startswith(
        f"{pair.primary.address} does not know this; is it the admin port of a baton"
    )
    console.answers["INFO server clients stats route nodes switchover"] = Line("what?")
    assert run("status").status == 0


def test_what_info_says_is_read_as_it_is_meant(run: Ask, console: PretendConsole) -> None:
    told = (
        "# Route\r\nprimary:redis-a:6379\r\ngate:closed: by hand, no primary\r\nwaiting_clients:3\r\n"
        "# Nodes\r\nnode0:address=[::1]:6379,role=unknown,leads=0,follows=,link=down,offset=-1,lag=-1,"
        "version=7.10,why=no answer: gone\r\nbaton_version:1.10\r\n"
    )
    console.answers["INFO server clients stats route nodes switchover"] = Text(told)
    console.answers["SWITCHOVER STATUS"] = {"state": "none yet"}
    shown = run("status", "--json").json
    assert shown["gate"] == "closed: by hand, no primary"
    assert (shown["waiting_clients"], shown["baton_version"]) == (3, "1.10")
    [node] = shown["nodes"]
    assert (node["address"], node["version"], node["why"]) == ("[::1]:6379", "7.10", "no answer: gone")
    assert (node["lag"], node["leads"]) == (-1, False)
    assert "no answer: gone" in run("status").out


def test_colour_is_only_for_a_terminal_and_not_with_no_color(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "\x1b" not in ask("status").out
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert "\x1b[" in ask("status").out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[3" not in ask("status").out


@pytest.mark.parametrize("words", [["check"], ["check", "--json"]], ids=" ".join)
def test_whoever_has_read_enough_is_not_told_of_a_broken_pipe(words: list[str], proxy: BatonProcess) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with begin(*words, admin=proxy.admin_port, stdout=writing) as person:
        os.close(writing)
        _, err = person.communicate(timeout=LIMIT_S)
    assert (person.returncode, err) == (1, "")
