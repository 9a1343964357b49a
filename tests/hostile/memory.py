"""What a proxy takes of the machine."""

import os
from pathlib import Path

from tests.baton import BatonProcess


def resident_kib(proxy: BatonProcess) -> int:
    """Now, in KiB."""
    return _field(proxy, "VmRSS:")


def peak_kib(proxy: BatonProcess) -> int:
    """At most so far, in KiB."""
    return _field(proxy, "VmHWM:")


def descriptors(proxy: BatonProcess) -> int:
    return len(os.listdir(f"/proc/{proxy.pid}/fd"))


def _field(proxy: BatonProcess, name: str) -> int:
    status = Path(f"/proc/{proxy.pid}/status").read_text()
    return int(status.split(name)[1].split()[0])
