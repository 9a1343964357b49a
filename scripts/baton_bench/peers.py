"""What Baton is compared with: other proxies, each with one thread that carries traffic, and little set."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import redis
import trio
from attrs import frozen

from proxy.terminal.stage.direct import Address
from proxy.terminal.stage.nodes import ask_directly
from proxy.terminal.stage.processes import (
    ASK_AGAIN_S,
    ROOT,
    START_LIMIT_S,
    StageFailed,
    free_port,
    last_line,
    running,
)

TRIES = 5
"""Somebody may take a port between the probe and the start."""

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
    bind {address}
    server redis {node}
"""

TWEMPROXY_SETTINGS = """\
redis:
  listen: {address}
  redis: true
  hash: fnv1a_64
  distribution: ketama
  preconnect: true
  servers:
   - {node}:1
"""

ENVOY_SETTINGS = """\
static_resources:
  listeners:
  - name: redis
    address: {{socket_address: {{address: {address.host}, port_value: {address.port}}}}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.redis_proxy
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.redis_proxy.v3.RedisProxy
          stat_prefix: redis
          settings: {{op_timeout: 30s}}
          prefix_routes: {{catch_all_route: {{cluster: redis}}}}
  clusters:
  - name: redis
    type: STATIC
    connect_timeout: 5s
    load_assignment:
      cluster_name: redis
      endpoints:
      - lb_endpoints:
        - endpoint:
            address: {{socket_address: {{address: {node.host}, port_value: {node.port}}}}}
"""


@frozen
class Peer:
    """A proxy that the bench knows how to find and to start."""

    name: str
    path: Callable[[], str | None]
    """Where its binary is; None where there is none."""
    settings: str
    arguments: Callable[[Path, int], Sequence[str]]
    """Its own, given the file of settings and a free port for what it wants to listen on besides."""
    version: Sequence[str]
    """The argument that has it tell its version."""

    def find_version(self) -> str | None:
        path = self.path()
        if path is None:
            return None
        ended = subprocess.run([path, *self.version], capture_output=True, text=True, check=False, timeout=30)
        found = re.search(r"\d+\.\d+\.\d+", ended.stdout + ended.stderr)
        return found[0] if found else "unknown"


def envoy_path() -> str | None:
    found = [*(ROOT / ".venv/envoy/lib").glob("python*/site-packages/envoy/_bin/envoy")]
    return str(found[0]) if found else shutil.which("envoy")


HAPROXY = Peer(
    "haproxy",
    lambda: shutil.which("haproxy"),
    HAPROXY_SETTINGS,
    # -db: neither in the background nor under a second process of its own.
    lambda settings, port: ["-db", "-f", str(settings)],
    ["-v"],
)
TWEMPROXY = Peer(
    "twemproxy",
    lambda: shutil.which("nutcracker"),
    TWEMPROXY_SETTINGS,
    lambda settings, port: [
        *("-c", str(settings), "-o", "/dev/stderr", "-p", f"{settings}.pid"),
        *("-a", "127.0.0.1", "-s", str(port)),
    ],
    ["-V"],
)
ENVOY = Peer(
    "envoy",
    envoy_path,
    ENVOY_SETTINGS,
    lambda settings, port: [
        *("-c", str(settings), "--concurrency", "1", "--disable-hot-restart", "--log-level", "error"),
    ],
    ["--version"],
)
PEERS = (HAPROXY, TWEMPROXY, ENVOY)


async def start_peer(
    stack: AsyncExitStack, directory: Path, peer: Peer, node: Address, clients: int
) -> tuple[Address, int]:
    """Where it listens, and its process. It has room for so many clients."""
    path = peer.path()
    assert path is not None, "only what was found is measured"
    log = directory / f"{peer.name}.log"
    for _ in range(TRIES):
        address = Address("127.0.0.1", free_port())
        settings = directory / f"{peer.name}.yaml"
        settings.write_text(peer.settings.format(address=address, node=node, clients=clients))
        with log.open("wb") as output:
            process = await stack.enter_async_context(
                running([path, *peer.arguments(settings, free_port())], stdout=output, stderr=output)
            )
        if await answers(address, process):
            return address, process.pid
    raise StageFailed(f"{peer.name} does not start: {last_line(log)}")


async def answers(address: Address, process: trio.Process) -> bool:
    """Whether it comes to answer PING before it ends."""
    with trio.move_on_after(START_LIMIT_S):
        while process.poll() is None:
            try:
                await ask_directly(address, "PING")
            except redis.RedisError:
                await trio.sleep(ASK_AGAIN_S)
            else:
                return True
    return False
