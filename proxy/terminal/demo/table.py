"""The report as tables that a person likes to read."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from proxy.terminal.stage.columns import Row, in_ms, lay_out
from proxy.terminal.stage.screen import Screen

from .report import STEPS, Report, Result, Switchover

PROBLEMS_SHOWN = 4
"""Sentences shown of each workload."""


def show_switchovers(screen: Screen, switchovers: Sequence[Switchover], letters: dict[str, str]) -> None:
    done = [one for one in switchovers if one.hold_ms is not None]
    steps = [step for step in STEPS if any(step in one.steps_ms for one in switchovers)]
    rows: list[Row] = [("#", "switchover", *steps, "held", "full resyncs")]
    for number, one in enumerate(switchovers, 1):
        way = f"{letters[one.source]} → {letters[one.target]}"
        way = way if one.outcome == "done" else f"{way} {one.outcome}"
        times = [in_ms(one.steps_ms.get(step)) for step in steps]
        rows.append((str(number), way, *times, in_ms(one.hold_ms), str(one.full_resyncs)))
    for name, choose in (("median", median), ("longest", max)) if done else ():
        times = [in_ms(choose([one.steps_ms.get(step, 0.0) for one in done])) for step in steps]
        held = in_ms(choose([one.hold_ms or 0.0 for one in done]))
        rows.append(("", name, *times, held, ""))
    screen.say("Switchovers: the steps, and how long the clients were held, in ms", "bold")
    header, *lines = lay_out(rows, left=2, columns=screen.columns)
    screen.say(header, "dim")
    for line, style in zip(lines, [row_style(one) for one in switchovers] + [("bold",)] * 2, strict=False):
        screen.say(line, *style)


def row_style(one: Switchover) -> tuple[str, ...]:
    if one.outcome != "done":
        return ("red",)
    return ("yellow",) if one.full_resyncs else ()


def show_workloads(screen: Screen, results: Sequence[Result]) -> None:
    counted = ("clients", "operations", "errors", "disconnects", "lost", "doubled")
    rows: list[Row] = [("workload", *counted, "median", "longest", "otherwise")]
    for one in results:
        waits = (one.median_wait_ms, one.max_wait_ms, one.otherwise_max_ms)
        rows.append((one.name, *(f"{getattr(one, what):,}" for what in counted), *map(in_ms, waits)))
    totals = [f"{sum(getattr(one, what) for one in results):,}" for what in counted]
    longest = [max(one.max_wait_ms for one in results), max(one.otherwise_max_ms for one in results)]
    rows.append(("together", *totals, "", *map(in_ms, longest)))
    screen.say("Workloads: what the clients asked for, and how long single operations took, in ms", "bold")
    header, *lines = lay_out(rows, left=1, columns=screen.columns)
    screen.say(header, "dim")
    styles = [() if one.clean else ("red",) for one in results]
    for line, style in zip(lines, [*styles, ("bold",)], strict=True):
        screen.say(line, *style)
    screen.say("lost, doubled: told by the nodes themselves, the primary and every replica", "dim")
    screen.say("otherwise: the longest wait that overlapped no switchover", "dim")


def show_report(screen: Screen, report: Report, letters: dict[str, str]) -> None:
    screen.say()
    show_switchovers(screen, report.switchovers, letters)
    if report.results:
        screen.say()
        show_workloads(screen, report.results)
    screen.say()
    for problem in (*report.problems, *(problem for one in report.results for problem in shortened(one))):
        screen.say(f"! {problem}", "red")
    if report.ok:
        screen.say(f"ok: {len(report.switchovers)} switchovers, and no client noticed", "bold", "green")
    else:
        screen.say(f"NOT ok: {what_failed(report)}", "bold", "red")


def shortened(result: Result) -> list[str]:
    """The first problems of a workload; the counts tell how many there were."""
    first = list(result.problems[:PROBLEMS_SHOWN])
    more = len(result.problems) - len(first)
    return [*first, f"{result.name}: and others of the kind"] if more else first


def what_failed(report: Report) -> str:
    """The sums that are not nought, in words."""
    undone = sum(1 for one in report.switchovers if one.outcome != "done")
    counts = [("switchovers not done", undone)]
    for what in ("lost", "doubled", "errors", "disconnects"):
        counts.append((what, sum(getattr(one, what) for one in report.results)))
    counts.append(("other problems", len(report.problems)))
    return ", ".join(f"{what} {count:,}" for what, count in counts if count) or "nothing was measured"
