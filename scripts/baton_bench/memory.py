"""Resident memory: what an idle client takes in a proxy, and whether switchovers leave something behind."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from statistics import median

from scripts.baton_stage.baton import start_proxy
from scripts.baton_stage.direct import Address
from scripts.baton_stage.nodes import Server, start_nodes
from scripts.baton_stage.processes import StageFailed
from scripts.baton_stage.screen import Screen

from .crowds import crowd
from .figures import Growth, Memory, ratio
from .sizes import CLIENTS, EVERY_MS, Sizes
from .switching import primary_and_replica, switch_over
from .targets import BATON, HAPROXY, Target, start_baton, start_haproxy
from .usage import resident_bytes

SPARE = 20
"""Connections that HAProxy may have beyond the idle ones: it reserves files for all of them."""
ROUNDS = 3
"""At most: each is a new process, and they differ by little."""

Start = Callable[[AsyncExitStack, Path, Address], Awaitable[Target]]


async def measure_memory(
    screen: Screen, server: Server, directory: Path, sizes: Sizes, clients: int, *, with_haproxy: bool
) -> Memory:
    starts: dict[str, Start] = {BATON: start_baton}
    if with_haproxy:
        starts[HAPROXY] = partial(start_haproxy, clients=clients + SPARE)
    taken: dict[str, list[float]] = {name: [] for name in starts}
    rounds = min(ROUNDS, sizes.rounds)
    async with AsyncExitStack() as stack:
        (node,) = await start_nodes(stack, server, directory, 1)
        for number in range(1, rounds + 1):
            for name, start in starts.items():
                screen.show(f"memory, round {number} of {rounds}: {clients:,} idle clients, {name}")
                taken[name].append(await bytes_per_client(directory, node, start, clients))
    return Memory(
        clients,
        ratio(taken[BATON], taken.get(HAPROXY)),
        {name: median(values) for name, values in taken.items()},
        await measure_growth(screen, server, directory, sizes.growth),
    )


async def bytes_per_client(directory: Path, node: Address, start: Start, clients: int) -> float:
    """Of a proxy that was just started: what is allocated once and for all counts, too."""
    async with AsyncExitStack() as stack:
        target = await start(stack, directory, node)
        before = resident_bytes(target.pid)
        async with crowd(directory, target.address, clients, None):
            return (resident_bytes(target.pid) - before) / clients


async def measure_growth(
    screen: Screen, server: Server, directory: Path, switchovers: tuple[int, int]
) -> Growth:
    first, last = switchovers
    resident = []
    async with AsyncExitStack() as stack:
        nodes = await start_nodes(stack, server, directory, 2)
        proxy = await start_proxy(stack, directory, nodes)
        await stack.enter_async_context(crowd(directory, proxy.clients, CLIENTS, EVERY_MS))
        for number in range(1, last + 1):
            screen.show(f"memory: switchover {number} of {last}")
            _, candidate = await primary_and_replica(nodes)
            told = await switch_over(proxy, candidate)
            if told["outcome"] != "done":
                raise StageFailed(f"switchover {number} was {told['outcome']}: {told['why']}")
            if number in switchovers:
                resident.append(resident_bytes(proxy.pid))
    return Growth((first, last), (resident[0], resident[1]))
