"""Resident memory: what an idle client takes in a proxy, and whether switchovers leave something behind."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from proxy.terminal.stage.baton import start_proxy
from proxy.terminal.stage.direct import Address
from proxy.terminal.stage.nodes import Server, ask_directly, start_nodes
from proxy.terminal.stage.processes import StageFailed
from proxy.terminal.stage.screen import Screen

from .crowds import crowd
from .figures import Figures
from .files import BESIDE, possible_clients
from .sizes import Sizes
from .switching import primary_and_replica, switch_over
from .usage import resident_bytes
from .ways import LANES, PROXIES, start_way

CASE: Final = "idle clients"
GROWTH: Final = "growth over switchovers"
GROWTH_CLIENTS = 200
SPARE = 20
"""Connections that a peer may have beyond the idle ones: HAProxy reserves files for all of them."""
ROUNDS = 3
"""At most: each is a new process, and they differ by little."""
KIB = 1024


async def measure_memory(
    screen: Screen,
    server: Server,
    directory: Path,
    names: Sequence[str],
    sizes: Sizes,
    open_files: int,
    figures: Figures,
) -> None:
    rounds = min(ROUNDS, sizes.rounds)
    async with AsyncExitStack() as stack:
        (node,) = await start_nodes(stack, server, directory, 1)
        await ask_directly(node, "CONFIG", "SET", "maxclients", str(sizes.idle_clients + BESIDE))
        for number in range(1, rounds + 1):
            for name in (name for name in PROXIES if name in names):
                clients = possible_clients(sizes.idle_clients, open_files, name)
                screen.show(f"memory, round {number} of {rounds}: {clients:,} idle clients, {name}")
                await measure_idle(directory, node, name, clients, figures)
    for name in (name for name in LANES if name in names):
        await measure_growth(screen, server, directory, name, sizes.growth, figures)


async def measure_idle(directory: Path, node: Address, name: str, clients: int, figures: Figures) -> None:
    """Of a proxy that was just started: what is allocated once and for all counts, too."""
    others = await connections_to(node)
    async with AsyncExitStack() as stack:
        way = await start_way(stack, directory, name, node, clients + SPARE)
        before = resident_bytes(way.pid)
        async with crowd(directory, way.address, clients):
            figures.note(
                CASE,
                name,
                clients=clients,
                kib_per_client=(resident_bytes(way.pid) - before) / clients / KIB,
                connections_on_redis=await connections_to(node) - others,
            )


async def connections_to(node: Address) -> int:
    """Besides the one that asks."""
    clients: int = (await ask_directly(node, "INFO", "clients"))["connected_clients"]
    return clients - 1


async def measure_growth(
    screen: Screen, server: Server, directory: Path, name: str, switchovers: tuple[int, int], figures: Figures
) -> None:
    first, last = switchovers
    resident = []
    async with AsyncExitStack() as stack:
        nodes = await start_nodes(stack, server, directory, 2)
        proxy = await start_proxy(stack, directory, nodes, "--lanes", LANES[name])
        clients = await stack.enter_async_context(crowd(directory, proxy.clients, GROWTH_CLIENTS))
        await clients.begin()
        for number in range(1, last + 1):
            screen.show(f"memory: switchover {number} of {last}, {name}")
            _, candidate = await primary_and_replica(nodes)
            told = await switch_over(proxy, candidate)
            if told["outcome"] != "done":
                raise StageFailed(f"switchover {number} was {told['outcome']}: {told['why']}")
            if number in switchovers:
                resident.append(resident_bytes(proxy.pid))
    figures.note(
        GROWTH, name, kib_per_switchover=(resident[1] - resident[0]) / KIB / (last - first), switchovers=last
    )
