"""The load processes, seen from the demo: started, listened to, stopped, asked for their verdict."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import trio
from attrs import define

from proxy.terminal.stage.direct import Address
from proxy.terminal.stage.processes import StageFailed, last_line, running

from .report import Result, Switchover, longest_otherwise_ms

ANSWER_LIMIT_S = 60
"""More than a load process gives its own clients to end."""


@define
class Load:
    """One load process. `live` is what it told last: operations, errors, disconnects."""

    workload: str
    process: trio.Process
    log: Path
    tell_answer: trio.MemorySendChannel[dict[str, Any]]
    answers: trio.MemoryReceiveChannel[dict[str, Any]]
    live: tuple[int, int, int] = (0, 0, 0)
    clients: int = 0

    async def listen(self) -> None:
        """Takes down what the process tells, until it ends."""
        stdout = self.process.stdout
        assert stdout is not None
        unread = b""
        async with self.tell_answer:
            async for chunk in stdout:
                *lines, unread = (unread + chunk).split(b"\n")
                for line in lines:
                    fact = json.loads(line)
                    if "live" in fact:
                        self.live = tuple(fact["live"])
                    else:
                        await self.tell_answer.send(fact)

    async def answer(self, name: str) -> Any:
        """What the process tells next under this name; StageFailed if it ends or hangs."""
        with trio.move_on_after(ANSWER_LIMIT_S):
            try:
                fact = await self.answers.receive()
            except trio.EndOfChannel:
                raise StageFailed(f"the load {self.workload} ended early: {last_line(self.log)}") from None
            return fact[name]
        raise StageFailed(f"the load {self.workload} does not answer: {last_line(self.log)}")

    async def ready(self) -> None:
        self.clients = await self.answer("ready")

    async def say(self, words: str) -> None:
        stdin = self.process.stdin
        assert stdin is not None
        try:
            await stdin.send_all(f"{words}\n".encode())
        except trio.BrokenResourceError:
            raise StageFailed(f"the load {self.workload} ended early: {last_line(self.log)}") from None

    async def stop(self) -> None:
        await self.say("stop")
        await self.answer("stopped")

    async def judge(self, nodes: Sequence[Address], switchovers: Sequence[Switchover]) -> Result:
        await self.say(" ".join(["judge", *map(str, nodes)]))
        told = await self.answer("result")
        slowest = told.pop("slowest")
        return Result(
            name=self.workload,
            clients=self.clients,
            otherwise_max_ms=longest_otherwise_ms(slowest, switchovers),
            problems=tuple(told.pop("problems")),
            **told,
        )


async def start_load(
    stack: AsyncExitStack, nursery: trio.Nursery, directory: Path, workload: str, address: Address
) -> Load:
    command = [sys.executable, "-m", "proxy.terminal.demo.load", workload, str(address)]
    log = directory / f"load-{workload.replace('/', '-')}.log"
    with log.open("wb") as output:
        process = await stack.enter_async_context(
            running(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=output)
        )
    load = Load(workload, process, log, *trio.open_memory_channel[dict[str, Any]](8))
    nursery.start_soon(load.listen)
    return load
