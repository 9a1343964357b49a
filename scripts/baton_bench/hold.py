"""The hold: how long clients wait in a switchover, beside Redis's own FAILOVER and the floor."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Final, Literal

import trio
from attrs import frozen

from proxy.terminal.stage.baton import Proxy, start_proxy
from proxy.terminal.stage.direct import Address
from proxy.terminal.stage.nodes import Server, start_nodes
from proxy.terminal.stage.screen import Screen

from .crowds import Crowd, crowd
from .figures import Figures
from .files import can_switch
from .redis_alone import bare_sequence, fail_over
from .sizes import EVERY_MS, Sizes
from .switching import primary_and_replica, switch_over
from .ways import LANES

SETTLED_S = 3 * EVERY_MS / 1000
"""After a switchover's answer, every busy client has had the reply to what it sent before."""
STEP: Final = "step_"
"""Before the name of a step in that of its measure."""
ALONE: Final = "Redis alone"
FAILOVER: Final = "its own FAILOVER"
FLOOR: Final = "five round trips, idle"
ALONE_CLIENTS = 200
SATURATING = 200


@frozen
class Scene:
    """A number of clients, and what they do."""

    clients: int
    load: Literal["idle", "busy", "saturating"]
    """Busy: a command each every 20 ms. Saturating: without think time."""

    @property
    def case(self) -> str:
        return f"hold, {self.clients:,} {self.load}"


@frozen
class Stage:
    """Two nodes, and Baton before them."""

    way: str
    directory: Path
    nodes: Sequence[Address]
    proxy: Proxy


async def measure_hold(
    screen: Screen,
    server: Server,
    directory: Path,
    names: Sequence[str],
    sizes: Sizes,
    open_files: int,
    figures: Figures,
) -> None:
    async with AsyncExitStack() as stack:
        stages = []
        for way, lanes in ((way, lanes) for way, lanes in LANES.items() if way in names):
            home = directory / f"hold-{lanes}"
            home.mkdir()
            nodes = await start_nodes(stack, server, home, 2)
            stages.append(Stage(way, home, nodes, await start_proxy(stack, home, nodes, "--lanes", lanes)))
        twins = await start_nodes(stack, server, directory, 2)
        for number in range(1, sizes.rounds + 1):
            progress = f"hold, round {number} of {sizes.rounds}"
            for clients in sizes.hold_clients:
                for stage in stages:
                    if can_switch(clients, open_files, stage.way):
                        screen.show(f"{progress}: {clients:,} clients, {stage.way}")
                        await idle_then_busy(stage, clients, sizes.switchovers, figures)
            for stage in stages:
                screen.show(f"{progress}: saturating clients, {stage.way}")
                await saturated(stage, sizes.switchovers, figures)
            screen.show(f"{progress}: Redis's FAILOVER, and the floor")
            await note_redis_alone(directory, twins, sizes, figures)


async def idle_then_busy(stage: Stage, count: int, switchovers: int, figures: Figures) -> None:
    async with crowd(stage.directory, stage.proxy.clients, count) as clients:
        await note_switchovers(stage, clients, Scene(count, "idle"), switchovers, figures)
        await clients.begin()
        await trio.sleep(SETTLED_S)
        await note_switchovers(stage, clients, Scene(count, "busy"), switchovers, figures)


async def saturated(stage: Stage, switchovers: int, figures: Figures) -> None:
    async with crowd(stage.directory, stage.proxy.clients, SATURATING, every_ms=0) as clients:
        await clients.begin()
        await trio.sleep(SETTLED_S)
        await note_switchovers(stage, clients, Scene(SATURATING, "saturating"), switchovers, figures)


async def note_switchovers(stage: Stage, clients: Crowd, scene: Scene, count: int, figures: Figures) -> None:
    note = partial(figures.note, scene.case, stage.way)
    for _ in range(count):
        _, candidate = await primary_and_replica(stage.nodes)
        await clients.waits()
        began_s = trio.current_time()
        told = await switch_over(stage.proxy, candidate)
        await trio.sleep(SETTLED_S)
        during = await clients.waits()
        took_s = trio.current_time() - began_s
        otherwise = await clients.waits_of(took_s)
        if told["outcome"] == "done":
            note(
                hold_ms=told["hold_ms"],
                **{f"{STEP}{step}_ms": took for step, took in told["steps_ms"].items()},
            )
        note(undone=told["outcome"] != "done", errors=during.errors + otherwise.errors)
        if scene.load != "idle":
            note(
                longest_wait_ms=during.longest_ms,
                longest_wait_otherwise_ms=otherwise.longest_ms,
                commands_per_s=otherwise.answered / took_s,
            )


async def note_redis_alone(directory: Path, twins: Sequence[Address], sizes: Sizes, figures: Figures) -> None:
    """The old primary's clients are sent nowhere by FAILOVER: they get -READONLY from then on."""
    for _ in range(sizes.failovers):
        ends = await primary_and_replica(twins)
        async with crowd(directory, ends[0], ALONE_CLIENTS) as clients:
            await clients.begin()
            await trio.sleep(SETTLED_S)
            took_ms = await trio.to_thread.run_sync(partial(fail_over, *ends), abandon_on_cancel=True)
        figures.note(ALONE, FAILOVER, hold_ms=took_ms)
    for _ in range(sizes.floors):
        ends = await primary_and_replica(twins)
        took_ms = await trio.to_thread.run_sync(bare_sequence, *ends, abandon_on_cancel=True)
        figures.note(ALONE, FLOOR, hold_ms=took_ms)
