"""Nodes, clients, findings and reports, a line each: ``name=value`` where a script may read it."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from proxy.admin.console.encoding import Line
from proxy.admin.operator import Finding, Report
from proxy.operation.views import ClientView, NodeView

_PLAIN = re.compile(r'[^\s"=]+')
_VERDICTS = {"ok": "ok", "warn": "warn", "refuse": "REFUSE"}


def node_line(node: NodeView) -> str:
    """``* host:port: primary, offset 12, history 8ab3c2d1``; the star marks the one that serves."""
    mark = "* " if node.leads else "  "
    if node.silent:
        silent = node.silent.removeprefix(f"{node.address}: ")
        return f"{mark}{node.address}: {silent}"
    role = f"replica of {node.follows}" if node.role == "replica" else node.role
    told = [role if node.role != "unknown" else "not asked yet"]
    if node.role == "replica" and not node.link_up:
        told.append("link down")
    if node.offset >= 0:
        told.append(f"offset {node.offset}")
    if node.history:
        told.append(f"history {node.history.removeprefix('history ')}")
    if node.lag_bytes > 0:
        told.append(f"{node.lag_bytes} bytes behind")
    return f"{mark}{node.address}: {', '.join(told)}"


def client_line(client: ClientView) -> str:
    lane: str = client.lane
    if client.why:
        lane += f" why={word(client.why.replace(' ', '-').lower())}"
    return (
        f"id={client.id} addr={client.address} user={word(client.user)} name={word(client.name)}"
        f" resp={client.protocol} db={client.db} lane={lane} owed={client.owed}"
        f" unread={client.unread_bytes} state={','.join(client.state) or 'plain'}"
    )


def word(text: str) -> str:
    """Without blanks, and whatever a terminal may not show, so that a line can be split at blanks. One that
    begins with a quote is written as JSON writes it: else it could pass for one that is quoted."""
    plain = "".join("_" if char.isspace() or not char.isprintable() else char for char in text)
    return json.dumps(plain, ensure_ascii=False) if plain.startswith('"') else plain


def finding_lines(findings: Sequence[Finding]) -> list[Line]:
    width = max((len(finding.name) for finding in findings), default=0)
    return [Line(f"{_VERDICTS[each.verdict]:6} {each.name:{width}}  {each.text}") for each in findings]


def report_line(report: Report) -> str:
    """What a switchover came to: when it began in UTC, then the rest of what is told; what is empty is left
    out. A value with a blank or a quote in it is written as JSON writes it."""
    return " ".join(
        f"{name}={_value(value)}" for name, value in _flat(report.told()) if value not in ("", [], None)
    )


def _flat(told: Mapping[str, object]) -> Iterable[tuple[str, object]]:
    for name, value in told.items():
        if isinstance(value, Mapping):
            yield from ((f"{name}.{each}", inner) for each, inner in value.items())
        elif name == "began" and isinstance(value, int | float):
            yield (
                name,
                datetime.fromtimestamp(value, UTC).isoformat("T", "milliseconds").replace("+00:00", "Z"),
            )
        elif isinstance(value, list | tuple):
            yield name, "; ".join(map(str, value))
        else:
            yield name, value


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = f"{value:.3f}" if isinstance(value, float) else str(value)
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)
