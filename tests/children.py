"""Which processes a process has started."""

from pathlib import Path


def children_of(parent: int) -> list[int]:
    """The processes that it started, as the kernel tells."""
    children = []
    for process in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The fields behind the name, which stands in parentheses and may contain anything: state, parent.
            _, parent_told, *_ = process.read_text().rpartition(")")[2].split()
        except OSError:  # it ended while we looked
            continue
        if int(parent_told) == parent:
            children.append(int(process.parent.name))
    return children
