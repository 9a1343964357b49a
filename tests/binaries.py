"""Which redis-server binaries this machine has, by version."""

import functools
import re
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@functools.cache
def version_of(binary: Path) -> str:
    """Return "7.0" for a server that calls itself 7.0.15."""
    said = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"\bv=(\d+\.\d+)\.", said)
    if found is None:
        raise AssertionError(f"{binary} --version says: {said!r}")
    return found[1]


def find_binaries() -> dict[str, Path]:
    """Return the redis-server of the PATH and the one that scripts/setup unpacked, by version."""
    found: dict[str, Path] = {}
    for binary in (shutil.which("redis-server"), shutil.which(ROOT / ".venv/redis-6.2/redis-server")):
        if binary is not None:
            found.setdefault(version_of(Path(binary)), Path(binary))
    return found
