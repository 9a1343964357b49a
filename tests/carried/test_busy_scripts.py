"""A script that does not end: it can be killed through the proxy, and a switchover gives way to it."""

from __future__ import annotations

import time

import pytest
import redis

from tests.carried.scene import Scene
from tests.servers import RedisServer
from tests.talking import Talk
from tests.waiting import wait_until

ENDLESS = "while true do end"
LIBRARY = f"""#!lua name=endless
redis.register_function{{function_name='endless', callback=function() {ENDLESS} end,
    flags={{'no-writes'}}}}"""
BUDGET_MS = 300


@pytest.fixture(params=["SCRIPT", "FUNCTION"])
def kind(request: pytest.FixtureRequest, scene: Scene) -> str:
    """By what the node is made busy. Functions came with 7.0: before, there are scripts alone."""
    if request.param == "FUNCTION" and scene.primary.version != "6.2":
        assert scene.primary.command("FUNCTION", "LOAD", LIBRARY) == "endless"
        return "FUNCTION"
    return "SCRIPT"


def begin(scene: Scene, kind: str, talk: Talk) -> None:
    """Make the primary busy, and wait until it says so."""
    for node in scene.pair:
        node.command("CONFIG", "SET", "lua-time-limit", 20)
    talk.send(*(("FCALL", "endless", 0) if kind == "FUNCTION" else ("EVAL", ENDLESS, 0)))
    wait_until(lambda: is_busy(scene.pair.primary), "the script runs")


def is_busy(server: RedisServer) -> bool:
    return "BUSY" in str(Talk(server.raw()).ask("GET", "fruit"))


def test_a_busy_script_is_killed_through_the_proxy(scene: Scene, kind: str) -> None:
    busy, other, rescuer = (scene.talk() for _ in range(3))
    assert other.ask("SET", "fruit", "fig") == "OK"
    begin(scene, kind, busy)
    assert "BUSY" in str(other.ask("GET", "fruit"))  # its lane is its own: it is answered
    assert rescuer.ask(kind, "KILL") == "OK"  # on a lane that is opened now
    assert "killed by user" in str(busy.reply()).lower()
    assert other.ask("GET", "fruit") == "fig"
    assert "NOTBUSY" in str(rescuer.ask(kind, "KILL"))
    scene.switch()
    assert [talk.ask("GET", "fruit") for talk in (busy, other, rescuer)] == ["fig"] * 3


def test_a_switchover_meanwhile_gives_way_and_nobody_loses_a_connection(scene: Scene, kind: str) -> None:
    busy, other, blocked, rescuer = (scene.talk() for _ in range(4))
    assert other.ask("SET", "fruit", "fig") == "OK"
    assert rescuer.ask("PING") == "PONG"
    blocked.send("BLPOP", "list", 0)
    scene.wait_blocked(1)
    begin(scene, kind, busy)
    began = time.monotonic()
    with pytest.raises(redis.ResponseError) as told:
        scene.proxy.switchover(budget_ms=BUDGET_MS)
    assert str(told.value).startswith(("REFUSED ", "CALLEDOFF "))
    assert time.monotonic() - began < 10
    assert rescuer.ask(kind, "KILL") == "OK"
    assert "killed by user" in str(busy.reply()).lower()
    assert other.ask("GET", "fruit") == "fig"
    assert blocked.is_quiet()
    scene.switch()
    assert other.ask("RPUSH", "list", "fig") == 1
    assert blocked.reply() == ["list", "fig"]
    assert busy.ask("PING") == rescuer.ask("PING") == "PONG"
