"""Which redis-server binaries this machine has, by version.

Every test that needs a server runs with each of the two main versions: the one on the PATH, and the oldest
that is served. Where versions differ in what clients notice (carried, session), a folder's conftest asks for
every version that ``scripts/redis-unpack`` could get: ``redis_binary = each_in_turn(find_all())``.
"""

import functools
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import pytest

ROOT = Path(__file__).resolve().parent.parent


@functools.cache
def version_of(binary: Path) -> str:
    """Return "7.0" for a server that calls itself 7.0.15."""
    said = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"\bv=(\d+\.\d+)\.", said)
    if found is None:
        raise AssertionError(f"{binary} --version says: {said!r}")
    return found[1]


MAIN, MORE = ("6.2",), ("7.4", "8.0")
"""What scripts/redis-unpack gets; 8.0 is Valkey's."""


def find_main() -> dict[str, Path]:
    """Return the redis-server of the PATH and the oldest that is served, by version."""
    return _find(shutil.which("redis-server"), *map(_unpacked, MAIN))


def find_all() -> dict[str, Path]:
    """Return these and the newer ones."""
    return _find(*find_main().values(), *map(_unpacked, MORE))


def each_in_turn(binaries: Mapping[str, Path], scope: Literal["function", "session"] = "function") -> Any:
    """Make a fixture of a folder: what uses it runs once for each of the binaries."""

    @pytest.fixture(name="redis_binary", params=list(binaries) or ["no-redis-server"], scope=scope)
    def redis_binary(request: pytest.FixtureRequest, redis_binaries: dict[str, Path]) -> Path:
        return binaries[request.param]

    return redis_binary


def _unpacked(version: str) -> str | None:
    return shutil.which(ROOT / f".venv/redis-{version}/redis-server")


def _find(*binaries: str | Path | None) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for binary in binaries:
        if binary is not None:
            found.setdefault(version_of(Path(binary)), Path(binary))
    return found
