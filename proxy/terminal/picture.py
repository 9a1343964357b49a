"""What ``baton watch`` draws: how things stand, on as many columns and lines as there are."""

import textwrap
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from attrs import define, field
from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.text import Text

from proxy.terminal.asking import lasting, local, node_cells, standing
from proxy.terminal.reading import Values, nodes_in
from proxy.terminal.sparkline import sparkline
from proxy.terminal.writing import Cell, plain, styled

RATES_MAX = 400
"""Seconds that are remembered: more than the widest terminal shows."""
NARROW = 70
"""Columns below which what matters less is left out."""
GAP = "  "
NODE_ELASTIC = ((0, 24), (-1, 12), (0, 8), (-1, 0), (1, 4))
"""Columns of the nodes that are cut where it is too wide: the address a little, what is wrong, then more."""
REPORT_ELASTIC = ((-1, 12), (-2, 12), (-1, 0), (-2, 0))


@define
class Picture:
    """What was seen so far; drawn as of the last look."""

    where: str
    told: Values = field(factory=dict)
    history: Sequence[Values] = ()
    trouble: str = ""
    """Why there is nothing newer to see."""
    rates: deque[float | None] = field(factory=lambda: deque(maxlen=RATES_MAX))
    _counted: tuple[float, int] | None = None
    _seen: str = ""

    def see(self, told: Values, history: Sequence[Values], now: float) -> None:
        """What was answered at `now`, in seconds. Of two counts a rate is made, unless it was restarted."""
        self.told, self.history, self.trouble, self._seen = told, history, "", _now()
        count = told.get("total_commands_processed")
        rate = None
        if isinstance(count, int):
            if self._counted is not None and count >= self._counted[1] and now > self._counted[0]:
                rate = (count - self._counted[1]) / (now - self._counted[0])
            self._counted = (now, count)
        if rate is not None or self.rates:
            self.rates.append(rate)

    def miss(self, trouble: str) -> None:
        """Nothing was answered."""
        self.trouble = trouble
        self.rates.append(None)
        self._counted = None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width, height = options.max_width, console.size.height
        lines: list[Text] = [self._head(width)]
        if self.trouble:
            lines += [_line(line, "bold red") for line in textwrap.wrap(f"! {plain(self.trouble)}", width)]
        elif not self.told:
            lines.append(_line("asking", "dim"))
        if self.told and self.trouble:
            lines.append(_line(f"what follows is of {self._seen}", "dim"))
        if self.told:
            lines += self._state(width)
            nodes = nodes_in(self.told)
            room = max(1, height - len(lines) - 6)  # blanks, names, how many more there are, the keys
            lines += [
                _line(""),
                *_columns(
                    _node_names(width), (_node(each, width) for each in nodes[:room]), width, NODE_ELASTIC
                ),
            ]
            hidden = len(nodes) - room
            lines += [_line(f"… and {hidden} more nodes", "dim")] if hidden > 0 else []
            left = height - len(lines) - 4  # a blank and the names ahead of them, a blank and the keys behind
            if self.history and left > 0:
                rows = (_report(each, width) for each in self.history[:left])
                lines += [_line(""), *_columns(_report_names(width), rows, width, REPORT_ELASTIC)]
        lines += [_line(""), _line("q ends", "dim")]
        yield Group(*lines)

    def _head(self, width: int) -> Text:
        version = f" {self.told['baton_version']}" if "baton_version" in self.told else ""
        left = f"baton{version} at {self.where}"
        return _line(f"{left}{_now().rjust(max(9, width - len(left)))}", "bold")

    def _state(self, width: int) -> list[Text]:
        told = self.told
        gate = str(told.get("gate", ""))
        well = gate == "open"
        state = Text.assemble(
            ("gate ", "dim"), (plain(gate), "green" if well else "bold yellow"), ("   up for ", "dim"),
            lasting(told.get("uptime_in_seconds", 0)),
        )  # fmt: skip
        if told.get("draining"):
            state.append("   draining", "bold yellow")
        primary = told.get("primary")
        doing = [("blocked_clients", "blocked"), ("pubsub_clients", "subscribed")]
        clients = [f"{told.get('waiting_clients', 0)} waiting"]
        clients += [f"{told[name]} {word}" for name, word in doing if told.get(name)]
        lanes = f"{told.get('shared_lanes', 0)} shared, {told.get('lanes', 0)} private"
        return [
            _cut(state),
            _line(""),
            _pair("primary", str(primary) if primary else styled("none", "bold red")),
            _pair("commands/s", self._rate(width)),
            _pair("clients", f"{told.get('connected_clients', 0)} ({', '.join(clients)})"),
            _pair("lanes", lanes),
            _pair("switchover", standing(told)),
        ]

    def _rate(self, width: int) -> Text:
        latest = self.rates[-1] if self.rates else None
        figure = "-" if latest is None else f"{latest:,.0f}"
        return Text.assemble((f"{figure:>9}", "bold"), "  ", (sparkline(self.rates, width - 24), "cyan"))


def _now() -> str:
    return datetime.now().strftime("%H:%M:%S")


def _line(text: str, style: str = "") -> Text:
    return _cut(styled(text, style))


def _cut(text: Text) -> Text:
    """On one line, whatever the width."""
    text.no_wrap, text.overflow = True, "ellipsis"
    return text


def _pair(name: str, value: Cell) -> Text:
    return _cut(Text.assemble((f"{name:12}", "dim"), value if isinstance(value, Text) else plain(value)))


def _columns(
    names: Sequence[str], rows: Iterable[Sequence[Cell]], width: int, elastic: Sequence[tuple[int, int]]
) -> list[Text]:
    """A line of names, and one for each row. Where it is too wide, `elastic` says which columns are cut, in
    turn, and how much of each is left."""
    cells = [[Text(name, "dim") for name in names]]
    cells += [[cell if isinstance(cell, Text) else Text(plain(cell)) for cell in row] for row in rows]
    widths = [max(cell.cell_len for cell in column) for column in zip(*cells, strict=True)]
    for column, least in elastic:
        excess = sum(widths) + len(GAP) * (len(widths) - 1) - width
        widths[column] -= max(0, min(excess, widths[column] - least))
    lines = []
    for row in cells:
        for cell, room in zip(row, widths, strict=True):
            cell.truncate(room, overflow="ellipsis", pad=True)
        lines.append(_cut(Text(GAP).join(row)))
    return lines


def _node_names(width: int) -> Sequence[str]:
    return ("node", "role", "link", "lag", "version", "")[: _node_count(width)]


def _node_count(width: int) -> int:
    return 6 if width >= NARROW else 4


def _node(node: Mapping[str, Any], width: int) -> Sequence[Cell]:
    cells = node_cells(node)
    if width < NARROW and str(cells[5]):  # what is wrong matters more than the lag
        return (*cells[:3], cells[5])
    return cells[: _node_count(width)]


def _report_names(width: int) -> Sequence[str]:
    names = ("#", "began", "switchover", "held", "to", "why")
    return names if width >= NARROW else names[1:4]


def _report(report: Mapping[str, Any], width: int) -> Sequence[Cell]:
    outcome = str(report.get("outcome", ""))
    style = {"done": "green", "dry run": "green", "under way": "bold yellow"}.get(outcome, "red")
    held = f"{report.get('hold_ms', 0.0):.1f} ms"
    began = local(str(report.get("began", ""))).rpartition(" ")[2]
    if width < NARROW:
        return began, styled(outcome, style), held
    why = str(report.get("why", "")) or "; ".join(report.get("notes") or [])
    return str(report.get("number", "")), began, styled(outcome, style), held, str(report.get("to", "")), why
