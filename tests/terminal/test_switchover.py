"""`baton switchover`: each exit status by a real case, the steps as they happen, and what Ctrl-C does."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable
from typing import Any

import pytest

from proxy.admin.console.encoding import Error, Line, Reply
from tests.baton import BatonProcess
from tests.servers import Pair, RedisServer
from tests.terminal.conftest import LIMIT_S, Ask, begin
from tests.terminal.pretend import HangUp, PretendConsole
from tests.valve import ValvedPair, step
from tests.waiting import wait_until

Start = Callable[..., BatonProcess]

IN_ORDER = ["preflight", "warm", "gate closed", "hold", "pause", "converge", "promote"]
BESIDE_EACH_OTHER = {"demote", "swap", "gate open"}
REPORT: dict[str, Reply] = {
    "outcome": "done",
    "from": "a:1",
    "to": "b:2",
    "hold_ms": "1.250",
    "steps_ms.preflight": "3.000",
    "steps_ms.warm": "0.000",
    "clients_carried": 2,
    "clients_closed": 0,
    "clients_held": 1,
    "full_resyncs": 0,
    "notes": "",
}


def primary(nodes: Pair | ValvedPair) -> RedisServer:
    """The one of both that says it is primary."""
    [one] = [node for node in (nodes.primary, nodes.replica) if node.info()["role"] == "master"]
    return one


def shown_steps(lines: list[str]) -> list[str]:
    """What stands before the report."""
    shown = lines[: [line.split()[0] for line in lines].index("outcome")]
    return [
        line if line.startswith("gate closed") else re.sub(r" +\d+\.\d{3} ms$", "", line) for line in shown
    ]


def test_each_step_is_a_line_with_its_time_and_the_report_is_a_table(pair: Pair, ask: Ask) -> None:
    said = ask("switchover")
    assert (said.status, said.err) == (0, "")
    steps = shown_steps(said.lines)
    assert steps[: len(IN_ORDER)] == IN_ORDER
    assert set(steps[len(IN_ORDER) : -1]) == BESIDE_EACH_OTHER
    assert steps[-1] == "settle"
    told = {line[:19].strip(): line[19:].split() for line in said.lines[len(steps) :]}
    assert told["outcome"] == ["done"]
    assert (told["from"], told["to"]) == ([pair.primary.address], [pair.replica.address])
    assert told["clients held for"][1] == "ms"
    assert float(told["preflight"][0]) > 0
    assert primary(pair) is pair.replica
    assert all(line == line.rstrip() for line in said.lines)


def test_with_json_stdout_is_one_object_and_nothing_else(pair: Pair, ask: Ask) -> None:
    said = ask("switchover", pair.replica.address, "--budget", 2000, "--json")
    assert (said.status, said.err, said.out.count("\n")) == (0, "", 1)
    report = said.json
    assert (report["outcome"], report["from"], report["to"]) == (
        "done",
        pair.primary.address,
        pair.replica.address,
    )
    assert report["hold_ms"] > 0
    assert list(report["steps_ms"])[:3] == ["preflight", "warm", "hold"]
    assert all(isinstance(ms, float) for ms in report["steps_ms"].values())
    assert report["clients_closed"] == 0
    assert isinstance(report["notes"], list)


def test_a_dry_run_moves_nothing(pair: Pair, ask: Ask) -> None:
    said = ask("switchover", "--dry-run")
    assert said.status == 0
    assert shown_steps(said.lines) == ["preflight", "warm"]
    assert ask("switchover", "--dry-run", "--json").json["outcome"] == "dry run"
    assert primary(pair) is pair.primary


def test_a_refused_one_ends_with_3(pair: Pair, ask: Ask) -> None:
    said = ask("switchover", "127.0.0.1:1")
    assert (said.status, said.out) == (3, "")
    assert said.mistake.startswith("candidate: 127.0.0.1:1 is not among the nodes")
    said = ask("switchover", "127.0.0.1:1", "--json")
    assert (said.status, said.err, said.json["outcome"]) == (3, "", "refused")
    assert said.json["why"].startswith("candidate: ")
    assert primary(pair) is pair.primary


def test_one_that_is_called_off_ends_with_4(valved: ValvedPair, baton: Start, run: Ask) -> None:
    proxy = baton(valved.primary, valved.replica)
    valved.valve.shut()
    valved.primary.command("SET", "lag", "x")
    said = run("switchover", "--budget", 100, "--admin", f"127.0.0.1:{proxy.admin_port}")
    assert said.status == 4
    assert said.mistake.startswith("converge: not within the budget of 100 ms")
    assert shown_steps([*said.lines, "outcome"])[-2:] == ["pause", "gate open"]
    assert primary(valved) is valved.primary


def test_beside_another_one_it_ends_with_5(valved: ValvedPair, baton: Start, run: Ask) -> None:
    proxy = baton(valved.primary, valved.replica)
    admin = f"127.0.0.1:{proxy.admin_port}"
    with valved.hold(proxy):
        said = run("switchover", "--admin", admin)
        assert (said.status, said.out) == (5, ""), "the steps of the other one are not shown as its own"
        assert said.mistake.startswith("a switchover is under way (converge: ")
        assert run("switchover", "--admin", admin, "--json").json["outcome"] == "busy"
        assert run("check", "--admin", admin).status == 5
        assert run("hold", "--admin", admin).status == 5
    assert run("hold", "--admin", admin).status == 0
    assert run("switchover", "--admin", admin).status == 5


def test_without_a_proxy_it_ends_with_1_in_one_line(run: Ask) -> None:
    said = run("switchover", "--admin", "127.0.0.1:1")
    assert (said.status, said.out) == (1, "")
    assert said.mistake.startswith("cannot reach baton at 127.0.0.1:1: Connection refused")
    said = run("switchover", "--admin", "127.0.0.1:1", "--json")
    assert (said.status, said.json["outcome"]) == (1, "unreachable")


def test_one_that_is_promoted_and_not_finished_ends_with_1_since_somebody_has_to_look(
    run: Ask, console: PretendConsole
) -> None:
    console.answers["SWITCHOVER"] = REPORT | {"outcome": "promoted", "notes": "a:1 does not follow yet; so"}
    said = run("switchover")
    assert said.status == 1
    assert [line[5:].strip() for line in said.lines if line.startswith("note ")] == [
        "a:1 does not follow yet",
        "so",
    ]
    said = run("switchover", "--json")
    assert (said.status, said.json["outcome"], said.json["notes"]) == (
        1,
        "promoted",
        ["a:1 does not follow yet", "so"],
    )
    assert said.json["steps_ms"] == {"preflight": 3.0}


def test_a_proxy_that_goes_meanwhile_is_told_with_where_to_look(run: Ask, console: PretendConsole) -> None:
    def hang_up() -> Reply:
        raise HangUp

    console.answers["SWITCHOVER"] = hang_up
    said = run("switchover")
    assert said.status == 1
    assert said.mistake.endswith("what became of the switchover: baton status")


def test_a_console_without_events_is_asked_all_the_same(run: Ask, console: PretendConsole) -> None:
    console.answers["SWITCHOVER"] = REPORT
    said = run("switchover")
    assert said.status == 0
    assert said.lines[0].split() == ["outcome", "done"]


def test_nothing_that_was_told_is_obeyed_by_the_terminal(run: Ask, console: PretendConsole) -> None:
    def report() -> Reply:
        console.tell("+switchover", switchover=1)
        console.tell("-promotion-unknown", switchover=1, why="\x1b[2J")
        console.tell("\x1b[2J", switchover=1)
        return REPORT | {"notes": "\x1b[2Jgone"}

    console.answers["SUBSCRIBE"] = None
    console.answers["SWITCHOVER"] = report
    said = run("switchover")
    assert "gone" in said.out and "does not answer" in said.out
    assert "\x1b" not in said.out


def test_the_steps_of_another_one_are_not_shown_as_its_own(run: Ask, console: PretendConsole) -> None:
    def report() -> Reply:
        console.tell("+paused", switchover=3, ms=1.0)
        console.tell("-client-closed", client=7, why="did not read")
        console.tell("+switchover", switchover=4)
        console.tell("+settled", switchover=3, ms=1.0)
        console.tell("+preflight", switchover=4, ms=2.0)
        console.tell("+switched-over", switchover=4, outcome="done")
        return REPORT

    console.answers["SUBSCRIBE"] = None
    console.answers["SWITCHOVER"] = report
    assert shown_steps(run("switchover").lines) == ["preflight"]


class TestIfPrimary:
    """What a hook wants that runs before a node goes."""

    def test_a_node_that_is_not_the_primary_may_go(self, pair: Pair, ask: Ask) -> None:
        said = ask("switchover", "--if-primary", pair.replica.address)
        assert said.status == 0
        assert said.lines == [f"{pair.replica.address} is not the primary, {pair.primary.address} is"]
        said = ask("switchover", "--if-primary", pair.replica.address, "--json")
        assert (said.status, said.json["outcome"]) == (0, "not the primary")
        assert primary(pair) is pair.primary

    def test_the_primary_is_relieved_first(self, pair: Pair, ask: Ask) -> None:
        local = f"localhost:{pair.primary.port}"
        assert ask("switchover", "--if-primary", local, "--json").json["outcome"] == "done"
        assert primary(pair) is pair.replica
        assert ask("switchover", "--if-primary", local).lines[0].startswith(f"{local} is not the primary")

    def test_a_node_that_is_none_of_the_proxy_is_a_failure(self, pair: Pair, ask: Ask) -> None:
        said = ask("switchover", "--if-primary", "127.0.0.1:1")
        assert said.status == 1
        assert said.mistake.startswith("127.0.0.1:1 is not among the nodes of ")

    def test_a_switchover_of_somebody_else_is_waited_for(
        self, valved: ValvedPair, baton: Start, console: PretendConsole
    ) -> None:
        proxy = baton(valved.primary, valved.replica)
        with valved.hold(proxy):
            hook = begin("switchover", "--if-primary", valved.primary.address, admin=proxy.admin_port)
            wait_until(lambda: proxy.log().count("SWITCHOVER") >= 3, "the hook has asked, and again")
        out, err = hook.communicate(timeout=LIMIT_S)
        assert (hook.returncode, err) == (0, "")
        assert out == f"{valved.primary.address} is not the primary, {valved.replica.address} is\n"


class TestCtrlC:
    def test_it_calls_the_switchover_off(self, valved: ValvedPair, baton: Start) -> None:
        proxy = baton(valved.primary, valved.replica)
        valved.valve.shut()
        valved.primary.command("SET", "lag", "x")
        person = begin("switchover", "--budget", "20000", admin=proxy.admin_port)
        wait_until(lambda: step(proxy) == "converge", "it holds")
        person.send_signal(signal.SIGINT)
        out, err = person.communicate(timeout=LIMIT_S)
        assert person.returncode == 4
        assert "cancelled: converge" in out
        assert err.startswith("baton: converge: ")
        assert proxy.client().set("key", "value")
        assert primary(valved) is valved.primary

    def test_too_late_it_is_carried_through_and_a_second_one_leaves_it_alone(
        self, console: PretendConsole
    ) -> None:
        reached: list[Any] = []

        def never() -> Reply:
            console.tell("+switchover", switchover=4)
            console.tell("+promoted", switchover=4, ms=1.0)
            reached.append(True)
            wait_until(lambda: len(reached) > 1, "the end of the test", LIMIT_S)
            return None

        console.answers["SUBSCRIBE"] = None
        console.answers["SWITCHOVER"] = never
        console.answers["SWITCHOVER CANCEL"] = Error("REFUSED cancel: too late, it is at demote")
        person = begin("switchover", admin=console.port)
        wait_until(lambda: reached, "it is asked")
        person.send_signal(signal.SIGINT)
        wait_until(lambda: "SWITCHOVER CANCEL" in console.asked, "it is to be cancelled")
        assert person.poll() is None
        person.send_signal(signal.SIGINT)
        out, err = person.communicate(timeout=LIMIT_S)
        reached.append(True)
        assert (person.returncode, err) == (130, "")
        assert "not cancelled: cancel: too late, it is at demote; it is carried through" in out
        assert "baton status tells" in out
        assert console.asked.count("SWITCHOVER CANCEL") == 1

    def test_whoever_ends_leaves_a_switchover_that_is_carried_through(
        self, valved: ValvedPair, baton: Start
    ) -> None:
        proxy = baton(valved.primary, valved.replica)
        valved.valve.shut()
        valved.primary.command("SET", "lag", "x")
        person = begin("switchover", "--budget", "20000", admin=proxy.admin_port)
        wait_until(lambda: step(proxy) == "converge", "it holds")
        person.kill()
        person.communicate()
        valved.valve.open()
        wait_until(lambda: valved.replica.info()["role"] == "master", "it is carried through")


class TestCancel:
    def test_somebody_elses_is_called_off(self, valved: ValvedPair, baton: Start, run: Ask) -> None:
        proxy = baton(valved.primary, valved.replica)
        with valved.hold(proxy) as switchover:
            said = run("switchover", "--cancel", "--admin", f"127.0.0.1:{proxy.admin_port}")
            assert (said.status, said.lines) == (0, ["converge"])
            assert "CALLEDOFF" in str(switchover.exception())
        assert primary(valved) is valved.primary

    def test_where_there_is_none_it_is_refused(self, ask: Ask) -> None:
        said = ask("switchover", "--cancel")
        assert (said.status, said.mistake) == (3, "cancel: no switchover is under way")


def test_a_line_is_all_that_a_cancel_answers(run: Ask, console: PretendConsole) -> None:
    console.answers["SWITCHOVER CANCEL"] = Line("hold")
    assert run("switchover", "--cancel", "--json").json == {"outcome": "cancelled", "why": "hold"}


@pytest.mark.parametrize("kind", ["NOAUTH Authentication required.", "ERR internal: x: y"])
def test_any_other_error_ends_with_1(kind: str, run: Ask, console: PretendConsole) -> None:
    console.answers["SWITCHOVER"] = Error(kind)
    said = run("switchover")
    assert said.status == 1
    assert said.mistake
