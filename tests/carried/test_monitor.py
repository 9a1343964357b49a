"""MONITOR goes on over a switchover: every command once, in order, from one node, then from the other."""

from __future__ import annotations

import re

import pytest

from tests.carried.scene import Scene
from tests.talking import Talk
from tests.waiting import wait_until

LINE = re.compile(r'\d+\.\d+ \[(\d+) \S+\] "SET" "n" "(\d+)"$')


def watched(scene: Scene, protocol: int) -> Talk:
    talk = scene.talk()
    talk.ask("HELLO", protocol)
    assert talk.ask("MONITOR") == "OK"
    return talk


def numbers(talk: Talk, last: int) -> list[int]:
    """The values that SET n was seen to set, up to the last one."""
    seen: list[int] = []
    while not seen or seen[-1] != last:
        if found := LINE.match(str(talk.reply())):
            seen.append(int(found[2]))
    return seen


@pytest.mark.parametrize("protocol", [2, 3])
def test_every_command_is_seen_once_and_in_order(scene: Scene, protocol: int) -> None:
    eye, hand = watched(scene, protocol), scene.talk()
    for turn in range(3):
        for number in range(20):
            assert hand.ask("SET", "n", 20 * turn + number) == "OK"
        scene.switch()
    scene.bypass().ask("SET", "n", 60)
    assert numbers(eye, 60) == list(range(61))


def test_commands_that_flow_all_the_while_are_seen_once(scene: Scene) -> None:
    eye, hand = watched(scene, 2), scene.talk()
    for turn in range(5):
        for number in range(500):
            hand.send("SET", "n", 500 * turn + number)
        scene.switch()
        assert hand.replies(500) == ["OK"] * 500
    assert numbers(eye, 2499) == list(range(2500))


def test_asking_for_it_again_is_not_answered_and_holds_up_no_switchover(scene: Scene) -> None:
    for first in (("MONITOR",), ("MONITOR", "MONITOR")):
        eye = scene.talk()
        eye.send_all(*first, "MONITOR", "RESET", "ECHO x")
        heard = [eye.reply()]
        while heard[-1] != "x":
            heard.append(eye.reply())
        assert [each for each in heard if "] " not in each] == ["OK", "RESET", "x"]
        eye.send_all("MONITOR", "MONITOR")
        scene.switch()


def test_it_can_be_ended_and_then_the_connection_serves_as_any_other(scene: Scene) -> None:
    eye = watched(scene, 2)
    scene.switch()
    eye.send("RESET")
    wait_until(lambda: eye.reply() == "RESET", "it has ended")
    scene.switch()
    scene.bypass().ask("SET", "n", 1)
    assert eye.ask("GET", "n") == "1"
    assert eye.is_quiet()


def test_what_a_monitor_sets_up_is_carried_with_it(scene: Scene) -> None:
    eye = watched(scene, 2)
    eye.send("SELECT", 3)
    wait_until(lambda: eye.reply() == "OK", "it is in another database")
    scene.switch()
    eye.send("RESET")
    wait_until(lambda: eye.reply() == "RESET", "it has ended")
    assert eye.ask("SET", "here", 0) == "OK"
    assert scene.primary.command("GET", "here") == "0"


def test_it_needs_no_command_of_its_own_to_go_on(scene: Scene) -> None:
    """The warm lane dies with the old primary's role; the one opened in its place is a monitor again."""
    eye, hand = watched(scene, 3), scene.talk()
    scene.switch()
    scene.switch()
    hand.ask("SET", "n", 5)
    assert numbers(eye, 5) == [5]


def test_a_second_monitor_is_answered_by_nobody_as_on_redis(scene: Scene) -> None:
    for eye in (scene.bypass(), scene.talk()):
        eye.send_all("MONITOR", "MONITOR", "ECHO end")
        said: list[str] = []
        while not said or said[-1] != "end":
            reply = eye.reply()
            said += [] if re.match(r"\d+\.\d+ \[", str(reply)) else [reply]
        assert said == ["OK", "end"]
    scene.switch()
