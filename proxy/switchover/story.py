"""The switchover, told once.

Theory. The story has an edge: REPLICAOF NO ONE on the candidate. Up to it everything can be cancelled, and is
undone on any failure; beyond it everything is carried through, shielded from cancellation, each wait with a
limit of its own. Rules:

1. The gate closes first and the pause comes when nothing is owed, so nothing of ours is ever postponed by the
   node.
2. The pause before the edge outlasts the budget by little: a dead man's switch that frees Redis if the proxy
   dies. From the edge on it is a fence, renewed until the old primary follows the new one.
3. Unknown is not failed. While it is not known whether the candidate is primary, clients wait, beyond the
   budget too, and nothing is unpaused.
4. The demotion begins with the promotion and never ahead of it; the clients do not wait for it.
"""

import trio
from attrs import frozen

from proxy.switchover.errors import CalledOff, SwitchoverError
from proxy.switchover.report import DRY_RUN, PROMOTED, Report
from proxy.switchover.stage import Promoted, Stage

WARM_SECONDS = 60.0
ASK_SECONDS = 1.0
"""How long an answer about the promotion is awaited before the fence is renewed and the operator can read of
it."""
UNDO_SECONDS = 1.0
AGAIN_SECONDS = 0.02
"""How long to wait before what became of the promotion is asked again."""
SWAP_SECONDS = 5.0
DEMOTE_SECONDS = 10.0
"""How long the report waits for the old primary to follow; whoever watches over the nodes goes on after
that."""
SETTLE_SECONDS = 20.0
PAUSE_MARGIN = 0.25
"""Seconds by which the pause outlasts the budget, so that it cannot end between the last look and the
edge."""


@frozen
class Bounds:
    """What the operator asked for, in seconds."""

    budget: float
    fence: float


async def switch_over(stage: Stage, bounds: Bounds, report: Report) -> None:
    """Move everything from the old primary to the candidate, which has passed preflight. Raises
    SwitchoverError."""
    known = len(report.notes)
    try:
        with report.at("warm"), trio.fail_after(WARM_SECONDS):
            await stage.warm()
        with trio.fail_after(bounds.budget) as budget:
            with report.at("hold"):
                report.hold()
                stage.close_gate()
                report.held()
                await stage.drain()
            with report.at("pause"):
                await stage.pause(budget.deadline - trio.current_time() + PAUSE_MARGIN)
            with report.at("converge"):
                await stage.converge()
            await trio.lowlevel.checkpoint_if_cancelled()  # the last look, and nobody gets a turn after it
    except BaseException as fault:
        await _undo(stage, report)
        if isinstance(fault, SwitchoverError) or not isinstance(fault, Exception):
            raise
        slow = isinstance(fault, trio.TooSlowError) and report.step != "warm"
        why = f"not within the budget of {bounds.budget * 1000:g} ms" if slow else _text(fault)
        raise CalledOff("; ".join([f"{report.step}: {why}", *report.notes[known:]])) from fault

    with trio.CancelScope(shield=True):  # the edge
        with report.at("promote"):
            promoted = await _promote(stage, bounds, report)
            if not promoted:
                report.miss("promote")
        if not promoted:
            known = len(report.notes)
            why = report.notes[-1].removeprefix("promotion: ")
            await _undo(stage, report)
            raise CalledOff("; ".join([f"promote: {why}", *report.notes[known:]]))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_swap, stage, report)  # begins when the demotion first waits: told at once
            await _demote(stage, bounds, report)
        with report.at("settle"):
            settled = await _settle(stage, report)
            if not settled:
                report.miss("settle")
        report.outcome = "done" if report.moved and settled else PROMOTED


async def rehearse(stage: Stage, report: Report) -> None:
    """As far as one can go without a client noticing: warm, and take down what was put up. Raises
    SwitchoverError."""
    try:
        with report.at("warm"), trio.fail_after(WARM_SECONDS):
            await stage.warm()
    except Exception as fault:
        if isinstance(fault, SwitchoverError):
            raise
        raise CalledOff(f"warm: {_text(fault)}") from fault
    finally:
        stage.strike()
    report.outcome = DRY_RUN


async def _promote(stage: Stage, bounds: Bounds, report: Report) -> bool:
    """Whether the candidate is primary: asked until it is known. Who cannot ask does not know."""
    while True:
        outcome = Promoted.UNKNOWN
        try:
            with trio.fail_after(bounds.fence / 2):
                outcome = await stage.promote(bounds.fence, within=min(ASK_SECONDS, bounds.fence / 4))
        except Exception as fault:
            if (note := f"promotion: {_text(fault)}") not in report.notes:
                report.notes.append(note)
        if outcome is not Promoted.UNKNOWN:
            report.outcome = "under way"
            return outcome is Promoted.YES
        report.asking()
        await trio.sleep(AGAIN_SECONDS)


async def _swap(stage: Stage, report: Report) -> None:
    """Move the sessions. The gate opens though that failed: there is nowhere else to go to."""
    try:
        with report.at("swap"), trio.fail_after(SWAP_SECONDS):
            await stage.swap()
        report.moved = True
    except Exception as fault:
        report.notes.append(f"swap: {_text(fault)}")
    finally:
        stage.open_gate()
        report.released()


async def _demote(stage: Stage, bounds: Bounds, report: Report) -> None:
    """Tell the old primary until it follows; never unpaused on a guess, the fence is renewed meanwhile."""
    pause = 0.01
    with report.at("demote"):
        with trio.move_on_after(DEMOTE_SECONDS):
            while True:
                try:
                    with trio.fail_after(1.0):
                        return await stage.demote()
                except Exception as fault:
                    why = _text(fault)
                try:
                    with trio.fail_after(1.0):
                        await stage.fence(bounds.fence)
                except Exception as fault:
                    why = f"{why}; and the fence could not be renewed: {_text(fault)}"
                await trio.sleep(pause)
                pause = min(2 * pause, 1.0)
        report.miss("demote")
        report.notes.append(f"the old primary does not follow yet: {why}")


async def _settle(stage: Stage, report: Report) -> bool:
    """Whether it was seen to the end."""
    try:
        with trio.fail_after(SETTLE_SECONDS):
            await stage.settle()
    except Exception as fault:
        report.notes.append(f"settle: {_text(fault)}")
        return False
    finally:
        stage.strike()
    return True


async def _undo(stage: Stage, report: Report) -> None:
    """Back to the old primary, as if nothing had been."""
    with trio.CancelScope(shield=True):
        try:
            with trio.fail_after(UNDO_SECONDS):
                await stage.unpause()
        except Exception as fault:
            report.notes.append(f"the pause could not be lifted and runs out by itself: {_text(fault)}")
        stage.open_gate()
        report.released()
        stage.strike()
        report.outcome = "called off"


def _text(fault: Exception) -> str:
    return "it took too long" if isinstance(fault, trio.TooSlowError) else str(fault) or type(fault).__name__
