"""How many clients the limit on open files allows. It holds for each process by itself.

Each client takes one file in the process that plays the clients and one in the proxy; where it has a
connection to Redis for itself, another one there; and in a switchover of private lanes, the one to the new
primary besides.
"""

from __future__ import annotations

from collections.abc import Iterable

from .ways import PRIVATE, TWO_SOCKETS_A_CLIENT

BESIDE = 150
"""What a process has open besides."""


def files_needed(clients: int, way: str, *, switching: bool = False) -> int:
    each = 1 + (way in TWO_SOCKETS_A_CLIENT) + (switching and way == PRIVATE)
    return clients * each + BESIDE


def possible_clients(wanted: int, open_files: int, way: str) -> int:
    """As many idle ones as are wanted, or else as many as may be."""
    each = files_needed(1, way) - BESIDE
    return max(1, min(wanted, (open_files - BESIDE) // each))


def can_switch(clients: int, open_files: int, way: str) -> bool:
    return files_needed(clients, way, switching=True) <= open_files


def complaints_of_idle(wanted: int, open_files: int, ways: Iterable[str]) -> list[str]:
    return [
        f"{open_files:,} open files allow {possible:,} idle clients of {way}, not {wanted:,}"
        for way in ways
        if (possible := possible_clients(wanted, open_files, way)) < wanted
    ]


def complaints_of_hold(counts: Iterable[int], open_files: int, ways: Iterable[str]) -> list[str]:
    return [
        f"{open_files:,} open files are too few for a switchover of {clients:,} clients of {way},"
        f" which takes {files_needed(clients, way, switching=True):,}"
        for clients in counts
        for way in ways
        if not can_switch(clients, open_files, way)
    ]
