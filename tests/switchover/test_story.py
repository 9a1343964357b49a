"""The story before a pretend stage: failed, hanging and cancelled at every line, on trio's mock clock."""

import itertools
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
import trio
from trio.testing import MockClock

from proxy.switchover.errors import CalledOff, Refused
from proxy.switchover.report import PROMOTED, UNKNOWN, Report
from proxy.switchover.stage import Promoted
from proxy.switchover.story import (
    DEMOTE_SECONDS,
    PAUSE_MARGIN,
    SETTLE_SECONDS,
    SWAP_SECONDS,
    UNDO_SECONDS,
    WARM_SECONDS,
    Bounds,
    switch_over,
)
from tests.switchover.pretend import Act, NodeFault, PretendStage

BUDGET, FENCE = 1.0, 30.0
BEFORE = {"warm": "warm", "drain": "hold", "pause": "pause", "converge": "converge"}
"""The verbs that can be undone, and the steps by which an operator knows them."""
BEYOND = ("promote", "demote", "swap", "settle")
UNDONE = ["unpause", "open_gate", "strike"]
STORY = ["warm", "close_gate", "drain", "pause", "converge", "promote"]


@pytest.fixture
async def stage() -> AsyncIterator[PretendStage]:
    """Whatever the test does to the story: its laws hold, the gate opens once, all is struck once."""
    stage = PretendStage(Report(trio.current_time))
    yield stage
    assert stage.broken == []
    assert [stage.calls.count("open_gate"), stage.calls.count("strike")] == [1, 1]
    assert stage.calls[-1] == "strike"
    assert not stage.closed


async def direct(stage: PretendStage) -> None:
    await switch_over(stage, Bounds(BUDGET, FENCE), stage.report)


def fails(times: int | None = None, fault: Exception | None = None) -> Iterator[Act]:
    """So many times, or always."""

    async def act() -> None:
        await trio.lowlevel.checkpoint()
        raise fault or NodeFault("node went away")

    return itertools.repeat(act) if times is None else itertools.repeat(act, times)


def hangs(times: int | None = None) -> Iterator[Act]:
    return (
        itertools.repeat(trio.sleep_forever) if times is None else itertools.repeat(trio.sleep_forever, times)
    )


def lasts(seconds: float) -> Iterator[Act]:
    return iter([lambda: trio.sleep(seconds)])


def is_cancelled(scope: trio.CancelScope, when: str) -> Iterator[Act]:
    """While the verb waits, or at its very end: the story learns of it at the next verb that waits."""

    async def act() -> None:
        if when == "behind":
            await trio.lowlevel.checkpoint()
        scope.cancel()
        if when == "within":
            await trio.lowlevel.checkpoint()

    return iter([act])


def assert_carried_through(stage: PretendStage, asked_again: list[str] | None = None) -> None:
    """The old primary is told before a session moves, and may be told again at any time."""
    told = [call for call in stage.calls if call != "demote"]
    assert told == [*STORY, *(asked_again or []), "swap", "open_gate", "settle", "strike"]
    assert stage.calls.index("promote") < stage.calls.index("demote") < stage.calls.index("swap")


async def test_the_story_is_told_in_order(stage: PretendStage, autojump_clock: MockClock) -> None:
    await direct(stage)
    assert_carried_through(stage)
    assert (stage.report.outcome, stage.report.notes) == ("done", [])


async def test_the_clients_do_not_wait_for_the_demotion(
    stage: PretendStage, autojump_clock: MockClock
) -> None:
    stage.acts = {"demote": lasts(0.5), "swap": lasts(0.1)}
    await direct(stage)
    assert stage.report.hold_ms == pytest.approx(100)
    assert stage.report.steps_ms["demote"] == pytest.approx(500)


async def test_the_pause_outlasts_what_is_left_of_the_budget(
    stage: PretendStage, autojump_clock: MockClock
) -> None:
    stage.acts = {"drain": lasts(0.4)}
    await direct(stage)
    [(began, ended), *_] = stage.pauses
    assert ended - began == pytest.approx(BUDGET - 0.4 + PAUSE_MARGIN)


# Up to the edge everything is undone.


def assert_undone(stage: PretendStage, verb: str) -> None:
    told = [*STORY[: STORY.index(verb) + 1], *UNDONE]
    assert stage.calls == told
    assert stage.report.outcome == "called off"


@pytest.mark.parametrize("verb", BEFORE)
async def test_a_fault_before_the_edge_is_undone_and_named(
    stage: PretendStage, autojump_clock: MockClock, verb: str
) -> None:
    stage.acts = {verb: fails()}
    with pytest.raises(CalledOff, match=f"^{BEFORE[verb]}: node went away$"):
        await direct(stage)
    assert_undone(stage, verb)


async def test_a_gate_that_does_not_close_is_opened(stage: PretendStage, autojump_clock: MockClock) -> None:
    stage.faulty = {"close_gate"}
    with pytest.raises(CalledOff, match=r"^hold: there is no gate$"):
        await direct(stage)
    assert_undone(stage, "close_gate")


@pytest.mark.parametrize("fault", [Refused("identity: no such user"), CalledOff("its own words")])
@pytest.mark.parametrize("verb", BEFORE)
async def test_a_verb_may_say_itself_how_it_is_answered(
    stage: PretendStage, autojump_clock: MockClock, verb: str, fault: Exception
) -> None:
    stage.acts = {verb: fails(fault=fault)}
    with pytest.raises(type(fault)) as raised:
        await direct(stage)
    assert raised.value is fault
    assert_undone(stage, verb)


@pytest.mark.parametrize("verb", BEFORE)
async def test_a_verb_that_hangs_is_undone_when_its_time_is_over(
    stage: PretendStage, autojump_clock: MockClock, verb: str
) -> None:
    stage.acts = {verb: hangs()}
    began = trio.current_time()
    why = "it took too long" if verb == "warm" else f"not within the budget of {BUDGET * 1000:g} ms"
    with pytest.raises(CalledOff, match=f"^{BEFORE[verb]}: {why}$"):
        await direct(stage)
    assert_undone(stage, verb)
    limit = WARM_SECONDS if verb == "warm" else BUDGET
    assert trio.current_time() - began == pytest.approx(limit)
    assert stage.report.hold_ms == pytest.approx(0 if verb == "warm" else BUDGET * 1000)


@pytest.mark.parametrize("when", ["within", "behind"])
@pytest.mark.parametrize("verb", BEFORE)
async def test_a_cancellation_before_the_edge_is_undone(
    stage: PretendStage, autojump_clock: MockClock, verb: str, when: str
) -> None:
    with trio.CancelScope() as scope:
        stage.acts = {verb: is_cancelled(scope, when)}
        await direct(stage)
    assert scope.cancelled_caught
    following = {"warm": "drain", "drain": "pause", "pause": "converge", "converge": "converge"}
    assert_undone(stage, verb if when == "within" else following[verb])


@pytest.mark.parametrize("verb", BEFORE)
async def test_undoing_is_not_cut_short(stage: PretendStage, autojump_clock: MockClock, verb: str) -> None:
    with trio.CancelScope() as scope:
        stage.acts = {verb: fails(), "unpause": is_cancelled(scope, "within")}
        with pytest.raises(CalledOff, match=f"^{BEFORE[verb]}: node went away$"):
            await direct(stage)
    assert stage.report.notes == []


@pytest.mark.parametrize(("act", "why"), [(fails, "node went away"), (hangs, "it took too long")])
@pytest.mark.parametrize("verb", BEFORE)
async def test_the_gate_opens_though_the_pause_cannot_be_lifted(
    stage: PretendStage, autojump_clock: MockClock, verb: str, act: Callable[[], Iterator[Act]], why: str
) -> None:
    stage.acts = {verb: fails(), "unpause": act()}
    with pytest.raises(CalledOff, match=f"^{BEFORE[verb]}: node went away; the pause could not be lifted"):
        await direct(stage)
    assert_undone(stage, verb)
    assert stage.report.notes == [f"the pause could not be lifted and runs out by itself: {why}"]
    assert stage.report.elapsed_ms <= UNDO_SECONDS * 1000 + 1


# At the edge.


@pytest.mark.parametrize("unknowns", [0, 1, 200])
@pytest.mark.parametrize("act", [None, fails, hangs])
async def test_nothing_is_guessed_while_the_promotion_is_unknown(
    stage: PretendStage,
    autojump_clock: MockClock,
    unknowns: int,
    act: Callable[[int], Iterator[Act]] | None,
) -> None:
    seen: list[tuple[str, bool]] = []

    def watched(acts: Iterator[Act]) -> Iterator[Act]:
        for act in acts:
            seen.append((stage.report.outcome, stage.closed))
            yield act

    if act is None:
        stage.outcomes = iter([Promoted.UNKNOWN] * unknowns)
    acts = itertools.repeat(lambda: trio.sleep(0.1), unknowns) if act is None else act(unknowns)
    stage.acts = {"promote": watched(itertools.chain(acts, lasts(0.1)))}
    await direct(stage)
    assert_carried_through(stage, ["promote"] * unknowns)
    assert seen == [("under way", True), *[(UNKNOWN, True)] * unknowns]
    assert stage.report.outcome == "done"


@pytest.mark.parametrize("act", [fails, hangs])
async def test_a_promotion_that_cannot_be_asked_about_is_asked_about_in_measure(
    stage: PretendStage, autojump_clock: MockClock, act: Callable[[int], Iterator[Act]]
) -> None:
    stage.acts = {"promote": act(20)}
    await direct(stage)
    asked = [began for began, _ in stage.pauses[1:]]
    assert all(later - before >= 0.01 for before, later in itertools.pairwise(asked))
    assert_fenced_throughout(stage)


def assert_fenced_throughout(stage: PretendStage) -> None:
    """Each pause was lengthened before it could run out."""
    for (_, ends), (begins, _) in itertools.pairwise(stage.pauses):
        assert begins < ends


@pytest.mark.parametrize("unknowns", [0, 1, 200])
@pytest.mark.parametrize("act", [None, fails, hangs])
async def test_a_candidate_that_surely_is_not_primary_is_undone(
    stage: PretendStage,
    autojump_clock: MockClock,
    unknowns: int,
    act: Callable[[int], Iterator[Act]] | None,
) -> None:
    if act is None:
        stage.outcomes = iter([*[Promoted.UNKNOWN] * unknowns, Promoted.NO])
    else:
        stage.acts, stage.outcomes = {"promote": act(unknowns)}, iter([Promoted.NO])
    with pytest.raises(CalledOff, match=f"^promote: {Promoted.NO.value}$"):
        await direct(stage)
    assert stage.calls == [*STORY, *["promote"] * unknowns, *UNDONE]
    assert stage.report.outcome == "called off"


@pytest.mark.parametrize("act", [fails, hangs])
async def test_a_promotion_that_failed_is_named_though_the_pause_cannot_be_lifted(
    stage: PretendStage, autojump_clock: MockClock, act: Callable[[], Iterator[Act]]
) -> None:
    stage.outcomes, stage.acts = iter([Promoted.NO]), {"unpause": act()}
    with pytest.raises(CalledOff, match=f"^promote: {Promoted.NO.value}; the pause could not"):
        await direct(stage)
    assert stage.report.notes[-1].startswith("the pause could not be lifted and runs out by itself: ")


# Beyond the edge everything is carried through.


@pytest.mark.parametrize("when", ["within", "behind"])
@pytest.mark.parametrize("verb", BEYOND)
async def test_a_cancellation_beyond_the_edge_changes_nothing(
    stage: PretendStage, autojump_clock: MockClock, verb: str, when: str
) -> None:
    with trio.CancelScope() as scope:
        stage.acts = {verb: is_cancelled(scope, when)}
        await direct(stage)
    assert not scope.cancelled_caught
    assert_carried_through(stage)
    assert (stage.report.outcome, stage.report.notes) == ("done", [])


@pytest.mark.parametrize("fence", [None, fails, hangs])
@pytest.mark.parametrize("act", [fails, hangs])
async def test_a_demotion_that_fails_at_first_is_repeated_under_the_fence(
    stage: PretendStage,
    autojump_clock: MockClock,
    act: Callable[[int], Iterator[Act]],
    fence: Callable[[], Iterator[Act]] | None,
) -> None:
    stage.acts = {"demote": act(3), **({"fence": fence()} if fence else {})}
    await direct(stage)
    assert (stage.calls.count("demote"), stage.calls.count("fence")) == (4, 3)
    assert_fenced_throughout(stage)
    assert stage.report.hold_ms < 1  # the clients went on meanwhile
    assert (stage.report.outcome, stage.report.notes) == ("done", [])


@pytest.mark.parametrize("fence", [None, fails, hangs])
@pytest.mark.parametrize(("act", "why"), [(fails, "node went away"), (hangs, "it took too long")])
async def test_a_demotion_that_never_succeeds_is_told(
    stage: PretendStage,
    autojump_clock: MockClock,
    act: Callable[[], Iterator[Act]],
    why: str,
    fence: Callable[[], Iterator[Act]] | None,
) -> None:
    stage.acts = {"demote": act(), **({"fence": fence()} if fence else {})}
    await direct(stage)
    assert stage.report.steps_ms["demote"] == pytest.approx(DEMOTE_SECONDS * 1000)
    assert_fenced_throughout(stage)
    assert stage.calls.count("fence") >= 3
    assert stage.report.hold_ms < 1
    [note] = stage.report.notes
    assert note.startswith(f"the old primary does not follow yet: {why}")
    if fence is not hangs:  # what hung when the time was over is not told
        assert ("the fence could not be renewed" in note) == (fence is fails)


@pytest.mark.parametrize(("act", "why"), [(fails, "node went away"), (hangs, "it took too long")])
async def test_the_gate_opens_and_the_demotion_goes_on_though_the_sessions_cannot_be_moved(
    stage: PretendStage, autojump_clock: MockClock, act: Callable[[], Iterator[Act]], why: str
) -> None:
    stage.acts = {"swap": act(), "demote": fails(3)}
    await direct(stage)
    assert stage.calls.count("demote") == 4
    assert stage.calls[-2:] == ["settle", "strike"]
    assert stage.report.notes == [f"swap: {why}"]
    assert stage.report.hold_ms <= SWAP_SECONDS * 1000 + 1
    assert stage.report.outcome == PROMOTED


@pytest.mark.parametrize(("act", "why"), [(fails, "node went away"), (hangs, "it took too long")])
async def test_the_report_comes_though_nothing_settles(
    stage: PretendStage, autojump_clock: MockClock, act: Callable[[], Iterator[Act]], why: str
) -> None:
    stage.acts = {"settle": act()}
    await direct(stage)
    assert (stage.report.outcome, stage.report.notes) == (PROMOTED, [f"settle: {why}"])
    assert stage.report.steps_ms["settle"] <= SETTLE_SECONDS * 1000 + 1


@pytest.mark.parametrize("verbs", list(itertools.combinations(("demote", "fence", "swap", "settle"), 3)))
@pytest.mark.parametrize("act", [fails, hangs])
async def test_faults_beyond_the_edge_do_not_add_up(
    stage: PretendStage,
    autojump_clock: MockClock,
    verbs: tuple[str, ...],
    act: Callable[[], Iterator[Act]],
) -> None:
    stage.acts = {verb: act() for verb in verbs}
    await direct(stage)
    assert stage.report.outcome == PROMOTED
    assert "unpause" not in stage.calls


async def test_the_status_does_not_call_unknown_what_is_known(
    stage: PretendStage, autojump_clock: MockClock
) -> None:
    stage.outcomes = iter([Promoted.UNKNOWN])
    seen = []

    async def look() -> None:
        await trio.lowlevel.checkpoint()
        seen.append(stage.report.outcome)

    stage.acts = {"swap": iter([look])}
    await direct(stage)
    assert seen == ["under way"]
