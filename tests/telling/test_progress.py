"""A switchover as events, before a pretend stage: a step is told when it has come to what it is for."""

import itertools
from collections.abc import Iterator

import pytest
import trio
from trio.testing import MockClock

from proxy.operation.progress import tell_begin, tell_end
from proxy.switchover.errors import SwitchoverError
from proxy.switchover.report import Report
from proxy.switchover.stage import Promoted
from proxy.switchover.story import Bounds, switch_over
from proxy.telling import Told
from tests.switchover.pretend import Act, NodeFault, PretendStage

BEFORE = ["+switchover", "+preflight", "+warmed", "+held", "+drained", "+paused", "+converged"]
BEYOND = ["+promoted", "+swapped", "+released", "+demoted", "+settled", "+switched-over"]
UNTOLD = {"demote": {"+demoted"}, "swap": {"+swapped"}, "settle": {"+settled"}}


def fails() -> Iterator[Act]:
    async def act() -> None:
        await trio.lowlevel.checkpoint()
        raise NodeFault("node went away")

    return itertools.repeat(act)


async def switch(stage: PretendStage, to: str | None = None) -> Report:
    """As an operator has it, without the route."""
    report = stage.report
    tell_begin(report, to, 1000)
    try:
        with report.at("preflight"):
            report.origin, report.target = "a:1", "b:1"
        await switch_over(stage, Bounds(1.0, 30.0), report)
    except SwitchoverError as fault:
        report.undone(fault.kind, str(fault))
    report.end()
    tell_end(report)
    return report


@pytest.fixture
async def stage() -> PretendStage:
    return PretendStage(Report(trio.current_time, number=7))


def names(told: list[Told]) -> list[str]:
    return [each["event"] for each in told]


async def test_each_step_is_told_at_its_end_with_its_time_and_the_number(
    stage: PretendStage, told: list[Told], autojump_clock: MockClock
) -> None:
    stage.acts = {verb: iter([lambda: trio.sleep(0.05)]) for verb in ("warm", "drain", "pause", "swap")}
    stage.acts["demote"] = iter([lambda: trio.sleep(0.2)])
    report = await switch(stage, "b:1")
    assert names(told) == [*BEFORE, *BEYOND]
    assert {each["switchover"] for each in told} == {7}
    took = {each["event"]: each.get("ms") for each in told}
    assert [took[name] for name in ("+warmed", "+drained", "+paused", "+swapped", "+demoted")] == [
        pytest.approx(ms) for ms in (50, 50, 50, 50, 200)
    ]
    begin, end = told[0], told[-1]
    assert (begin["to"], begin["budget_ms"], "dry_run" in begin) == ("b:1", 1000, False)
    assert (end["outcome"], end["from"], end["to"]) == ("done", "a:1", "b:1")
    [released] = [each for each in told if each["event"] == "+released"]
    assert released["hold_ms"] == end["hold_ms"] == pytest.approx(report.hold_ms) == pytest.approx(150)


@pytest.mark.parametrize("verb", ["warm", "drain", "pause", "converge"])
async def test_what_fails_before_the_edge_is_the_last_that_is_not_told(
    stage: PretendStage, told: list[Told], autojump_clock: MockClock, verb: str
) -> None:
    stage.acts = {verb: fails()}
    await switch(stage)
    reached = BEFORE[: {"warm": 2, "drain": 4, "pause": 5, "converge": 6}[verb]]
    assert names(told) == [*reached, *([] if verb == "warm" else ["+released"]), "-called-off"]
    assert told[-1]["kind"] == "CALLEDOFF" and "node went away" in told[-1]["why"]


async def test_a_gate_that_does_not_close_was_not_held(
    stage: PretendStage, told: list[Told], autojump_clock: MockClock
) -> None:
    stage.faulty = {"close_gate"}
    await switch(stage)
    assert "+held" not in names(told) and names(told)[-1] == "-called-off"


async def test_a_candidate_that_surely_is_not_primary_was_not_promoted(
    stage: PretendStage, told: list[Told], autojump_clock: MockClock
) -> None:
    stage.outcomes = iter([Promoted.NO])
    await switch(stage)
    assert names(told) == [*BEFORE, "+released", "-note", "-called-off"]


async def test_that_nobody_knows_whether_it_was_promoted_is_told_once(
    stage: PretendStage, told: list[Told], autojump_clock: MockClock
) -> None:
    stage.outcomes = iter([Promoted.UNKNOWN] * 50)
    await switch(stage)
    assert names(told)[len(BEFORE) : len(BEFORE) + 2] == ["-promotion-unknown", "+promoted"]
    assert names(told).count("-promotion-unknown") == 1


@pytest.mark.parametrize("verb", UNTOLD)
async def test_what_fails_beyond_the_edge_is_not_told_as_done_and_the_rest_is(
    stage: PretendStage, told: list[Told], autojump_clock: MockClock, verb: str
) -> None:
    stage.acts = {verb: fails()}
    await switch(stage)
    assert set(BEYOND) - set(names(told)) == UNTOLD[verb]
    assert names(told)[-2:] == ["-note", "+switched-over"]
    assert names(told).count("+released") == 1
    assert told[-1]["outcome"] == ("done" if verb == "demote" else "promoted")
