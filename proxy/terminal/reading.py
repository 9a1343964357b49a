"""What the console answers, made into values: INFO, lines of ``name=value``, flat reports."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from proxy.terminal.reaching import Place

Values = dict[str, Any]

SECTIONS = ("server", "clients", "stats", "route", "nodes", "switchover")
_NODE = re.compile(r"node\d+")
_PAIR = re.compile(r'([\w.]+)=("(?:[^"\\]|\\.)*"|\S*)')
_NUMBER = re.compile(r"-?\d+(\.\d+)?")


def info(place: Place, *sections: str) -> Values:
    """Fields of INFO by name, of these sections or all of ours. Raises Failure."""
    return fields(place.ask("INFO", *(sections or SECTIONS)))


def fields(text: object) -> Values:
    """Of a reply to INFO: numbers as numbers, a node as what is told of it."""
    told: Values = {}
    for line in str(text).splitlines():
        name, colon, value = line.partition(":")
        if _NODE.fullmatch(name):
            words = (word.partition("=") for word in value.split(","))
            told[name] = {key: text if key == "version" else _value(text) for key, _, text in words}
        elif colon:
            told[name] = value if name.endswith("version") else _value(value)
    return told


def nodes_in(told: Mapping[str, Any]) -> list[Values]:
    """The nodes of INFO, each with address, role, leads, follows, link, offset, lag, version, why."""
    return [
        {**value, "leads": bool(value.get("leads"))}
        for name, value in told.items()
        if _NODE.fullmatch(name) and isinstance(value, dict)
    ]


def pairs(line: str) -> Values:
    """A line of ``name=value``, where a value with a blank in it is written as JSON has it."""
    return {name: _value(text) for name, text in _PAIR.findall(line)}


def _value(text: str) -> Any:
    """A number, or what JSON or nobody has quoted."""
    if text.startswith('"'):
        try:
            return json.loads(text)
        except ValueError:
            return text
    if not _NUMBER.fullmatch(text):
        return text
    return float(text) if "." in text else int(text)


def nested(flat: Any) -> Values:
    """A report, or a line of the history: ``steps_ms.warm`` becomes a part of ``steps_ms``, figures become
    numbers, notes a list."""
    if isinstance(flat, Sequence) and not isinstance(flat, str):  # RESP2 has no maps
        flat = dict(zip(flat[::2], flat[1::2], strict=False))
    told: Values = {}
    for name, value in dict(flat).items():
        whole, dot, part = str(name).partition(".")
        if dot:
            figure = float(value)
            if figure:  # a step that was not come to is nought
                told.setdefault(whole, {})[part] = figure
        elif whole == "notes":
            told[whole] = [note for note in str(value).split("; ") if note]
        elif whole.endswith("_ms"):
            told[whole] = float(value)
        else:
            told[whole] = value
    return told
