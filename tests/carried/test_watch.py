"""WATCH comes along exactly: EXEC goes through where no key was touched, and is nil where one was."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.baton import BatonProcess
from tests.carried.scene import Scene
from tests.talking import Talk
from tests.valve import ValvedPair, at_gate
from tests.waiting import wait_until

BUY = ("MULTI", "SET bought 1", "EXEC")
BOUGHT = ["OK", "QUEUED", ["OK"]]
NOT_BOUGHT = ["OK", "QUEUED", None]


def watching(scene: Scene, *keys: str) -> Talk:
    talk = scene.talk()
    assert talk.ask("WATCH", *keys) == "OK"
    return talk


def test_where_no_key_was_touched_exec_goes_through_after_any_number_of_switchovers(scene: Scene) -> None:
    scene.primary.command("SET", "fruit", "fig")
    talk = watching(scene, "fruit", "missing")
    for _ in range(3):
        scene.switch()
        scene.bypass().ask("SET", "other", 1)
    assert talk.ask_all(*BUY) == BOUGHT
    assert talk.ask_all(*BUY) == BOUGHT


@pytest.mark.parametrize("when", ["before", "between", "after"])
@pytest.mark.parametrize("key", ["fruit", "missing"])
def test_a_key_that_was_touched_at_any_time_makes_exec_nil(scene: Scene, when: str, key: str) -> None:
    scene.primary.command("SET", "fruit", "fig")
    talk = watching(scene, "fruit", "missing")
    for moment in ("before", "between", "after"):
        if moment == when:
            scene.bypass().ask("APPEND", key, "!")
        if moment != "after":
            scene.switch()
    assert talk.ask_all(*BUY) == NOT_BOUGHT
    assert talk.ask_all(*BUY) == BOUGHT


def test_keys_of_several_databases_come_along_and_the_present_one_stays(scene: Scene) -> None:
    clean, dirty = scene.talk(), scene.talk()
    for talk in (clean, dirty):
        talk.ask_all("SELECT 1", "WATCH a b", "SELECT 5", "WATCH a", "SELECT 3")
    scene.switch()
    scene.primary.client(db=3).set("a", "another key of this name")
    assert clean.ask_all(*BUY) == BOUGHT
    assert scene.primary.client(db=3).get("bought") == "1"
    scene.primary.client(db=5).set("a", "touched")
    assert dirty.ask_all(*BUY) == NOT_BOUGHT


def test_a_key_that_expires_makes_exec_nil_as_redis_does(scene: Scene) -> None:
    scene.primary.command("SET", "fruit", "fig")
    talk = watching(scene, "fruit")
    scene.switch()
    scene.primary.command("PEXPIREAT", "fruit", 1)
    assert talk.ask_all(*BUY) == NOT_BOUGHT


def test_more_keys_than_are_kept_make_exec_nil_after_a_switchover_only(scene: Scene) -> None:
    many = [f"{'k' * 100}:{number}" for number in range(1000)]
    stays, moves = watching(scene, *many), watching(scene, *many)
    assert stays.ask_all(*BUY) == BOUGHT
    scene.switch()
    assert moves.ask_all(*BUY) == NOT_BOUGHT


def test_a_watch_begun_while_the_clients_are_held_sees_what_was_there(
    valved: ValvedPair, baton: Callable[..., BatonProcess]
) -> None:
    proxy = baton(valved.primary, valved.replica)
    early, late = Talk(proxy.raw()), Talk(proxy.raw())
    assert early.ask("WATCH", "fruit") == "OK"
    assert late.ask("PING") == "PONG"
    with valved.hold(proxy) as outcome:
        late.send("WATCH", "fruit")
        wait_until(lambda: at_gate(proxy) == 1, "the WATCH waits")
        valved.valve.open()
        assert outcome.result()["outcome"] == "done"
    assert late.reply() == "OK"
    for talk in (early, late):
        assert talk.ask_all(*BUY) == BOUGHT


def test_a_switchover_that_is_called_off_leaves_a_watch_as_it_was(
    valved: ValvedPair, baton: Callable[..., BatonProcess]
) -> None:
    proxy = baton(valved.primary, valved.replica)
    clean, dirty = Talk(proxy.raw()), Talk(proxy.raw())
    for talk in (clean, dirty):
        assert talk.ask("WATCH", f"of:{id(talk)}") == "OK"
    with valved.hold(proxy, budget_ms=200) as outcome:
        with pytest.raises(Exception, match="CALLEDOFF"):
            outcome.result()
        valved.valve.open()
    valved.primary.command("SET", f"of:{id(dirty)}", 1)
    assert clean.ask_all(*BUY) == BOUGHT
    assert dirty.ask_all(*BUY) == NOT_BOUGHT
