"""``baton switchover``: asked for, shown step by step as it happens, and what it did.

It is carried through whatever becomes of this command: a lost connection or a SIGTERM takes only the picture
away. Ctrl-C asks for SWITCHOVER CANCEL, which undoes it as long as it has not promoted; a second Ctrl-C
leaves.
"""

import contextlib
import queue
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any

import click
from attrs import define, field

from proxy.settings import BUDGET_MAX_MS
from proxy.terminal.addresses import ADDRESS, primary_of, same
from proxy.terminal.exits import BUSY, DONE, FAILED, INTERRUPTED, Failure, Unreachable
from proxy.terminal.reaching import Place, reaching
from proxy.terminal.reading import nested
from proxy.terminal.report import show_report
from proxy.terminal.steps import Hear, Steps, heard
from proxy.terminal.writing import say, screen, show_json

HEAR_S = 0.1
LAST_WORDS_S = 0.5
"""How long the events may lag behind the answer."""
OTHERS_S = 60.0
"""How long ``--if-primary`` waits for a switchover of somebody else."""
MOVED = {"done", "dry run"}
"""Outcomes with which all is well. ``promoted`` is not: the primary did move, and something after that
failed."""


@define
class _Asked:
    """The question, waiting for its answer in a thread of its own."""

    place: Place
    words: list[str]
    answer: queue.SimpleQueue[Any] = field(factory=queue.SimpleQueue)

    def start(self) -> None:
        threading.Thread(target=self._ask, daemon=True).start()

    def _ask(self) -> None:
        try:
            self.answer.put(self.place.ask(*self.words, within_s=None))
        except Exception as fault:
            self.answer.put(fault)


@click.command("switchover")
@click.argument("to", metavar="[HOST:PORT]", required=False, type=ADDRESS)
@click.option("--budget", metavar="MS", type=click.IntRange(1, BUDGET_MAX_MS), help="The longest hold.")
@click.option("--dry-run", is_flag=True, help="Preflight and warm only: no client is held.")
@click.option(
    "--if-primary",
    metavar="HOST:PORT",
    type=ADDRESS,
    help="Only if that node is the primary now; else there is nothing to do, and the exit status is 0."
    " For a hook that runs before a node goes.",
)
@click.option("--cancel", is_flag=True, help="Call off the one under way, if it has not promoted.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout, and nothing else.")
@reaching
def switchover_verb(
    place: Place,
    to: str | None,
    budget: int | None,
    dry_run: bool,
    if_primary: str | None,
    cancel: bool,
    as_json: bool,
) -> int:
    """Move the primary to HOST:PORT, or to the replica that fits best, and see it happen.

    Exit status: 0 done, 3 refused, 4 called off, 5 another one is under way, 1 anything else: also where the
    primary did move and something after that failed (outcome "promoted"), since somebody has to look.

    Ctrl-C calls it off, if it has not promoted; else it is carried through. So it is if this command ends.
    """
    if cancel and (to or budget or dry_run or if_primary):
        raise click.UsageError("--cancel: stands alone")
    words = ["SWITCHOVER", *(["TO", to] if to else []), *(["BUDGET", str(budget)] if budget else [])]
    words += ["DRYRUN"] if dry_run else []
    try:
        if cancel:
            return _told({"outcome": "cancelled", "why": str(_cancelled(place))}, as_json)
        if if_primary is not None:
            return _switch_if_primary(place, words, if_primary, as_json)
        return _switch(place, words, as_json)
    except Failure as failure:
        if not as_json:
            raise
        show_json({"outcome": failure.outcome, "why": str(failure)})
        return failure.status


def _switch_if_primary(place: Place, words: list[str], node: str, as_json: bool) -> int:
    """As a hook wants it: who is not the primary may go. What somebody else has begun is waited for."""
    end = time.monotonic() + OTHERS_S
    while True:
        primary = primary_of(place, node)
        if not same(primary, node):
            return _told(
                {"outcome": "not the primary", "why": f"{node} is not the primary, {primary} is"}, as_json
            )
        try:
            return _switch(place, words, as_json)
        except Failure as failure:
            if failure.status != BUSY or time.monotonic() > end:
                raise
        time.sleep(HEAR_S)


def _switch(place: Place, words: list[str], as_json: bool) -> int:
    place.ask("PING")  # a wrong password is told once, and before anything happens
    with heard(place) as hear, _interrupts() as interrupts:
        asked = _Asked(place, words)
        steps = None if as_json else Steps(screen())
        asked.start()
        try:
            answer = _awaited(asked, hear, steps, interrupts)
        finally:
            if steps is not None:
                steps.close()
    if answer is None:
        return INTERRUPTED
    report = nested(answer)
    if as_json:
        show_json(report)
    else:
        show_report(report)
    return DONE if report.get("outcome") in MOVED else FAILED


def _awaited(asked: _Asked, hear: Hear, steps: Steps | None, interrupts: list[int]) -> Any:
    """The report; None if whoever asked did not want to wait for it."""
    cancels, end = 0, float("inf")
    answer: Any = None
    while time.monotonic() < end:
        for event in hear(HEAR_S):
            if steps is not None:
                steps.show(event)
        if end == float("inf"):
            with contextlib.suppress(queue.Empty):
                answer = asked.answer.get_nowait()
                end = time.monotonic() + LAST_WORDS_S
        elif steps is None or steps.number is None or steps.ended:
            break
        if len(interrupts) > cancels and answer is None:
            cancels = len(interrupts)
            if cancels > 1:
                _remark(steps, "left; it is carried through, or called off, all the same: baton status tells")
                return None
            _remark(steps, _try_to_cancel(asked.place))
    if isinstance(answer, Unreachable):
        raise Failure(f"{answer}; what became of the switchover: baton status")
    if isinstance(answer, Exception):
        raise answer
    return answer


def _try_to_cancel(place: Place) -> str:
    try:
        return f"cancelled: {_cancelled(place)}"
    except Failure as failure:
        return f"not cancelled: {failure}; it is carried through. Ctrl-C again leaves it alone"


def _cancelled(place: Place) -> Any:
    return place.ask("SWITCHOVER", "CANCEL")


def _remark(steps: Steps | None, text: str) -> None:
    if steps is not None:
        steps.tell(text)


def _told(outcome: dict[str, str], as_json: bool) -> int:
    if as_json:
        show_json(outcome)
    else:
        say(outcome["why"])
    return DONE


@contextlib.contextmanager
def _interrupts() -> Iterator[list[int]]:
    """Ctrl-C is noted, and what is being read is read to its end."""
    seen: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        seen.append(number)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield seen
    finally:
        signal.signal(signal.SIGINT, before)
