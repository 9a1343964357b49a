"""The results as a table that a person likes to read."""

from __future__ import annotations

from proxy.terminal.stage.columns import Row, in_ms, lay_out
from proxy.terminal.stage.screen import Screen

from .run import Run

COUNTED = ("operations", "errors", "disconnects", "lost", "doubled")


def show(screen: Screen, run: Run) -> None:
    rows: list[Row] = [("client", "version", *COUNTED, "longest wait, ms")]
    for result in run.results:
        counts = [f"{getattr(result, what):,}" for what in COUNTED]
        rows.append((result.client, result.version, *counts, in_ms(result.longest_wait_ms)))
    header, *lines = lay_out(rows, left=2, columns=screen.columns)
    screen.say()
    screen.say(header, "dim")
    for result, line in zip(run.results, lines, strict=True):
        screen.say(line, *(() if result.clean else ("red",)))
    for problem in (*run.problems, *(f"{one.name}: {each}" for one in run.results for each in one.problems)):
        screen.say(f"! {problem}", "red")
    if run.ok:
        screen.say(f"ok: {len(run.holds_ms)} switchovers, and no client noticed", "bold", "green")
    else:
        screen.say("NOT ok", "bold", "red")
