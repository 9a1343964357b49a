"""Telling: first to whoever listens, whatever the level; then, unless it is below the level, it is written.

Rules:

1. Below the level, with nobody listening, an event costs a look into a table and a comparison.
2. Who tells is not disturbed: not by a listener that raises, not by a log that cannot be written.
3. A value is a number, a truth, a list of texts, or a text: on one line, of bounded length, and nothing in it
   that a terminal would obey.
"""

import sys
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from attrs import define

from proxy.telling.vocabulary import EVENTS, LEVELS

Told = Mapping[str, Any]
"""An event: ``time`` in unix seconds, ``event`` its name, and its values."""

TEXT_MAX = 1000
"""Characters of a value; what is longer is cut."""
LIST_MAX = 50
"""Values of a list; of a traceback the last lines count."""

_RANKS = {name: len(LEVELS) if event.always else LEVELS.index(event.level) for name, event in EVENTS.items()}


@define
class _Teller:
    """Of the process there is one log, as there is one stderr."""

    write: Callable[[dict[str, Any]], None]
    listeners: tuple[Callable[[Told], None], ...] = ()
    rank: int = LEVELS.index("info")


def _nowhere(told: dict[str, Any]) -> None:
    """Until a log is set up."""


_teller = _Teller(_nowhere)


def tell(name: str, /, *, exc_info: bool | BaseException = False, **values: Any) -> None:
    """Tell what happened. KeyError for a name that is not in the vocabulary. `exc_info`: with an exception,
    which is the one being handled if it says True; its traceback goes to the log only. A value that is a word
    of Python's, as `from`, is given with an underscore behind it; None is not told."""
    rank = _RANKS[name]
    if not _teller.listeners and rank < _teller.rank:
        return
    told = {"time": time.time(), "event": name}
    told.update((key.removesuffix("_"), plain(each)) for key, each in values.items() if each is not None)
    lines: list[str] = []
    if exc_info:
        fault = sys.exception() if exc_info is True else exc_info
        told["fault"] = plain("".join(traceback.format_exception_only(fault)).strip())
        lines = plain("".join(traceback.format_exception(fault)).splitlines()[-LIST_MAX:])
    for listener in _teller.listeners:
        try:
            listener(dict(told))
        except Exception:  # not told to the listeners, or it would never end
            fault = plain(traceback.format_exc().strip().splitlines()[-1])
            _write({"time": told["time"], "event": "-fault", "where": "a listener", "fault": fault})
    if rank >= _teller.rank:
        _write(told | {"traceback": lines} if lines else told)


def _write(told: dict[str, Any]) -> None:
    try:
        _teller.write(told)
    except Exception:
        return  # nobody reads it any more, or its disk is full: no client is to suffer from that


def listen(callback: Callable[[Told], None]) -> Callable[[], None]:
    """Have `callback` called with each event, at once and whatever the level, until what is returned is
    called. It must not block."""
    entry = lambda told: callback(told)  # noqa: E731  who listens twice, stops each time by itself
    _teller.listeners += (entry,)

    def stop() -> None:
        _teller.listeners = tuple(each for each in _teller.listeners if each is not entry)

    return stop


def set_level(wanted: str) -> None:
    """Write this level and what is worse, from now on. ValueError if there is no such level."""
    if wanted not in LEVELS:
        raise ValueError(f"a level is one of {', '.join(LEVELS)}, not {plain(wanted)!r}")
    _teller.rank = LEVELS.index(wanted)


def level() -> str:
    """What is written: this level and what is worse."""
    return LEVELS[_teller.rank]


def write_by(write: Callable[[dict[str, Any]], None]) -> None:
    """Have what is not below the level written by this."""
    _teller.write = write


def plain(value: Any) -> Any:
    """A value as it may be told."""
    if isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(each) for each in list(value)[:LIST_MAX]]
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    if len(text) > TEXT_MAX:
        text = text[:TEXT_MAX] + "…"
    return text if text.isprintable() else "".join(map(_visible, text))


def _visible(letter: str) -> str:
    return (
        letter if letter.isprintable() else letter.encode("unicode_escape", "surrogatepass").decode("ascii")
    )
