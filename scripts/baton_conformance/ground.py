"""What a suite needs before it can run: its source and an interpreter, made once in .venv/conformance."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path

import trio
from attrs import frozen

from proxy.terminal.stage.processes import ROOT, StageFailed

from .suites import Suite

GROUND = ROOT / ".venv" / "conformance"
"""Within .venv: it is ignored by git, and made anew with it."""
LIMIT_S = 600


@frozen
class Ground:
    folder: Path
    """Where the suite is started."""
    python: Path
    """The interpreter with what its requirements name."""


async def prepare(suite: Suite) -> Ground:
    """Download and unpack the suite, and fill its environment, unless that was done before."""
    home = GROUND / suite.distribution.replace("==", "-")
    stamp, wanted = home / "stamp", fingerprint(suite)
    GROUND.mkdir(parents=True, exist_ok=True)
    with (GROUND / "lock").open("w") as lock:  # one at a time; the kernel lets go of it with us
        await trio.to_thread.run_sync(fcntl.flock, lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != wanted:
            shutil.rmtree(home, ignore_errors=True)
            home.mkdir()
            await _unpack(suite, home)
            if suite.requirements is not None:
                await _fill(home / "environment", suite.requirements)
            stamp.write_text(wanted)
    return Ground(home / "source" / suite.folder, home / "environment" / "bin" / "python")


def fingerprint(suite: Suite) -> str:
    pins = suite.requirements.read_text() if suite.requirements else ""
    return f"{sys.version}\n{suite.distribution}\n{pins}"


async def _unpack(suite: Suite, home: Path) -> None:
    """Unpack the source distribution, whose one folder becomes `source`."""
    name = suite.distribution.partition("==")[0]
    await _pip("download", "--no-deps", "--no-binary", name, "--dest", str(home), suite.distribution)
    (archive,) = home.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        opened.extractall(home / "unpacked", filter="data")
    (only,) = (home / "unpacked").iterdir()
    only.rename(home / "source")
    # The client under test is the one that the environment has, not a folder that happens to stand here.
    shutil.rmtree(home / "source" / name, ignore_errors=True)


async def _fill(environment: Path, requirements: Path) -> None:
    # Debian's Python has no ensurepip without python3-venv: so no pip within, and ours fills it from outside.
    await _run([sys.executable, "-m", "venv", "--without-pip", str(environment)])
    await _pip("--python", str(environment / "bin" / "python"), "install", "--requirement", str(requirements))


async def _pip(*arguments: str) -> None:
    await _run([sys.executable, "-m", "pip", "-qq", "--disable-pip-version-check", *arguments])


async def _run(command: Sequence[str]) -> None:
    with trio.move_on_after(LIMIT_S):
        ended = await trio.run_process(
            command, check=False, capture_stdout=True, stderr=subprocess.STDOUT, stdin=b""
        )
        if ended.returncode == 0:
            return
        lines = ended.stdout.decode(errors="replace").strip().splitlines()
        raise StageFailed(f"{' '.join(command[1:])}: {lines[-1] if lines else ended.returncode}")
    raise StageFailed(f"{' '.join(command[1:])}: not done within {LIMIT_S} s")
