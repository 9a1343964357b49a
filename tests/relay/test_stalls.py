"""A node that holds writes for somebody else is known by this: it answers a PING, and the lane nothing."""

from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import pytest
import trio
from trio.testing import MockClock

from proxy.nodes.errors import LinkLost, NodeError, ReplyError
from proxy.relay.stalls import PATIENCE, PING_SECONDS, TICK_SECONDS
from proxy.wire.encoding import command
from tests.relay.crowd import TABLE, Crowd, fences, get, value

SET, OK = command("SET", "k", 1), b"+OK\r\n"
LONG_AGO = TICK_SECONDS * (PATIENCE + 4)
"""Seconds after which a stall is known."""


class Primary:
    """A node that answers PINGs, or does what it is told to do instead."""

    def __init__(self) -> None:
        self.asked = 0
        self.instead: Callable[[], object] = lambda: None
        self.takes_seconds = 0.0

    async def link(self) -> "Primary":
        return self

    async def call(self, *words: str) -> None:
        assert words == ("PING",)
        self.asked += 1
        await trio.sleep(self.takes_seconds)
        self.instead()


@pytest.fixture
async def primary(crowd: Crowd, nursery: trio.Nursery) -> AsyncIterator[Primary]:
    made = Primary()
    crowd.route.primary = cast(Any, made)
    nursery.start_soon(crowd.route.stalls.watch)
    yield made


async def test_behind_a_write_that_is_held_reads_go_on_and_writes_wait(
    crowd: Crowd, primary: Primary, autojump_clock: MockClock
) -> None:
    [fence] = fences(crowd.say({0: SET, 1: get(1)}))
    await trio.sleep(LONG_AGO)
    assert crowd.route.stalls.held == TABLE.writes and b"SET" not in crowd.route.plain
    assert b"GET" in crowd.route.plain and b"set" not in crowd.route.plain
    crowd.connect()
    assert crowd.turn() == get(1)
    crowd.answers(value(1))
    sent = crowd.say({2: get(2) + SET + get(2)})
    assert sent.count(b"GET") == 1 and SET not in sent, "behind its write a client's reads wait, too"
    assert crowd.say({3: get(3)}).startswith(get(3))
    crowd.answers(OK + value(1) + fence, link=0)
    assert not crowd.route.stalls.held and {b"SET", b"set"} <= crowd.route.plain
    assert crowd.turn().startswith(SET + get(2)) and crowd.heard(0) == OK
    assert not any(client.closed for client in crowd.clients)


async def test_a_pause_is_over_when_all_that_was_left_is_answered_or_lost(
    crowd: Crowd, primary: Primary, autojump_clock: MockClock
) -> None:
    crowd.say({0: SET})
    await trio.sleep(LONG_AGO)
    crowd.connect()
    crowd.say({1: get(1)})
    await trio.sleep(LONG_AGO)
    assert len(crowd.lane.left) == 2, "reads are held as well by now"
    crowd.connect()
    crowd.say({2: SET})
    crowd.answers(OK, link=0)
    assert crowd.route.stalls.held
    left = crowd.lane.left[0]
    left.die("the node has died")
    assert not crowd.route.stalls.held and crowd.turn().startswith(SET)
    assert not crowd.clients[2].closed


async def test_a_transaction_waits_too(crowd: Crowd, primary: Primary, autojump_clock: MockClock) -> None:
    whole = command("MULTI") + get(1) + command("EXEC")
    crowd.say({0: SET})
    await trio.sleep(LONG_AGO)
    crowd.connect()
    assert crowd.say({1: whole}) == b"" and not crowd.route.wanted
    crowd.answers(OK, link=0)
    assert crowd.turn() == whole


async def test_a_client_that_waits_and_leaves_is_forgotten(
    crowd: Crowd, primary: Primary, autojump_clock: MockClock
) -> None:
    crowd.say({0: SET})
    await trio.sleep(LONG_AGO)
    crowd.connect()
    crowd.say({1: SET})
    crowd.clients[1].close()
    crowd.answers(OK, link=0)
    assert crowd.turn() == b"" and not crowd.route.stalls.held


async def test_a_node_that_is_busy_holds_nothing(
    crowd: Crowd, primary: Primary, autojump_clock: MockClock
) -> None:
    """It does not answer PING either."""
    primary.takes_seconds = PING_SECONDS + 1
    crowd.say({0: SET, 1: get(1)})
    await trio.sleep(3.0)
    assert primary.asked > 1 and not crowd.lane.left and not crowd.route.stalls.held


async def test_a_node_that_was_busy_until_it_answered_holds_nothing(
    crowd: Crowd, primary: Primary, autojump_clock: MockClock
) -> None:
    """What it owes the lane comes with the answer to the PING, or right behind it."""
    primary.takes_seconds = 0.2
    [fence] = fences(crowd.say({0: SET, 1: get(1)}))
    primary.instead = lambda: crowd.answers(OK + value(1) + fence) if crowd.lane.owes else None
    await trio.sleep(1.0)
    assert primary.asked and not crowd.lane.left and crowd.all_heard() == [OK, value(1), b"", b""]


@pytest.mark.parametrize("fault", [LinkLost("it is gone"), ReplyError("NOPERM no", "it")])
async def test_a_node_that_cannot_be_asked_is_not_believed_to_hold_anything(
    crowd: Crowd, primary: Primary, autojump_clock: MockClock, fault: NodeError
) -> None:
    def fail() -> None:
        raise fault

    primary.instead = fail
    crowd.say({0: SET, 1: get(1)})
    await trio.sleep(LONG_AGO * 2)
    assert primary.asked and not crowd.lane.left and not crowd.route.stalls.held


async def test_behind_a_script_that_runs_too_long_who_asks_anew_is_told_so(
    crowd: Crowd, primary: Primary, autojump_clock: MockClock
) -> None:
    def busy() -> None:
        raise ReplyError("BUSY Redis is busy running a script.", "it")

    primary.instead = busy
    crowd.say({0: SET, 1: get(1)})
    await trio.sleep(LONG_AGO)
    assert len(crowd.lane.left) == 1 and not crowd.route.stalls.held
    crowd.connect()
    assert crowd.turn() == get(1)


async def test_a_lane_that_receives_something_is_not_stalled(
    crowd: Crowd, primary: Primary, autojump_clock: MockClock
) -> None:
    [fence] = fences(crowd.say({0: get(0), 1: get(1)}))
    answer = value(0) + value(1) + fence
    for place in range(len(answer) - 1):
        crowd.answers(answer[place : place + 1])
        await trio.sleep(TICK_SECONDS)
    assert not primary.asked and not crowd.lane.left


async def test_a_lane_that_owes_nothing_or_is_held_by_ourselves_is_not_stalled(
    crowd: Crowd, primary: Primary, autojump_clock: MockClock
) -> None:
    await trio.sleep(LONG_AGO)
    crowd.say({0: SET})
    crowd.route.gate.close("switchover")
    await trio.sleep(LONG_AGO)
    assert primary.asked == 0
    crowd.route.gate.open("switchover")
    await trio.sleep(LONG_AGO)
    assert primary.asked and crowd.lane.left


async def test_a_lane_that_is_out_of_step_when_it_is_left_does_not_end_the_watch(
    crowd: Crowd, primary: Primary, autojump_clock: MockClock
) -> None:
    crowd.say({0: get(0), 1: get(1)})
    crowd.answers(value(0) + value(1) + b"hello\r\n")
    await trio.sleep(LONG_AGO)
    assert crowd.route.lost_lanes == 1 and not crowd.lane.left and not crowd.route.stalls.held
    crowd.connect()
    crowd.say({2: SET})
    asked = primary.asked
    await trio.sleep(LONG_AGO)
    assert primary.asked > asked and crowd.route.stalls.held, "it is watched still"
