"""What a switchover did, as people like to read it."""

from collections.abc import Mapping
from typing import Any

from rich.text import Text

from proxy.terminal.writing import Cell, plain, show_pairs, styled

BAR = 24
"""Cells of the longest step's bar."""
STYLES = {"done": "bold green", "dry run": "bold green", "promoted": "bold yellow"}

COUNTS = {
    "clients_carried": "clients carried",
    "clients_closed": "clients closed",
    "clients_held": "clients that waited",
    "full_resyncs": "full resyncs",
}


def show_report(report: Mapping[str, Any]) -> None:
    """The outcome, from where to where, how long the clients were held, the steps, and the notes."""
    outcome = str(report.get("outcome", ""))
    rows: list[tuple[str, Cell]] = [("outcome", styled(outcome, STYLES.get(outcome, "bold red")))]
    rows += [("from", plain(report.get("from", ""))), ("to", plain(report.get("to", "")))]
    rows.append(("clients held for", f"{report.get('hold_ms', 0.0):.3f} ms"))
    steps: Mapping[str, float] = report.get("steps_ms") or {}
    longest = max(steps.values(), default=0.0)
    for name, ms in steps.items():
        bar = "━" * max(1, round(BAR * ms / longest)) if longest else ""
        rows.append((f"  {name}", Text.assemble(f"{ms:9.3f} ms  ", (bar, "cyan"))))
    rows += [(label, str(report[name])) for name, label in COUNTS.items() if name in report]
    rows += [("note", styled(note, "yellow")) for note in report.get("notes") or []]
    show_pairs(rows)
