"""The run on a terminal."""

from __future__ import annotations

from proxy.terminal.stage.columns import lay_out
from proxy.terminal.stage.screen import Screen

from .figures import Run
from .grids import Grid, grids_of


def show_run(screen: Screen, run: Run) -> None:
    screen.say(summary(run), "dim")
    for grid in grids_of(run):
        show_grid(screen, grid)
    for line in run.skipped:
        screen.say(f"! {line}", "yellow")
    for line in run.failed:
        screen.say(f"! not all was measured: {line}", "red")


def summary(run: Run) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in run.versions.items())
    rounds = f"medians of {run.rounds} rounds" if run.rounds > 1 else "one round"
    return f"{rounds}; {versions}; {run.cpus} CPUs, load average before: {run.load_before:.2f}"


def show_grid(screen: Screen, grid: Grid) -> None:
    screen.say()
    screen.say(grid.title, "bold")
    header, *lines = lay_out(grid.rows, left=grid.left, columns=screen.columns)
    screen.say(header, "dim")
    for line in lines:
        screen.say(line, *(["red"] if line.endswith("NOT met") else []))
    for note in grid.notes:
        screen.say(note, "dim")
