"""The server's own table of commands, as COMMAND tells it: which there are, and what is said of them."""

from collections.abc import Sequence
from typing import Any

from attrs import frozen

MAY_REPLICATE = frozenset(
    (b"EVAL", b"EVALSHA", b"FCALL", b"PFCOUNT", b"PUBLISH", b"SPUBLISH", b"MULTI", b"EXEC")
)
"""CLIENT PAUSE WRITE holds these too, whatever they do (``CMD_MAY_REPLICATE``, which COMMAND tells on 6.2
only); EXEC, where the queue has a write."""


ANSWERS = frozenset((b"ECHO", b"PING", b"TIME"))
"""They only read, though they have no such flag."""


@frozen
class CommandTable:
    """What one server process says of its commands; names are in capitals."""

    names: frozenset[bytes] = frozenset()
    blocking: frozenset[bytes] = frozenset()
    """They may block. 6.2 has no such flag."""
    foreign: frozenset[bytes] = frozenset()
    """They are a module's, and only it knows what they do."""
    writes: frozenset[bytes] = frozenset()
    """CLIENT PAUSE WRITE holds them."""
    reads: frozenset[bytes] = frozenset()
    """They change nothing and are not held: asked twice, they do no harm."""


def parse_commands(reply: Sequence[Sequence[Any]]) -> CommandTable:
    """Read the reply to COMMAND. Raises ValueError where it is none."""
    names: dict[bytes, frozenset[bytes]] = {}
    for entry in reply:
        match entry:
            case [bytes(name), int(), [*flags], *_]:
                names[name.upper()] = frozenset(flags)
            case _:
                raise ValueError(f"COMMAND answered {entry!r:.100}")

    def flagged(flag: bytes) -> frozenset[bytes]:
        return frozenset(name for name, flags in names.items() if flag in flags)

    writes = flagged(b"write") | flagged(b"may_replicate") | MAY_REPLICATE
    return CommandTable(
        names=frozenset(names),
        blocking=flagged(b"blocking"),
        foreign=flagged(b"module") | {name for name in names if b"." in name},  # 6.2 has no such flag
        writes=writes,
        reads=(flagged(b"readonly") | (ANSWERS & names.keys())) - writes,
    )
