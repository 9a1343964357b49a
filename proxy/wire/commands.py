"""The server's own table of commands, as COMMAND tells it: which there are, and what is said of them."""

from collections.abc import Sequence
from typing import Any

from attrs import frozen


@frozen
class CommandTable:
    """What one server process says of its commands; names are in capitals."""

    names: frozenset[bytes] = frozenset()
    blocking: frozenset[bytes] = frozenset()
    """They may block. 6.2 has no such flag."""


def parse_commands(reply: Sequence[Sequence[Any]]) -> CommandTable:
    """Read the reply to COMMAND. Raises ValueError where it is none."""
    names, blocking = set(), set()
    for entry in reply:
        match entry:
            case [bytes(name), int(), [*flags], *_]:
                names.add(name.upper())
                if b"blocking" in flags:
                    blocking.add(name.upper())
            case _:
                raise ValueError(f"COMMAND answered {entry!r:.100}")
    return CommandTable(frozenset(names), frozenset(blocking))
