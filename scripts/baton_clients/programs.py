"""The client programs, seen from the driver: started, listened to, stopped, asked for their report."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

import trio
from attrs import define, field, frozen

from proxy.terminal.stage.direct import Address
from proxy.terminal.stage.processes import ROOT, StageFailed, last_line, running

HERE = ROOT / ".venv" / "clients"
"""What ./scripts/clients has put there."""
PYTHON = HERE / "python" / "bin" / "python"
NODE = HERE / "python" / "bin" / "node"
READY_LIMIT_S = 90
REPORT_LIMIT_S = 120
"""More than a program gives its own threads and tasks to end."""


@frozen
class Kind:
    """A client program: how it is run, and what it does, in words for a table."""

    name: str
    command: Sequence[str | Path]
    does: str


def python(module: str) -> Sequence[str | Path]:
    return [PYTHON, "-m", f"scripts.baton_clients.{module}"]


def javascript(file: str) -> Sequence[str | Path]:
    return [NODE, Path(__file__).parent / "javascript" / f"{file}.js"]


KINDS: Final[Mapping[str, Kind]] = {
    kind.name: kind
    for kind in (
        Kind(
            "redis-py",
            python("redis_sync"),
            "values, pipelines, MULTI, WATCH, EVALSHA, FCALL, WAIT; BLPOP, BLMOVE, BLMPOP, BZPOPMIN;"
            " XREADGROUP, XREAD; subscribers by name, pattern and shard, and one that comes and goes;"
            " SCAN and its family; CLIENT UNBLOCK; client side caching; maintenance notices",
        ),
        Kind(
            "redis-py-asyncio",
            python("redis_asyncio"),
            "values up to 200 kB, pipelines, a pool that many tasks share, WATCH, its Lock, EVALSHA, FCALL,"
            " WAIT; BLMOVE, BZPOPMIN; XREADGROUP, XREAD; subscribers by name, pattern and shard,"
            " long messages in bursts; keyspace notifications; SCAN and its family",
        ),
        Kind(
            "valkey-glide",
            python("glide_trio"),
            "values, batches, many tasks on one connection, MULTI, WATCH, EVALSHA, its Script, FCALL, WAIT;"
            " BLMOVE, BZPOPMIN; XREADGROUP, XREAD; subscribers by name and pattern; SCAN and its family",
        ),
        Kind(
            "ioredis",
            javascript("ioredis/main"),
            "values, pipelines, auto-pipelining, MULTI whole and in pieces, WATCH, commands of Lua, FCALL,"
            " WAIT; BLPOP, BRPOPLPUSH, BLMPOP, BZPOPMIN; XREADGROUP, XREAD; subscribers by name, pattern and"
            " shard; SCAN streams; a cache by CLIENT TRACKING with REDIRECT",
        ),
        Kind(
            "node-redis",
            javascript("node_redis/main"),
            "values, pipelines, its pool, MULTI, WATCH, scripts alone and in MULTI, FCALL, WAIT;"
            " BLPOP, BLMOVE, BZPOPMIN, BZMPOP; XREADGROUP, XREAD; subscribers by name, pattern and shard;"
            " SCAN iterators; client side caching; MONITOR",
        ),
        Kind(
            "bullmq",
            javascript("bullmq"),
            "a job queue: three workers with four jobs at a time, jobs plain, delayed, urgent, in bulk,"
            " failing at first, parents with children; progress, logs, events: by Lua, BZPOPMIN and streams",
        ),
    )
}


@define
class Running:
    """One client program at work."""

    kind: Kind
    process: trio.Process
    log: Path
    unread: bytes = b""
    identity: dict[str, str] = field(factory=dict)

    async def hear(self, word: str, limit_s: float) -> Any:
        """What the program tells under this word; StageFailed if it ends or hangs before."""
        stdout = self.process.stdout
        assert stdout is not None
        with trio.move_on_after(limit_s):
            while True:
                line, newline, rest = self.unread.partition(b"\n")
                if newline:
                    self.unread = rest
                    if line.startswith(b"{"):
                        return json.loads(line)[word]
                    with self.log.open("ab") as log:  # some libraries speak on standard output
                        log.write(line + newline)
                elif chunk := await stdout.receive_some():
                    self.unread += chunk
                else:
                    raise StageFailed(f"{self.kind.name} ended early: {last_line(self.log)}")
        raise StageFailed(f"{self.kind.name} does not say {word!r}: {last_line(self.log)}")

    async def ready(self) -> None:
        self.identity = await self.hear("ready", READY_LIMIT_S)

    async def say(self, word: str) -> None:
        stdin = self.process.stdin
        assert stdin is not None
        try:
            await stdin.send_all(f"{word}\n".encode())
        except trio.BrokenResourceError:
            raise StageFailed(f"{self.kind.name} ended early: {last_line(self.log)}") from None

    async def stop(self) -> dict[str, Any]:
        await self.say("stop")
        report: dict[str, Any] = await self.hear("report", REPORT_LIMIT_S)
        return report


async def start_program(stack: AsyncExitStack, directory: Path, kind: Kind, address: Address) -> Running:
    log = directory / f"{kind.name}.log"
    with log.open("wb") as output:
        process = await stack.enter_async_context(
            running(
                [*map(str, kind.command), address.host, str(address.port)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
            )
        )
    return Running(kind, process, log)


def let_node_find_its_packages() -> None:
    os.environ["NODE_PATH"] = str(HERE / "node_modules")
