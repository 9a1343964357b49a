"""How events are written: a line each on stderr, by structlog.

For people: ``HH:MM:SS.mmm  +held  switchover=3 budget_ms=500``, local time; a value with a space or a quote
in it is written as JSON writes it. For machines: a JSON object, ``time`` in UTC. What libraries say by
standard logging, and Python's warnings, come as events as well.
"""

import json
import logging
import sys
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any, TextIO

import structlog

from proxy.telling.publishing import set_level, tell, write_by
from proxy.telling.vocabulary import EVENTS

FORMATS = ("auto", "text", "json")

Line = MutableMapping[str, Any]


def set_up(level: str = "info", format: str = "auto", stream: TextIO | None = None) -> None:
    """Write events from now on: this level and what is worse. `auto` is for people if `stream`, by default
    stderr, is a terminal, else for machines. ValueError for what is neither a level nor a format."""
    if format not in FORMATS:
        raise ValueError(f"a format is one of {', '.join(FORMATS)}, not {format!r}")
    set_level(level)
    stream = sys.stderr if stream is None else stream
    for_people = stream.isatty() if format == "auto" else format == "text"
    last: list[structlog.typing.Processor] = [_render_text]
    if not for_people:
        last = [_name_level, _name_time, structlog.processors.JSONRenderer()]
    logger = structlog.wrap_logger(structlog.WriteLogger(stream), processors=last).bind()
    write_by(lambda told: logger.msg(told.pop("event"), **told))
    logging.basicConfig(level=logging.WARNING, handlers=[Libraries(logging.WARNING)], force=True)
    logging.captureWarnings(True)


class Libraries(logging.Handler):
    """What libraries say by standard logging becomes an event."""

    def emit(self, record: logging.LogRecord) -> None:
        fault = record.exc_info[1] if record.exc_info else None
        try:
            says = record.getMessage()
        except Exception:  # its words and their places do not fit
            says = str(record.msg)
        tell("-library", source=record.name, says=says, exc_info=fault or False)


def _name_level(_: object, __: str, line: Line) -> Line:
    name = line.pop("event")
    return {"time": line.pop("time"), "level": EVENTS[name].level, "event": name, **line}


def _name_time(_: object, __: str, line: Line) -> Line:
    moment = datetime.fromtimestamp(line["time"], UTC).isoformat(timespec="milliseconds")
    return {**line, "time": moment.replace("+00:00", "Z")}


def _render_text(_: object, __: str, line: Line) -> str:
    moment = datetime.fromtimestamp(line.pop("time")).strftime("%H:%M:%S.%f")[:-3]
    words = [f"{moment}  {line.pop('event')}", " ".join(f"{key}={_bare(line[key])}" for key in line)]
    return "  ".join(filter(None, words))


def _bare(value: Any) -> str:
    """As it is where that can be read again, else as JSON has it."""
    if isinstance(value, str) and value and not set(value) & set(' "='):
        return value
    return json.dumps(value, ensure_ascii=False)
