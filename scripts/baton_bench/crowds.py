"""The crowd process, seen from the bench."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import trio
from attrs import define, frozen

from proxy.terminal.stage.direct import Address
from proxy.terminal.stage.processes import StageFailed, last_line, running

from .sizes import EVERY_MS

ANSWER_LIMIT_S = 60


@frozen
class Waits:
    longest_ms: float
    median_ms: float | None
    p99_ms: float | None
    answered: int
    errors: int


@define
class Crowd:
    process: trio.Process
    log: Path

    async def begin(self) -> None:
        """They are idle until then."""
        await self.say(b"begin\n")

    async def waits(self) -> Waits:
        """What its clients went through since this was asked last."""
        await self.say(b"waits\n")
        return Waits(**await self.answer())

    async def waits_of(self, seconds: float) -> Waits:
        """What they go through from now on, for so long."""
        await self.waits()
        await trio.sleep(seconds)
        return await self.waits()

    async def say(self, line: bytes) -> None:
        assert self.process.stdin is not None
        try:
            await self.process.stdin.send_all(line)
        except trio.BrokenResourceError:
            raise StageFailed(f"the crowd ended early: {last_line(self.log)}") from None

    async def answer(self) -> dict[str, Any]:
        """The next thing it tells. It speaks only when it is asked: a line comes alone."""
        assert self.process.stdout is not None
        line = b""
        with trio.move_on_after(ANSWER_LIMIT_S):
            while not line.endswith(b"\n"):
                chunk = await self.process.stdout.receive_some()
                if not chunk:
                    raise StageFailed(f"the crowd ended early: {last_line(self.log)}")
                line += chunk
            told: dict[str, Any] = json.loads(line)
            return told
        raise StageFailed(f"the crowd does not answer: {last_line(self.log)}")


@asynccontextmanager
async def crowd(
    directory: Path,
    address: Address,
    clients: int,
    *,
    every_ms: float = EVERY_MS,
    dialogue: str = "values",
) -> AsyncIterator[Crowd]:
    """So many clients that have spoken once, and once they begin, go on every so many ms."""
    module = "scripts.baton_bench.crowd"
    command = [sys.executable, "-m", module, str(address), str(clients), str(every_ms), dialogue]
    log = directory / "crowd.log"
    with log.open("wb") as output:
        pipe = subprocess.PIPE
        async with running(command, stdin=pipe, stdout=pipe, stderr=output) as process:
            one = Crowd(process, log)
            await one.answer()
            yield one
