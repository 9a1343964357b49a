"""Decisions read from bytes, so that whoever changes the bytes changes what happens."""

from collections.abc import Sequence
from typing import TypeVar

from attrs import define

T = TypeVar("T")

CUT = b"\x1e"
"""ASCII's record separator: stands in an input where what is sent is cut in pieces; it is not sent."""


def pieces(data: bytes) -> list[bytes]:
    """The input in the pieces in which it arrives."""
    return [piece for piece in data.split(CUT) if piece]


@define(eq=False)
class Tape:
    """Once the bytes are read, every decision is the first one."""

    data: bytes
    place: int = 0

    @property
    def ended(self) -> bool:
        return self.place >= len(self.data)

    def number(self, below: int) -> int:
        """Digits mean themselves, so that an input may be written by hand."""
        byte = self.data[self.place] if not self.ended else 0
        self.place += 1
        return (byte - 48 if 48 <= byte < 58 else byte) % below

    def choose(self, choices: Sequence[T]) -> T:
        return choices[self.number(len(choices))]

    def line(self) -> bytes:
        """Up to the end of the line, as it stands there: an escape is no byte of its own."""
        end = self.data.find(b"\n", self.place)
        end = len(self.data) if end < 0 else end
        text, self.place = self.data[self.place : end], end + 1
        return text.replace(b"\\r", b"\r").replace(b"\\n", b"\n")
