"""What a process takes, as the kernel tells."""

from __future__ import annotations

import os
import re
import resource
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def cpu_s(pid: int) -> float:
    """CPU time so far, user and system, in steps of one tick (10 ms)."""
    # The fields behind the name, which stands in parentheses and may contain anything; see proc(5).
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    user, system = fields[11:13]
    return (int(user) + int(system)) / TICKS_PER_S


def resident_bytes(pid: int) -> int:
    """Resident memory, counted page by page: /proc/PID/statm is exact only to some pages a CPU."""
    told = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = re.search(r"^Rss:\s+(\d+) kB$", told, re.MULTILINE)
    assert found is not None, told
    return int(found[1]) * 1024


def raise_file_limit() -> int:
    """Allows this process, and those that it starts, as many open files as it may; returns how many."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard
