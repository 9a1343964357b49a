"""What is told of the proxy's inside, made from the code: settings, errors, events, metrics, alerts."""

import inspect
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from proxy.admin.http.problems import PROBLEMS, from_switchover
from proxy.admin.metrics.families import FAMILIES, Family
from proxy.settings import SETTINGS, Setting, Settings
from proxy.switchover.errors import Busy, CalledOff, Refused, SwitchoverError
from proxy.telling import EVENTS
from proxy.terminal.exits import KINDS
from scripts.baton_docs.markup import cell, code, table

RULES = Path(__file__).resolve().parent.parent.parent / "configs/prometheus/baton.rules.yaml"


def settings() -> str:
    """Every setting: its places, its default, if it may be changed while running, its meaning."""
    head = ("in the file, in the environment, as a flag", "default", "live", "meaning")
    return table(head, (setting_row(name, setting) for name, setting in SETTINGS.items()))


def setting_row(name: str, setting: Setting) -> Sequence[str]:
    default = getattr(Settings(), name)
    shown = "" if default in (None, (), {}) else code(setting.text(default))
    in_file = setting.in_file if setting.key else None
    places = "<br>".join(code(place) for place in (in_file, setting.env, setting.flag) if place)
    return places, shown, "yes" if setting.live else "", cell(setting.doc)


def errors() -> str:
    """Every way in which a switchover is answered that was not done, and how each face tells it."""
    rows = (_error_row(kind) for kind in (Refused, CalledOff, Busy))
    return table(("the error begins with", "exit status of `baton`", "HTTP", "meaning"), rows)


def _error_row(kind: type[SwitchoverError]) -> Sequence[str]:
    problem = PROBLEMS[from_switchover(kind("")).kind]
    return code(kind.kind), str(KINDS[kind.kind]), str(problem.status), cell(inspect.getdoc(kind) or "")


def events() -> str:
    """Every event, in the order of the vocabulary: how bad it is, what it means, what to do."""
    rows = (
        (code(name), event.level, cell(event.meaning), cell(event.advice)) for name, event in EVENTS.items()
    )
    return table(("event", "level", "meaning", "what to do"), rows)


def metrics() -> str:
    """Every family of metrics."""
    return table(("metric", "kind", "labels", "meaning"), map(_family_row, FAMILIES))


def _family_row(family: Family) -> Sequence[str]:
    labels = ", ".join(map(code, family.labels))
    shown = f"{labels}: {cell(family.of)}" if family.of else labels
    return code(family.name), family.kind, shown, cell(family.help)


def alerts() -> str:
    """Every alert of configs/prometheus: how urgent it is, what it tells, what to do."""
    groups = yaml.safe_load(RULES.read_text())["groups"]
    rows = (_alert_row(rule) for group in groups for rule in group["rules"] if "alert" in rule)
    return table(("alert", "severity", "it says", "what to do"), rows)


def _alert_row(rule: Mapping[str, Any]) -> Sequence[str]:
    told = (_without_labels(rule["annotations"][part]) for part in ("summary", "description"))
    return code(rule["alert"]), rule["labels"]["severity"], *map(cell, told)


def _without_labels(text: str) -> str:
    """The text with what Prometheus puts in its places shown as an ellipsis."""
    return re.sub(r"\{\{.*?\}\}", "…", text)
