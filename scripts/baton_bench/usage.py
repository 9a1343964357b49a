"""What a process takes, as the kernel tells."""

from __future__ import annotations

import re
import resource
from pathlib import Path


def cpu_s(pid: int) -> float:
    """CPU time of all its threads so far, user and system, to the nanosecond; see proc(5), schedstat."""
    ran_ns = 0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        try:
            ran_ns += int((thread / "schedstat").read_text().split()[0])
        except (FileNotFoundError, ProcessLookupError):  # it ended in between
            continue
    return ran_ns / 1e9


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
