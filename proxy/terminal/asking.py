"""``baton status``, ``nodes`` and ``history``: how things stand, and what was."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import click
from rich.text import Text

from proxy.terminal.exits import DONE
from proxy.terminal.reaching import Place, reaching
from proxy.terminal.reading import Values, info, nested, nodes_in, pairs
from proxy.terminal.writing import Cell, say, show_json, show_pairs, show_table, styled

HISTORY_MAX = 1000

_json = click.option("--json", "as_json", is_flag=True, help="JSON on stdout, and nothing else.")


@click.command("status")
@_json
@reaching
def status_verb(place: Place, as_json: bool) -> int:
    """How things stand: primary, gate, clients, nodes, and what is under way or how the last one ended."""
    told = info(place)
    if as_json:
        last = nested(place.ask("SWITCHOVER", "STATUS"))
        rest = {name: each for name, each in told.items() if not (name in last or isinstance(each, dict))}
        show_json({**rest, "nodes": nodes_in(told), "switchover": last})
        return DONE
    gate = str(told.get("gate", ""))
    rows: list[tuple[str, Cell]] = [
        ("baton", f"{told.get('baton_version', '')}, up for {lasting(told.get('uptime_in_seconds', 0))}"),
        ("primary", _primary(told)),
        ("gate", gate if gate == "open" else styled(gate, "bold yellow")),
        ("", styled("draining: no new clients", "bold yellow") if told.get("draining") else ""),
        ("clients", f"{told.get('connected_clients', 0)}, {told.get('waiting_clients', 0)} waiting"),
        ("lanes", f"{told.get('shared_lanes', 0)} shared, {told.get('lanes', 0)} private"),
        ("switchover", standing(told)),
    ]
    show_pairs(rows)
    say("")
    show_nodes(nodes_in(told))
    return DONE


def _primary(told: Mapping[str, Any]) -> Cell:
    return str(told.get("primary") or "") or styled("none", "bold red")


def standing(told: Mapping[str, Any]) -> str:
    """What is under way, or how the last one ended, in a line."""
    state = str(told.get("state", "none yet"))
    if "from" not in told or not told["from"]:
        return state
    return f"{state}: {told['from']} → {told.get('to')}, held for {told.get('hold_ms')} ms"


@click.command("nodes")
@_json
@reaching
def nodes_verb(place: Place, as_json: bool) -> int:
    """The nodes: role, link, lag."""
    nodes = nodes_in(info(place, "nodes"))
    if as_json:
        show_json(nodes)
    else:
        show_nodes(nodes)
    return DONE


def show_nodes(nodes: list[Values]) -> None:
    show_table(("node", "role", "link", "lag", "version", ""), map(node_cells, nodes))


def node_cells(node: Mapping[str, Any]) -> tuple[Cell, ...]:
    """Address, role, link, lag in bytes, version, and what is wrong with it."""
    role = str(node.get("role", ""))
    style = {"primary": "bold green", "unknown": "bold red"}.get(role, "")
    leads = "" if role != "primary" or node.get("leads") else "not the one that clients go to"
    lag = node.get("lag", -1)
    return (
        str(node.get("address", "")),
        styled(role, style),
        Text("")
        if role != "replica"
        else styled(node.get("link"), "" if node.get("link") == "up" else "red"),
        amount(lag) if role == "replica" and isinstance(lag, int) and lag >= 0 else "",
        str(node.get("version", "")),
        styled(node.get("why") or leads, "red"),
    )


@click.command("history")
@click.argument("count", metavar="[N]", default=10, type=click.IntRange(1, HISTORY_MAX))
@_json
@reaching
def history_verb(place: Place, count: int, as_json: bool) -> int:
    """What became of the last N switchovers, 10 unless told otherwise; the newest first, refused ones too."""
    reports = history(place, count)
    if as_json:
        show_json(reports)
    elif not reports:
        say("none yet")
    else:
        names = ("#", "began", "outcome", "from", "to", "held ms", "clients", "why")
        show_table(names, map(report_cells, reports))
    return DONE


def history(place: Place, count: int) -> list[Values]:
    return [nested(pairs(line) if isinstance(line, str) else line) for line in place.ask("HISTORY", count)]


def report_cells(report: Mapping[str, Any]) -> tuple[Cell, ...]:
    outcome = str(report.get("outcome", ""))
    style = {"done": "green", "dry run": "green", "under way": "bold yellow"}.get(outcome, "red")
    return (
        str(report.get("number", "")),
        local(str(report.get("began", ""))),
        styled(outcome, style),
        str(report.get("from", "")),
        str(report.get("to", "")),
        f"{report.get('hold_ms', 0.0):.3f}",
        str(report.get("clients_carried", "")),
        str(report.get("why", "")) or "; ".join(report.get("notes") or []),
    )


def local(moment: str) -> str:
    """A time in UTC, as the clock on the wall shows it."""
    try:
        return datetime.fromisoformat(moment).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except ValueError:
        return moment


def lasting(seconds: float) -> str:
    """The two largest units: 3 d 4 h."""
    left = int(seconds)
    told: list[str] = []
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count or (unit == "s" and not told):
            told.append(f"{count} {unit}")
    return " ".join(told[:2])


def amount(count: float) -> str:
    """Bytes, in units of 1024."""
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB"
