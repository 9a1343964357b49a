"""Notices of a switchover: who asked for them is told before the hold and after it, between two replies."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis
from redis.maint_notifications import MaintNotificationsConfig

from tests.baton import BatonProcess
from tests.carried.scene import Scene
from tests.talking import Talk
from tests.valve import ValvedPair, at_gate
from tests.waiting import wait_until

ASK = ("CLIENT", "MAINT_NOTIFICATIONS", "ON", "moving-endpoint-type", "internal-ip")
BEGIN, END = b">3\r\n$12\r\nFAILING_OVER\r\n:%d\r\n:1\r\n", b">2\r\n$11\r\nFAILED_OVER\r\n:%d\r\n"


def told(talk: Talk) -> Talk:
    """Ask for notices as redis-py does."""
    talk.ask("HELLO", 3)
    assert talk.ask(*ASK) == "OK"
    return talk


def test_who_asked_for_it_is_told_of_every_switchover_and_nobody_else_is(scene: Scene) -> None:
    yes, no, off, reset, two = told(scene.talk()), scene.talk(), *(told(scene.talk()) for _ in range(3))
    no.ask("HELLO", 3)
    assert off.ask("CLIENT", "MAINT_NOTIFICATIONS", "OFF") == "OK"
    assert reset.ask("RESET") == "RESET"
    assert reset.ask("HELLO", 3)
    two.ask("HELLO", 2)
    for number in (1, 2):
        scene.switch()
        yes.expect(BEGIN % number + END % number)
    for talk in (no, off, reset, two):
        assert talk.ask("PING") == "PONG"
        assert talk.is_quiet()


def test_asked_for_in_a_pipeline_with_hello_or_in_multi_it_is_given(scene: Scene) -> None:
    talk = scene.talk()
    talk.send_all("HELLO 3", "MULTI", " ".join(ASK), "ECHO a", "EXEC")
    assert talk.replies(5)[1:] == ["OK", "QUEUED", "QUEUED", ["OK", "a"]]
    scene.switch()
    talk.expect(BEGIN % 1 + END % 1)


@pytest.mark.parametrize("words", [("ON", "option"), ("OFF", "x", "y"), ("perhaps",), ()])
def test_what_is_misspelt_is_a_syntax_error(scene: Scene, words: tuple[str, ...]) -> None:
    talk = scene.talk()
    assert str(talk.ask("CLIENT", "MAINT_NOTIFICATIONS", *words)) == "ERR syntax error"
    assert talk.ask("PING") == "PONG"


def test_a_switchover_that_is_called_off_is_over_too(
    valved: ValvedPair, baton: Callable[..., BatonProcess]
) -> None:
    proxy = baton(valved.primary, valved.replica)
    talk = told(Talk(proxy.raw()))
    with valved.hold(proxy, budget_ms=300) as outcome:
        talk.expect(BEGIN % 1)
        talk.send("ECHO", "held")
        with pytest.raises(redis.ResponseError, match="CALLEDOFF"):
            outcome.result()
        valved.valve.open()
    seen = talk.replies(2)  # in whatever order: the gate opens for both
    assert ["FAILED_OVER", 1] in seen and "held" in seen


def test_a_notice_stands_between_two_replies_though_the_client_reads_slowly(scene: Scene) -> None:
    value = "x" * 30_000_000
    scene.primary.command("SET", "large", value)
    assert scene.primary.command("WAIT", 1, 5000) == 1
    talk = told(scene.talk())
    talk.send_all("GET large", "ECHO behind")
    scene.switch()
    seen = talk.replies(4)
    assert seen.index(value) < seen.index("behind")
    assert seen.index(["FAILING_OVER", 1, 1]) < seen.index(["FAILED_OVER", 1])


def hasty(proxy: BatonProcess, enabled: Any) -> redis.Redis:
    """A client that waits 0.2 s for an answer, and longer while it knows of maintenance."""
    config = MaintNotificationsConfig(enabled=enabled, relaxed_timeout=20)
    return proxy.client(protocol=3, socket_timeout=0.2, maint_notifications_config=config)


def test_redis_py_waits_longer_than_its_timeout_because_it_was_told(
    valved: ValvedPair, baton: Callable[..., BatonProcess]
) -> None:
    proxy = baton(valved.primary, valved.replica)
    informed, unaware = hasty(proxy, True), hasty(proxy, False)
    assert informed.ping() and unaware.ping()
    with valved.hold(proxy) as outcome:
        with pytest.raises(redis.TimeoutError):
            unaware.set("unaware", 1)
        with ThreadPoolExecutor(1) as pool:
            slow = pool.submit(informed.set, "informed", 1)
            wait_until(lambda: at_gate(proxy) == 2, "both commands wait")
            with pytest.raises(TimeoutError):
                slow.result(0.5)
            valved.valve.open()
            assert slow.result(20)
        assert outcome.result()["outcome"] == "done"
    [connection] = informed.connection_pool._available_connections
    assert informed.ping() and connection._sock.gettimeout() == 0.2


def test_where_it_is_disabled_the_node_says_so_and_redis_py_goes_on(
    valved: ValvedPair, baton: Callable[..., BatonProcess]
) -> None:
    switched_off = {"BATON_SWITCHOVER_MAINT_NOTIFICATIONS": "false"}
    proxy = baton(valved.primary, valved.replica, environment=switched_off)
    direct = Talk(valved.primary.raw())
    talk = Talk(proxy.raw())
    for each in (direct, talk):
        each.ask("HELLO", 3)
    assert str(talk.ask(*ASK)) == str(direct.ask(*ASK))
    assert str(talk.ask(*ASK)).startswith("ERR")
    assert hasty(proxy, "auto").ping()
