"""Where the demo speaks: plain lines, and on a terminal also colours and one line that keeps changing."""

from __future__ import annotations

import os
import shutil
from typing import IO, Final

from attrs import define, field

STYLES: Final = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33"}
CLEAR_LINE: Final = "\r\x1b[K"


@define
class Screen:
    stream: IO[str]
    is_terminal: bool = field(init=False)
    coloured: bool = field(init=False)
    changing: bool = field(init=False, default=False)
    """Whether the cursor stands behind a line that will be replaced."""

    def __attrs_post_init__(self) -> None:
        self.is_terminal = self.stream.isatty() and os.environ.get("TERM") != "dumb"
        self.coloured = self.is_terminal and not os.environ.get("NO_COLOR")

    @property
    def columns(self) -> int:
        """The terminal's width; generous where the output goes to a file."""
        return shutil.get_terminal_size((100, 24)).columns if self.is_terminal else 120

    def styled(self, text: str, *styles: str) -> str:
        codes = ";".join(STYLES[style] for style in styles)
        return f"\x1b[{codes}m{text}\x1b[0m" if codes and self.coloured else text

    def plain(self, text: str) -> str:
        """The text as this stream can write it: an arrow, say, is no ASCII."""
        encoding = getattr(self.stream, "encoding", None) or "ascii"
        return (
            text.replace("→", "->").encode(encoding, "replace").decode(encoding)
            if is_poor(encoding)
            else text
        )

    def say(self, text: str = "", *styles: str) -> None:
        """A line that stays."""
        self.clear()
        self.stream.write(self.styled(self.plain(text), *styles) + "\n")
        self.stream.flush()

    def show(self, text: str) -> None:
        """The line that keeps changing; nothing where there is no terminal."""
        if self.is_terminal:
            self.stream.write(CLEAR_LINE + self.styled(self.plain(text)[: self.columns - 1], "dim"))
            self.stream.flush()
            self.changing = True

    def clear(self) -> None:
        if self.changing:
            self.stream.write(CLEAR_LINE)
            self.changing = False


def is_poor(encoding: str) -> bool:
    """Whether an encoding lacks the one arrow that the demo writes."""
    try:
        "→".encode(encoding)
    except UnicodeEncodeError:
        return True
    return False
