"""The report as tables that a person likes to read."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median, quantiles

from proxy.terminal.stage.columns import Row as Cells
from proxy.terminal.stage.columns import in_ms, lay_out
from proxy.terminal.stage.screen import Screen

from .book import WRONGS
from .report import Report


def show(screen: Screen, report: Report) -> None:
    screen.say()
    show_rows(screen, report)
    screen.say()
    show_operator(screen, report)
    screen.say()
    show_measures(screen, report)
    screen.say()
    for problem in report.problems:
        screen.say(f"! {problem}", "red")
    if report.ok:
        screen.say(f"ok: {report.outcomes['done']:,} switchovers, and no client noticed", "bold", "green")
    else:
        screen.say(f"NOT ok: {', '.join(report.failures())}", "bold", "red")


def show_rows(screen: Screen, report: Report) -> None:
    counted = ("clients", "operations", *WRONGS)
    rows = sorted(report.rows, key=lambda row: row.name)
    cells: list[Cells] = [("who", *counted)]
    for row in rows:
        cells.append((row.name, *(f"{getattr(row, what):,}" for what in counted)))
    cells.append(("together", *(f"{sum(getattr(row, what) for row in rows):,}" for what in counted)))
    header, *lines = lay_out(cells, left=1, columns=screen.columns)
    screen.say(header, "dim")
    for line, style in zip(lines, [*(() if row.clean else ("red",) for row in rows), ("bold",)], strict=True):
        screen.say(line, *style)


def show_operator(screen: Screen, report: Report) -> None:
    screen.say(f"switchovers: {counts(report.outcomes)}")
    holds = report.holds_ms
    if len(holds) > 1:
        p99 = quantiles(holds, n=100, method="inclusive")[98]
        screen.say(
            f"clients held, ms: median {in_ms(median(holds))}, p99 {in_ms(p99)}, longest {in_ms(max(holds))}"
        )
    for name, outcomes in report.hard.items():
        screen.say(f"made hard, {name}: {counts(outcomes)}")
    if report.faults:
        screen.say(f"besides: {counts(report.faults)}")


def counts(of: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in of.items() if count) or "none"


def show_measures(screen: Screen, report: Report) -> None:
    cells: list[Cells] = [
        ("what the proxy takes", "before", "first", "median", "last", "after", "rise", "allowed")
    ]
    for name, line in report.lines.items():
        first, last = (report.samples[at].values[name] for at in (0, -1))
        took = (report.before.values[name], first, line.median, last, report.after.values[name])
        cells.append((name, *(f"{value:,.0f}" for value in (*took, line.rise, line.allowed))))
    header, *lines = lay_out(cells, left=1, columns=screen.columns)
    screen.say(header, "dim")
    for told, line in zip(lines, report.lines.values(), strict=True):
        screen.say(told, *(("red",) if line.grows else ()))
    used = report.after.cpu_s - report.before.cpu_s
    screen.say(
        f"before: nobody there yet; after: everybody gone; rise: over {len(report.samples)} samples, warm-up"
        f" left out; resident in KiB. The proxy used {used:,.0f} s of CPU in {report.seconds:,.0f} s",
        "dim",
    )
    starved = report.after.starved_s - report.before.starved_s
    if starved:
        screen.say(f"for {starved:,.0f} s somebody on this machine waited for a CPU", "dim")
