"""What is done to a process from outside, and seeing that it is done."""

import os
import sys
import time
from pathlib import Path

DONE = "the harm is done"


def harm(number: int, pid: int) -> None:
    """Send a signal, and say so once the process is dead or stopped: it may run on for a moment."""
    os.kill(pid, number)
    while _state(pid) not in "ZXTt":
        time.sleep(0.0002)
    print(DONE, file=sys.stderr, flush=True)


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
