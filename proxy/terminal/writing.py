"""What is written on stdout: lines and tables for people, JSON for machines.

Colour only on a terminal, and not with NO_COLOR. Nothing that came over the wire is obeyed by the terminal.
"""

import json
import shutil
import sys
from collections.abc import Iterable, Sequence

from rich.console import Console, ConsoleDimensions, RenderableType
from rich.table import Table
from rich.text import Text

UNWRAPPED = 10_000
"""Columns where there is no terminal: a line stays a line, for grep."""
PICTURE = (100, 40)
"""Columns and lines of a picture where there is no terminal, nor COLUMNS and LINES in the environment."""

Cell = str | int | float | Text


def screen() -> Console:
    """Stdout as it is now."""
    width = None if sys.stdout.isatty() else UNWRAPPED
    return Console(highlight=False, markup=False, emoji=False, width=width)


def plain(text: object) -> str:
    """On one line, and nothing in it that a terminal would obey."""
    return "".join(char if char.isprintable() else " " for char in str(text))


def say(text: object, style: str = "") -> None:
    """One line; it is not cut, a narrow terminal wraps it itself."""
    screen().print(Text(plain(text), style), soft_wrap=True)


def styled(text: object, style: str) -> Text:
    return Text(plain(text), style)


def show_table(names: Sequence[str], rows: Iterable[Sequence[Cell]], title: str = "") -> None:
    """Columns; numbers to the right. On a narrow terminal cells are folded, never cut."""
    rows = [list(row) for row in rows]
    table = Table(box=None, pad_edge=False, show_header=any(names), title=title or None, title_justify="left")
    for number, name in enumerate(names):
        right = bool(rows) and all(isinstance(row[number], int | float) for row in rows)
        table.add_column(Text(name, "dim"), justify="right" if right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else Text(plain(cell)) for cell in row))
    show(table)


def show(what: RenderableType, size: tuple[int, int] | None = None) -> None:
    """Anything that rich draws; without the blanks at the ends of lines where there is no terminal."""
    console = screen()
    if console.is_terminal:
        console.print(what)
        return
    if size is not None:
        console.size = ConsoleDimensions(*size)
    with console.capture() as captured:
        console.print(what, height=None if size is None else size[1])
    for line in captured.get().splitlines():
        print(line.rstrip())


def show_picture(picture: RenderableType) -> None:
    """On the terminal as it is, else on one of usual size."""
    show(picture, shutil.get_terminal_size(PICTURE))


def show_pairs(pairs: Iterable[tuple[str, Cell]]) -> None:
    """Names and values; what is empty is left out."""
    show_table(("", ""), [(styled(name, "dim"), value) for name, value in pairs if str(value)])


def show_json(value: object) -> None:
    """One value, on one line."""
    print(json.dumps(value, ensure_ascii=True))
