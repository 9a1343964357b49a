"""How events are written: a line each on stderr.

For people: ``HH:MM:SS.mmm  +held  switchover=3 budget_ms=500``, local time; a value with a space or a quote
in it is written as JSON writes it. For machines: a JSON object, ``time`` in UTC. What libraries say by
standard logging, and Python's warnings, come as events as well.
"""

import atexit
import contextlib
import json
import logging
import os
import sys
from datetime import UTC, datetime
from typing import Any, Protocol

from proxy.telling.outlet import Outlet
from proxy.telling.publishing import set_level, tell, write_by
from proxy.telling.vocabulary import EVENTS

FORMATS = ("auto", "text", "json")
LAST_S = 1.0
"""How long what waits for a slow reader is offered to him when the process ends."""


class Stream(Protocol):
    """What takes lines, and when it returns has them."""

    def write(self, line: str, /) -> object: ...
    def isatty(self) -> bool: ...


def set_up(level: str = "info", format: str = "auto", stream: Stream | None = None) -> None:
    """Write events from now on: this level and what is worse. `auto` is for people if `stream`, by default
    stderr, is a terminal, else for machines. ValueError for what is neither a level nor a format."""
    if format not in FORMATS:
        raise ValueError(f"a format is one of {', '.join(FORMATS)}, not {format!r}")
    set_level(level)
    stream = _stderr() if stream is None else stream
    for_people = stream.isatty() if format == "auto" else format == "text"
    render = _for_people if for_people else _for_machines

    def write(told: dict[str, Any]) -> None:
        stream.write(render(told) + "\n")

    write_by(write)
    logging.basicConfig(level=logging.WARNING, handlers=[Libraries(logging.WARNING)], force=True)
    logging.captureWarnings(True)


def _stderr() -> Outlet:
    """Where there is none, since who started the process has closed it, nowhere."""
    descriptor = os.open(os.devnull, os.O_WRONLY) if sys.stderr is None else sys.stderr.fileno()
    outlet = Outlet(descriptor, lambda lines: tell("-lines-lost", lines=lines))

    @atexit.register
    def last() -> None:
        with contextlib.suppress(OSError):  # nobody can read it any more
            outlet.finish(LAST_S)

    return outlet


class Libraries(logging.Handler):
    """What libraries say by standard logging becomes an event."""

    def emit(self, record: logging.LogRecord) -> None:
        fault = record.exc_info[1] if record.exc_info else None
        try:
            says = record.getMessage()
        except Exception:  # its words and their places do not fit
            says = str(record.msg)
        tell("-library", source=record.name, says=says, exc_info=fault or False)


def _for_machines(told: dict[str, Any]) -> str:
    moment, name = told.pop("time"), told.pop("event")
    at = datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return json.dumps({"time": at, "level": EVENTS[name].level, "event": name, **told})


def _for_people(told: dict[str, Any]) -> str:
    moment = datetime.fromtimestamp(told.pop("time")).strftime("%H:%M:%S.%f")[:-3]
    words = [f"{moment}  {told.pop('event')}", " ".join(f"{key}={_bare(each)}" for key, each in told.items())]
    return "  ".join(filter(None, words))


def _bare(value: Any) -> str:
    """As it is where that can be read again, else as JSON has it."""
    if isinstance(value, str) and value and not set(value) & set(' "='):
        return value
    return json.dumps(value, ensure_ascii=False)
