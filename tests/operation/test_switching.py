"""Switching over as an operator has it: rehearsed, done, called off, remembered."""

import functools
import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio

from proxy.operation import switching
from proxy.relay.stage import Stage
from proxy.switchover.errors import Busy, CalledOff, Refused
from proxy.telling import Told
from tests.kills.places import PLACES, Place
from tests.operation.scene import Scene
from tests.servers import Pair, RedisServer
from tests.waiting import until

VERBS = {"hold": "drain"}
"""By step, the verb of the stage, where it is not called the same."""


def connections(node: RedisServer) -> set[str]:
    """Who is connected to it: the addresses in CLIENT LIST."""
    return set(re.findall(r"\baddr=(\S+)", node.command("CLIENT", "LIST")))


def at(place: Place, act: Callable[[], object]) -> type[Stage]:
    """A stage that acts once, before or after a step, and gives nobody a turn between the two."""
    verb = VERBS.get(place.step, place.step)
    original: Callable[..., Awaitable[Any]] = getattr(Stage, verb)
    act_once = functools.cache(act)

    async def perform(*arguments: Any, **named: Any) -> Any:
        if place.when == "before":
            act_once()
        answer = await original(*arguments, **named)
        if place.when == "after":
            act_once()
        return answer

    return type("ActingStage", (Stage,), {verb: perform})


async def test_a_switchover_is_done_counted_and_remembered(scene: Scene) -> None:
    client = await scene.client()
    assert await client.ask("SET", "k", "v") == "OK"
    report = await scene.operation.switchover(None, None)
    assert report.outcome == "done"
    assert await client.ask("GET", "k") == "v"
    assert [each.outcome for each in scene.operation.history()] == ["done"]
    assert scene.operation.info()["Switchover"]["switchovers_done"] == 1


# The dry run.


async def test_a_dry_run_holds_nobody_moves_nothing_and_leaves_nothing_behind(
    scene: Scene, pair: Pair, told: list[Told]
) -> None:
    client = await scene.client()
    assert await client.ask("SET", "k", "v") == "OK"
    await scene.operation.check(None)  # so that the links of the proxy's own are there
    before = connections(pair.replica)
    report = (await scene.operation.switchover(None, None, dry_run=True)).told()
    assert report["outcome"] == "dry run"
    assert report["steps_ms"].keys() == {"preflight", "warm"}  # type: ignore[attr-defined]
    assert not [each for each in told if each["event"] in ("+held", "+released")]
    assert pair.replica.info()["role"] == "slave"
    assert str(scene.route.primary) == pair.primary.address
    assert scene.operation.info()["Switchover"]["switchovers_done"] == 0
    await until(lambda: connections(pair.replica) <= before, "the warm lanes are gone")
    assert await client.ask("GET", "k") == "v"
    assert (await scene.operation.switchover(None, None)).outcome == "done"


async def test_a_dry_run_tells_no_client_of_a_failover(scene: Scene) -> None:
    client = await scene.client()
    await client.ask("HELLO", 3)
    assert await client.ask("CLIENT", "MAINT_NOTIFICATIONS", "ON") == "OK"
    await scene.operation.switchover(None, None, dry_run=True)
    assert await client.ask("ECHO", "nothing before this") == "nothing before this"


async def test_a_dry_run_finds_what_only_warm_lanes_find(scene: Scene, pair: Pair) -> None:
    pair.primary.command("ACL", "SETUSER", "u", "on", ">p", "~*", "+@all")
    client = await scene.client()
    assert await client.ask("AUTH", "u", "p") == "OK"
    assert await client.ask("SET", "k", "v") == "OK"
    with pytest.raises(Refused):
        await scene.operation.switchover(None, None, dry_run=True)
    assert scene.gate == []
    assert scene.operation.history()[0].told()["outcome"] == "refused"


# Calling it off.


async def test_there_is_nothing_to_cancel_where_nothing_is_under_way(scene: Scene) -> None:
    with pytest.raises(Refused, match=r"^cancel: no switchover is under way$"):
        scene.operation.cancel()
    await scene.operation.switchover(None, None)
    with pytest.raises(Refused, match=r"^cancel: no switchover is under way$"):
        scene.operation.cancel()


@pytest.mark.parametrize("place", PLACES, ids=str)
async def test_a_cancel_is_obeyed_up_to_the_edge_and_refused_from_there_on(
    scene: Scene, pair: Pair, monkeypatch: pytest.MonkeyPatch, place: Place
) -> None:
    answers: list[str] = []

    def cancel() -> None:
        try:
            answers.append(scene.operation.cancel())
        except Refused as fault:
            answers.append(str(fault))

    monkeypatch.setattr(switching, "Stage", at(place, cancel))
    client = await scene.client()
    assert await client.ask("SET", "k", "v") == "OK"
    if place.is_undone and place.step != "promote":
        with pytest.raises(CalledOff, match=r"^(warm|hold|pause|converge): cancelled by the operator$"):
            await scene.operation.switchover(None, None)
        assert answers == [place.step]
        assert str(scene.route.primary) == pair.primary.address
        assert pair.replica.info()["role"] == "slave"
        assert scene.operation.history()[0].told()["outcome"] == "called off"
    else:
        assert (await scene.operation.switchover(None, None)).outcome == "done"
        assert answers[0].startswith("cancel: too late, it is at ")
        assert str(scene.route.primary) == pair.replica.address
    assert scene.gate == []
    assert await client.ask("SET", "k", "w") == "OK"
    assert (await scene.operation.switchover(None, None)).outcome == "done"
    assert await client.ask("GET", "k") == "w"


async def test_a_cancel_in_the_preflight_is_obeyed(scene: Scene, pair: Pair) -> None:
    async with trio.open_nursery() as nursery:
        asked = trio.Event()

        async def ask() -> None:
            with pytest.raises(CalledOff, match=r"^preflight: cancelled by the operator$"):
                await scene.operation.switchover(None, None)
            asked.set()

        pair.replica.freeze()  # the preflight waits for it
        nursery.start_soon(ask)
        await until(lambda: scene.operation.status().get("step") == "preflight", "it is in preflight")
        assert scene.operation.cancel() == "preflight"
        await asked.wait()
        pair.replica.thaw()


async def test_who_is_cancelled_from_outside_leaves_no_switchover_under_way(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    with trio.CancelScope() as scope:
        monkeypatch.setattr(switching, "Stage", at(Place("before", "converge"), scope.cancel))
        await scene.operation.switchover(None, None)
    assert scope.cancelled_caught
    told = scene.operation.history()[0].told()
    assert (told["outcome"], told["why"]) == ("called off", "converge: the proxy is leaving")
    assert scene.gate == []
    await scene.operation.check(None)


# What is remembered.


async def test_the_last_hundred_are_remembered_the_refused_ones_too(scene: Scene) -> None:
    await scene.operation.switchover(None, None)
    for _ in range(switching.HISTORY_MAX):
        with pytest.raises(Refused):
            await scene.operation.switchover("127.0.0.1:1", None)
    history = scene.operation.history()
    assert len(history) == switching.HISTORY_MAX == 100
    numbers = [each.told()["number"] for each in history]
    assert numbers == list(range(101, 1, -1))
    assert {each.told()["kind"] for each in history} == {"REFUSED"}


async def test_beside_a_switchover_nothing_else_that_moves_anything_is_begun(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, nursery: trio.Nursery
) -> None:
    reached, go_on = trio.Event(), trio.Event()

    async def converge(stage: Stage) -> None:
        reached.set()
        await go_on.wait()

    monkeypatch.setattr(switching, "Stage", type("SlowStage", (Stage,), {"converge": converge}))
    nursery.start_soon(scene.operation.switchover, None, None)
    await reached.wait()
    operation, node = scene.operation, str(scene.route.nodes[1])
    for ask in (
        lambda: operation.switchover(None, None),
        lambda: operation.check(None),
        lambda: operation.hold(100),
        lambda: operation.add_node(node),
        lambda: operation.remove_node(node),
        lambda: operation.resolve(node),
    ):
        with pytest.raises(Busy, match="a switchover is under way"):
            await ask()
    go_on.set()
    await until(lambda: scene.operation.status()["state"] == "done", "it is done")
