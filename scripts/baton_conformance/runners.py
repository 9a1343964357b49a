"""Running a suite once, against one server, with its own runner and a limit for each test."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile

import trio

from proxy.terminal.stage.direct import Address
from proxy.terminal.stage.nodes import Server
from proxy.terminal.stage.processes import StageFailed, free_port

from .endings import Ending, Endings, read_pytest, read_tcl
from .ground import Ground
from .suites import HERE, Suite
from .ways import Place, Way, open_way

TEST_LIMIT_S = 20
RUN_LIMIT_S = 1800
UNIT_TEST_LIMIT_S = 120
"""Of a test in Redis's own suite: some hammer the server with one command after the other."""
UNIT_LIMIT_S = 900


async def run_suite(
    suite: Suite, ground: Ground, way: Way, server: Server, only: Sequence[str] = ()
) -> tuple[Endings, Mapping[str, int]]:
    """How each test ended, and how many switchovers ended how; `only` names tests (pytest) or units (Tcl)."""
    if suite.runner == "pytest":
        async with _opened(suite, way, server) as (place, directory):
            return await _run_pytest(suite, ground, place.server, directory, only), place.switchovers
    endings: dict[str, Ending] = {}
    switchovers: Counter[str] = Counter()
    for unit in only or await _units(suite, ground):
        # A server for each unit: a unit may leave a setting behind that fails the next one.
        async with _opened(suite, way, server) as (place, directory):
            endings |= await _run_unit(suite, unit, ground, place.server)
            switchovers += place.switchovers
    return endings, switchovers


@asynccontextmanager
async def _opened(suite: Suite, way: Way, server: Server) -> AsyncIterator[tuple[Place, Path]]:
    with TemporaryDirectory(prefix="baton-conformance-") as name:
        async with open_way(way, server, suite.settings, Path(name)) as place:
            yield place, Path(name)


async def _run_pytest(
    suite: Suite, ground: Ground, server: Address, directory: Path, only: Sequence[str]
) -> Endings:
    record = directory / "record.jsonl"
    markers = [what.removeprefix("-m ") for what in suite.left_out if what.startswith("-m ")]
    files = [what for what in suite.left_out if not what.startswith("-m ")]
    command = [str(ground.python), "-m", "pytest", "-q", "-p", "observer", "-p", "no:cacheprovider"]
    command += ["--tb=line", "--disable-warnings", "--timeout", str(TEST_LIMIT_S)]
    command += ["-m", " and ".join(f"not {marker}" for marker in markers)] if markers else []
    command += [f"--ignore={file}" for file in files]
    command += [*(only or suite.arguments[:1]), *suite.arguments[1:]]
    environment = {
        # Commands that the suite starts by name are those of its environment; an interpreter that it starts
        # reads plugin/sitecustomize.py first.
        "PATH": f"{ground.python.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(HERE / "plugin"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "BATON_CONFORMANCE_RECORD": str(record),
        "BATON_CONFORMANCE_SERVER": str(server),
    }
    output = await _ended(command, ground.folder, environment, RUN_LIMIT_S)
    if not record.exists():
        raise StageFailed(f"{suite.name} did not run: {output.strip()[-2000:]}")
    return read_pytest(record.read_text().splitlines())


async def _units(suite: Suite, ground: Ground) -> list[str]:
    listed = await _ended(
        [_tclsh(), "tests/test_helper.tcl", "--list-tests"], ground.folder, {}, TEST_LIMIT_S
    )
    units = [unit for unit in listed.split() if not unit.startswith(tuple(suite.left_out))]
    if not units:
        raise StageFailed(f"{suite.name} has no units: {listed[-2000:]}")
    return units


async def _run_unit(suite: Suite, unit: str, ground: Ground, server: Address) -> Endings:
    command = [_tclsh(), "tests/test_helper.tcl", "--host", server.host, "--port", str(server.port)]
    command += ["--single", unit, "--tags", "-needs:repl", "--durable", "--no-latency"]
    command += ["--timeout", str(UNIT_TEST_LIMIT_S), "--baseport", str(free_port()), "--portcount", "32"]
    for what in suite.left_out:
        of, _, test = what.partition(": ")
        command += ["--skiptest", test] if of == unit and test else []
    return read_tcl(unit, await _ended(command, ground.folder, {}, UNIT_LIMIT_S))


def _tclsh() -> str:
    found = shutil.which("tclsh")
    if found is None:
        raise StageFailed("no tclsh on the PATH, which Redis's own suite is run by: apt install tcl")
    return found


async def _ended(command: Sequence[str], folder: Path, environment: Mapping[str, str], limit_s: float) -> str:
    """What the command printed, errors too, when it has ended, or when its limit is over.

    It is ended with all the processes that it started: a suite that gives up may leave some behind.
    """
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("BATON_", "PYTEST"))
    }
    with TemporaryFile() as output:
        process = await trio.lowlevel.open_process(
            command,
            cwd=folder,
            env=inherited | dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            with trio.move_on_after(limit_s):
                await process.wait()
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            with trio.CancelScope(shield=True):
                await process.wait()
        output.seek(0)
        return output.read().decode(errors="replace")
