"""Baton in front of the nodes, and what it answers to SWITCHOVER."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import redis
import trio
from attrs import frozen

from .direct import Address
from .processes import ASK_AGAIN_S, START_LIMIT_S, StageFailed, last_line, running

SWITCHOVER_LIMIT_S = 120
"""Longer than Baton takes to answer for any outcome: beyond the promotion it carries through."""


@frozen
class Proxy:
    clients: Address
    admin: Address
    pid: int


async def start_proxy(
    stack: AsyncExitStack, directory: Path, nodes: Sequence[Address], *arguments: str
) -> Proxy:
    """`baton serve` with these arguments besides, ready for clients."""
    # The command `baton`, also where the place of its script is not on the PATH.
    command = [
        sys.executable,
        "-m",
        "proxy.cli",
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--admin",
        "127.0.0.1:0",
        "--log-format",
        "text",
        "--clients",
        "1000000",  # a stage has as many as it likes
    ]
    for node in nodes:
        command += ["--node", str(node)]
    command += arguments
    log = directory / "baton.log"
    with log.open("wb") as output:
        process = await stack.enter_async_context(running(command, stdout=output, stderr=output))
    with trio.move_on_after(START_LIMIT_S):
        while process.poll() is None:
            told = log.read_text(errors="replace")
            serving = re.search(r" \+serving .*\baddress=(\S+:\d+)\b.*\n", told)
            admin = re.search(r" \+admin .*\baddress=(\S+:\d+)\b.*\n", told)
            if serving and admin:
                return Proxy(Address.parse(serving[1]), Address.parse(admin[1]), process.pid)
            await trio.sleep(ASK_AGAIN_S)
    raise StageFailed(f"baton does not start: {last_line(log)}")


def read_report(reply: Sequence[bytes]) -> dict[str, Any]:
    """Baton's flat list of names and values, as arguments for a Switchover."""
    told = {
        name.decode(): value.decode() if isinstance(value, bytes) else value
        for name, value in zip(reply[::2], reply[1::2], strict=True)
    }
    steps = {name.partition(".")[2]: float(told[name]) for name in told if name.startswith("steps_ms.")}
    return {
        "outcome": told["outcome"],
        "hold_ms": float(told["hold_ms"]),
        "steps_ms": steps,
        "full_resyncs": int(told["full_resyncs"]),
    }


def read_refusal(error: redis.RedisError) -> dict[str, Any]:
    """Baton's kind of error in small letters, and why; `unreachable` if it did not answer at all."""
    if isinstance(error, redis.ConnectionError | redis.TimeoutError):
        return {"outcome": "unreachable", "why": str(error)}
    kind, _, why = str(error).partition(" ")
    return {"outcome": kind.lower(), "why": why}
