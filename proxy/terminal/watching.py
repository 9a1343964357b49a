"""``baton watch``: how things stand, asked and drawn anew each second, until q or Ctrl-C.

It survives a restart of the proxy: it says that it cannot reach it, and goes on.
"""

import contextlib
import os
import select
import signal
import sys
import termios
import time
import tty
from collections.abc import Callable, Iterator

import click

from proxy.terminal.exits import DONE, Failure
from proxy.terminal.picture import Picture
from proxy.terminal.reaching import Place, reaching
from proxy.terminal.reading import SECTIONS, fields, nested, pairs
from proxy.terminal.writing import screen, show_picture

EVERY_S = 1.0
ANSWER_S = 2.0
"""Longer, and it is said that it does not answer."""
ONCE_S = 0.5
"""Over which ``--once`` measures commands a second."""
HISTORY = 20

Look = Callable[[Picture], None]
Pressed = Callable[[float], str]


@click.command("watch")
@click.option("--once", is_flag=True, help="Print one picture and end; for scripts.")
@reaching
def watch_verb(place: Place, once: bool) -> int:
    """A live view: nodes with role and lag, clients, lanes, commands a second, gate, the last switchovers.

    Drawn anew each second. q or Ctrl-C ends it.
    """
    picture = Picture(str(place.address))
    if once:
        return _once(place, picture)
    if not sys.stdout.isatty():
        raise click.UsageError("watch: wants a terminal; --once prints one picture")
    with contextlib.suppress(KeyboardInterrupt), _keys() as pressed, _looking(place) as look:
        _draw(picture, look, pressed)
    return DONE


def _once(place: Place, picture: Picture) -> int:
    with _looking(place) as look:
        look(picture)
        if not picture.trouble:
            time.sleep(ONCE_S)
            look(picture)
    if picture.trouble:
        raise Failure(picture.trouble)
    show_picture(picture)
    return DONE


def _draw(picture: Picture, look: Look, pressed: Pressed) -> None:
    from rich.live import Live

    with Live(picture, console=screen(), screen=True, auto_refresh=False) as live:
        live.refresh()
        while True:
            again = time.monotonic() + EVERY_S
            look(picture)
            live.refresh()
            while (left := again - time.monotonic()) > 0:
                if pressed(left) in ("q", "Q"):
                    return


@contextlib.contextmanager
def _looking(place: Place) -> Iterator[Look]:
    """A function that asks everything that is drawn, over one connection as long as that lasts."""

    def look(picture: Picture) -> None:
        try:
            with place.failing():
                told = fields(baton.execute_command("INFO", *SECTIONS))
                lines = baton.execute_command("HISTORY", HISTORY)
        except Failure as failure:
            picture.miss(str(failure))
        else:
            picture.see(told, [nested(pairs(line)) for line in lines], time.monotonic())

    with contextlib.closing(place.client(ANSWER_S)) as baton:
        yield look


def _no_key(seconds: float) -> str:
    time.sleep(seconds)
    return ""


@contextlib.contextmanager
def _keys() -> Iterator[Pressed]:
    """A function that waits for a key, so many seconds at most; keys are not echoed meanwhile.

    SIGTERM ends it as Ctrl-C does, so that the terminal is left as it was.
    """

    def end(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, end)
    try:
        if not sys.stdin.isatty():
            yield _no_key
            return
        keyboard = sys.stdin.fileno()
        mode = termios.tcgetattr(keyboard)

        def pressed(seconds: float) -> str:
            ready, _, _ = select.select([keyboard], [], [], seconds)
            return os.read(keyboard, 1).decode("ascii", "replace") if ready else ""

        tty.setcbreak(keyboard)
        try:
            yield pressed
        finally:
            termios.tcsetattr(keyboard, termios.TCSADRAIN, mode)
    finally:
        signal.signal(signal.SIGTERM, before)
