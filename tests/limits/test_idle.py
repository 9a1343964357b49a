"""Who neither sends nor gets anything is closed, where that is wanted; who is silent for a reason is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.baton import MODES
from tests.limits.conftest import Beside, Limited
from tests.limits.events import told_of
from tests.limits.visitors import Visitors
from tests.servers import RedisServer
from tests.talking import Talk
from tests.waiting import wait_until


@pytest.fixture(params=MODES)
def lanes(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_the_idle_are_closed_and_who_waits_for_something_is_not(
    limited: Limited, beside: Beside, visitors: Visitors, node: RedisServer, unix_path: Path
) -> None:
    proxy = limited("--unix-listen", str(unix_path), idle_s=1)
    beside(proxy)
    subscribed, blocked, watching = visitors.stay(proxy, 3)
    subscribed.ask("SUBSCRIBE", "news")
    blocked.send("BLPOP", "list", 0)
    assert watching.ask("MONITOR") == "OK"
    local = visitors.stay(unix_path, 1)[0]
    lively = visitors.stay(unix_path, 1)[0]
    idle = visitors.stay(proxy, 3)

    def gone(talks: list[Talk]) -> bool:
        assert lively.ask("PING") == "PONG"
        return all(talk.is_closed() for talk in talks)

    wait_until(lambda: gone([*idle, local]), "the idle are gone")
    wait_until(
        lambda: sum(int(each["clients"]) for each in told_of(proxy, "-clients-idle")) == 4, "it is told"
    )
    with node.client() as straight:
        straight.publish("news", "still there")
        straight.rpush("list", "x")
    assert subscribed.reply() == ["message", "news", "still there"]
    assert blocked.reply() == ["list", "x"]
    assert not watching.is_closed()
    wait_until(lambda: gone([blocked]), "when it is not blocked any more, it is idle")


def test_a_hold_makes_nobody_idle(limited: Limited, visitors: Visitors) -> None:
    proxy = limited(idle_s=1)
    idle, waits = visitors.stay(proxy, 2)
    proxy.admin("HOLD", "2500")
    waits.send("INCR", "n")
    assert waits.reply() == 1  # 2.5 s later
    wait_until(lambda: idle.is_closed(), "who did not wait is idle then")


def test_it_is_off_unless_it_is_asked_for_and_can_be_turned_on(limited: Limited, visitors: Visitors) -> None:
    proxy = limited()
    [talk] = visitors.stay(proxy, 1)
    proxy.admin("CONFIG", "SET", "limits.idle_s", "1")
    wait_until(lambda: talk.is_closed(), "it is closed")
