"""CLIENT REPLY OFF and SKIP: what is set up under them is known, executed once, and carried."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.baton import BatonProcess
from tests.carried.scene import Scene
from tests.talking import Talk
from tests.valve import ValvedPair, at_gate
from tests.waiting import wait_until

NOT_ALLOWED = "user quiet on >pw ~* &* +@all -client"


def test_off_stays_off_and_every_command_is_executed_once(scene: Scene) -> None:
    talk = scene.talk()
    talk.send_all("CLIENT REPLY OFF", "SELECT 2", *["INCR n"] * 100)
    for _ in range(2):
        scene.switch()
        talk.send_all(*["INCR n"] * 100)
    assert talk.ask("CLIENT", "REPLY", "ON") == "OK"
    assert talk.ask("GET", "n") == "300"
    assert scene.primary.client(db=2).get("n") == "300"


def test_a_skip_is_not_used_up_by_a_switchover(scene: Scene) -> None:
    talk = scene.talk()
    talk.send("CLIENT", "REPLY", "SKIP")
    wait_until(lambda: "silent" in str(scene.proxy.admin("CLIENTS")), "it is known")
    scene.switch()
    talk.send_all("INCR n", "INCR n", "INCR n")
    assert talk.replies(2) == [2, 3]
    assert talk.is_quiet()


def test_what_is_set_up_without_an_answer_is_carried(scene: Scene) -> None:
    talk = scene.talk()
    talk.send_all("CLIENT REPLY OFF", "SELECT 3", "CLIENT SETNAME quiet", "MULTI", "SET in multi")
    scene.switch()
    talk.send_all("EXEC", "SUBSCRIBE news")
    assert talk.reply() == ["subscribe", "news", 1]
    scene.switch()
    scene.bypass().ask("PUBLISH", "news", "heard")
    assert talk.reply() == ["message", "news", "heard"]
    assert "quiet" in [line["name"] for line in scene.primary.client().client_list()]
    assert scene.primary.client(db=3).get("in") == "multi"


def test_a_blocked_command_without_an_answer_is_carried_and_takes_its_element(scene: Scene) -> None:
    talk = scene.talk()
    talk.send_all("CLIENT REPLY OFF", "BLPOP list 0")
    scene.wait_blocked(1)
    scene.switch()
    scene.wait_blocked(1)
    scene.bypass().ask("RPUSH", "list", "fig", "pear")
    assert talk.ask("CLIENT", "REPLY", "ON") == "OK"
    assert talk.ask("LRANGE", "list", 0, -1) == ["pear"]


def test_commands_held_without_an_answer_are_executed(
    valved: ValvedPair, baton: Callable[..., BatonProcess]
) -> None:
    proxy = baton(valved.primary, valved.replica)
    talk = Talk(proxy.raw())
    talk.send("CLIENT", "REPLY", "OFF")
    wait_until(lambda: "silent" in str(proxy.admin("CLIENTS")), "it is known")
    with valved.hold(proxy) as outcome:
        talk.send_all("INCR n", "INCR n", "CLIENT REPLY ON", "GET n")
        wait_until(lambda: at_gate(proxy) == 1, "they wait")
        valved.valve.open()
        assert outcome.result()["outcome"] == "done"
    assert talk.replies(2) == ["OK", "2"]


@pytest.mark.parametrize("mode", ["OFF", "SKIP"])
def test_who_may_not_do_that_is_told_so_and_goes_on_being_answered(scene: Scene, mode: str) -> None:
    for node in scene.pair:
        node.command("ACL", "SETUSER", *NOT_ALLOWED.split()[1:])
    talk, direct = scene.talk(), Talk(scene.primary.raw())
    asked = ["AUTH quiet pw", f"CLIENT REPLY {mode}", "ECHO a", "ECHO b"]
    answers = direct.ask_all(*asked)
    assert [str(answer) for answer in talk.ask_all(*asked)] == [str(answer) for answer in answers]
    assert str(answers[1]).startswith("NOPERM")
    scene.switch()
    assert talk.ask("ECHO", "c") == "c"
