"""The ways to Redis that are measured side by side: straight, through Baton, and through its peers."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from attrs import frozen

from proxy.terminal.stage.baton import start_proxy
from proxy.terminal.stage.direct import Address
from proxy.terminal.stage.nodes import ask_directly

from .peers import PEERS, start_peer

REDIS, SHARED, PRIVATE = "redis", "baton shared", "baton private"
HAPROXY, TWEMPROXY, ENVOY = (peer.name for peer in PEERS)
WAYS: Final = (REDIS, SHARED, PRIVATE, HAPROXY, TWEMPROXY, ENVOY)
PROXIES: Final = WAYS[1:]
LANES: Final = {SHARED: "shared", PRIVATE: "private"}
TWO_SOCKETS_A_CLIENT: Final = (PRIVATE, HAPROXY)
"""The others have a few connections to Redis for all their clients."""


@frozen
class Way:
    """One of them, running."""

    name: str
    address: Address
    pid: int
    """The proxy's, or Redis's own."""


def ways_here() -> tuple[str, ...]:
    """Those whose program is on this machine."""
    missing = {peer.name for peer in PEERS if peer.path() is None}
    return tuple(name for name in WAYS if name not in missing)


async def start_way(stack: AsyncExitStack, directory: Path, name: str, node: Address, clients: int) -> Way:
    """Ready to be spoken to, with room for so many clients."""
    home = directory / name.replace(" ", "-")
    home.mkdir(exist_ok=True)
    if name == REDIS:
        return Way(name, node, (await ask_directly(node, "INFO", "server"))["process_id"])
    if name in LANES:
        proxy = await start_proxy(stack, home, [node], "--lanes", LANES[name])
        return Way(name, proxy.clients, proxy.pid)
    (peer,) = (peer for peer in PEERS if peer.name == name)
    address, pid = await start_peer(stack, home, peer, node, clients)
    return Way(name, address, pid)


async def start_ways(
    stack: AsyncExitStack, directory: Path, names: Sequence[str], node: Address
) -> list[Way]:
    return [await start_way(stack, directory, name, node, clients=1_000) for name in names]
