"""Replies as trees, with which two of them can be compared in part."""

from __future__ import annotations

from attrs import frozen

LINES = b"+-:_#,("
BULKS = b"$=!"
NESTS = {ord("*"): 1, ord("~"): 1, ord(">"): 1, ord("%"): 2, ord("|"): 2}


@frozen
class Node:
    """One value: the byte that tells its type, and its text or its elements (a map's keys and values in a
    row)."""

    kind: bytes
    value: bytes | tuple[Node, ...] | None

    @property
    def elements(self) -> tuple[Node, ...]:
        """The elements, none for what is no nest."""
        return self.value if isinstance(self.value, tuple) else ()

    @property
    def text(self) -> bytes:
        return self.value if isinstance(self.value, bytes) else b""


class Unfinished(Exception):
    """The bytes end within a frame."""


def frame(data: bytes, at: int = 0) -> tuple[Node, int]:
    """The frame that begins at ``at``, and where it ends; a ValueError for what is no frame."""
    end = data.find(b"\r\n", at)
    if end < 0:
        raise Unfinished
    kind, line = data[at : at + 1], data[at + 1 : end]
    end += 2
    if kind[0] in LINES:
        return Node(kind, line), end
    length = int(line)  # a ValueError, where it is none
    if length < 0:
        return Node(kind, None), end
    if kind[0] in BULKS:
        if len(data) < end + length + 2:
            raise Unfinished
        if data[end + length : end + length + 2] != b"\r\n":
            raise ValueError(f"no end of line behind {data[at : end + length]!r}")
        return Node(kind, data[end : end + length]), end + length + 2
    if kind[0] not in NESTS:
        raise ValueError(f"no frame: {data[at : at + 40]!r}")
    elements = []
    for _ in range(length * NESTS[kind[0]]):
        element, end = frame(data, end)
        elements.append(element)
    if kind == b"|":  # an attribute goes with what follows
        element, end = frame(data, end)
        elements.append(element)
    return Node(kind, tuple(elements)), end


def frames(data: bytes) -> tuple[list[Node], bytes]:
    """All whole frames, and what is left behind them."""
    found, at = [], 0
    try:
        while at < len(data):
            node, at = frame(data, at)
            found.append(node)
    except Unfinished:
        pass
    return found, data[at:]
