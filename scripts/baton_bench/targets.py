"""What is measured side by side: a redis-server itself, and each proxy in front of it."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
from contextlib import AsyncExitStack
from pathlib import Path

import redis
from attrs import frozen

from scripts.baton_stage.baton import start_proxy
from scripts.baton_stage.direct import Address
from scripts.baton_stage.nodes import ask_directly
from scripts.baton_stage.processes import StageFailed, last_line, running

REDIS, BATON, HAPROXY = "redis", "baton", "haproxy"

HAPROXY_SETTINGS = """\
global
    nbthread 1
    maxconn {clients}
defaults
    mode tcp
    timeout connect 5s
    timeout client 1h
    timeout server 1h
listen redis
    bind fd@{descriptor}
    server redis {node}
"""
BACKLOG = 511


@frozen
class Target:
    name: str
    address: Address
    pid: int


def haproxy_version() -> str | None:
    """None where there is no haproxy."""
    path = shutil.which("haproxy")
    if path is None:
        return None
    told = subprocess.run([path, "-v"], capture_output=True, text=True, check=True, timeout=10).stdout
    found = re.search(r"version (\d+\.\d+\.\d+)", told)
    return found[1] if found else "unknown"


async def start_targets(
    stack: AsyncExitStack, directory: Path, node: Address, *, with_haproxy: bool
) -> list[Target]:
    """Redis first, then the proxies in front of it."""
    redis_pid = (await ask_directly(node, "INFO", "server"))["process_id"]
    targets = [Target(REDIS, node, redis_pid), await start_baton(stack, directory, node)]
    if with_haproxy:
        targets.append(await start_haproxy(stack, directory, node))
    return targets


async def start_baton(stack: AsyncExitStack, directory: Path, node: Address) -> Target:
    proxy = await start_proxy(stack, directory, [node])
    return Target(BATON, proxy.clients, proxy.pid)


async def start_haproxy(stack: AsyncExitStack, directory: Path, node: Address, clients: int = 100) -> Target:
    """HAProxy in TCP mode with one thread, as it is compared with, on a port that nobody can take from it."""
    # It is given a socket that listens already: clients may come before it is ready.
    with socket.create_server(("127.0.0.1", 0), backlog=BACKLOG) as listener:
        address = Address(*listener.getsockname())
        descriptor = listener.fileno()
        settings = directory / "haproxy.cfg"
        settings.write_text(HAPROXY_SETTINGS.format(clients=clients, descriptor=descriptor, node=node))
        with (directory / "haproxy.log").open("wb") as output:
            # -db: neither in the background nor under a second process of its own.
            command = ["haproxy", "-db", "-f", str(settings)]
            process = await stack.enter_async_context(
                running(command, stdout=output, stderr=output, pass_fds=[descriptor])
            )
    try:
        await ask_directly(address, "PING")
    except redis.RedisError as error:
        raise StageFailed(
            f"haproxy does not start: {last_line(directory / 'haproxy.log')} ({error})"
        ) from None
    return Target(HAPROXY, address, process.pid)
