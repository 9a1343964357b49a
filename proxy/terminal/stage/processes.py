"""Child processes that never outlive what started them, and a run that ends early without leaving any."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, TypeVar

import trio

ROOT = Path(__file__).resolve().parents[3]

START_LIMIT_S = 20
END_LIMIT_S = 5
ASK_AGAIN_S = 0.02
INTERRUPTED = 130
"""The exit code of a shell command ended by Ctrl-C."""

PORTS = range(20_000, 30_000)
STAGE_PORTS = "STAGE_PORTS"
"""FIRST-LAST in the environment: the part of these ports that is left to this stage, where several are set
side by side."""

LANES_MODE = "BATON_LANES_MODE"
"""The one variable of Baton's that it is to find: whatever is shown is shown with lanes of that mode."""

Outcome = TypeVar("Outcome")


class PortTaken(Exception):
    """Somebody took the port between the probe and the start."""


class StageFailed(Exception):
    """The stage could not be set or kept: nothing can be said about Baton. The message is one line."""


def free_port() -> int:
    """A loopback port on which nobody listens now. It is not reserved: be ready to choose again.

    From below the range in which the kernel chooses the ports of outgoing connections: else one of the many
    clients might be given it in between.
    """
    ports = _ports()
    while True:
        port = random.choice(ports)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


def _ports() -> range:
    given = os.environ.get(STAGE_PORTS)
    if given is None:
        return PORTS
    first, _, last = given.partition("-")
    if not (first.isdecimal() and last.isdecimal() and PORTS[0] <= int(first) <= int(last) <= PORTS[-1]):
        raise StageFailed(f"{STAGE_PORTS}: FIRST-LAST, within {PORTS[0]}-{PORTS[-1]}, and not {given!r}")
    return range(int(first), int(last) + 1)


def last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines() or ["(it said nothing)"]
    return lines[-1].strip()


@asynccontextmanager
async def running(
    command: Sequence[str],
    *,
    stderr: IO[bytes],
    stdout: IO[bytes] | int,
    stdin: int = subprocess.DEVNULL,
    pass_fds: Sequence[int] = (),
) -> AsyncIterator[trio.Process]:
    """A child process, ended when the block ends: asked to, and killed if it does not heed."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("BATON_") or name == LANES_MODE
    }
    # Some are Python modules of this repository, wherever this runs.
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    process = await trio.lowlevel.open_process(
        command,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        pass_fds=pass_fds,
        start_new_session=True,  # Ctrl-C is for us alone, who end our children in order
        env=environment,
    )
    try:
        yield process
    finally:
        with trio.CancelScope(shield=True):
            process.terminate()
            with trio.move_on_after(END_LIMIT_S):
                await process.wait()
            process.kill()
            await process.wait()


async def until_interrupted(job: Callable[[], Awaitable[Outcome]]) -> Outcome | None:
    """What the job returns; None if Ctrl-C or a SIGTERM came first. No child outlives it."""
    outcome = None
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM, signal.SIGHUP) as signals:
        async with trio.open_nursery() as nursery:

            async def cancel_on_signal() -> None:
                async for _ in signals:
                    nursery.cancel_scope.cancel()

            nursery.start_soon(cancel_on_signal)
            outcome = await job()
            nursery.cancel_scope.cancel()
    return outcome


def conduct(job: Callable[[], Awaitable[Outcome]]) -> tuple[Outcome | None, str]:
    """Runs the job: its outcome, or None if it was interrupted or failed, and in that case the failure."""
    failure = ""
    outcome = None
    try:
        outcome = trio.run(until_interrupted, job)
    except* StageFailed as group:
        failure = first_of(group)
    except* KeyboardInterrupt:  # before trio heard of it
        pass
    return outcome, failure


def first_of(group: BaseExceptionGroup[StageFailed]) -> str:
    """The message of the first failure, however deep the nurseries have wrapped it."""
    first = group.exceptions[0]
    return first_of(first) if isinstance(first, BaseExceptionGroup) else str(first)
