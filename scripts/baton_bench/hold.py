"""The hold: how long clients wait in a switchover, beside Redis's own FAILOVER and the floor."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import trio
from attrs import Factory, define

from scripts.baton_stage.baton import Proxy, start_proxy
from scripts.baton_stage.direct import Address
from scripts.baton_stage.nodes import Server, start_nodes
from scripts.baton_stage.screen import Screen

from .crowds import Crowd, Waits, crowd
from .figures import Hold, Load, Spread, ratio
from .redis_alone import bare_sequence, fail_over
from .sizes import CLIENTS, EVERY_MS, Sizes
from .switching import primary_and_replica, switch_over

SETTLED_S = 3 * EVERY_MS / 1000
"""After a switchover's answer, every busy client has had the reply to what it sent before."""


@define
class Notes:
    """What is seen of one kind of load, as it comes."""

    every_ms: float
    told: list[dict[str, Any]] = Factory(list)
    during: list[Waits] = Factory(list)
    otherwise: list[Waits] = Factory(list)
    seconds: float = 0.0

    def load(self) -> Load:
        done = [one for one in self.told if one["outcome"] == "done"]
        waits = [*self.during, *self.otherwise]
        medians = [one.median_ms for one in self.otherwise if one.median_ms is not None]
        return Load(
            clients=CLIENTS,
            commands_per_s=sum(one.answered for one in waits) / self.seconds,
            switchovers=len(done),
            undone=len(self.told) - len(done),
            errors=sum(one.errors for one in waits),
            hold_ms=Spread.of([one["hold_ms"] for one in done]),
            longest_wait_ms=Spread.of([one.longest_ms for one in self.during]),
            longest_wait_otherwise_ms=Spread.of([one.longest_ms for one in self.otherwise]),
            median_wait_ms=median(medians) if medians else None,
            steps_ms={
                step: median(one["steps_ms"][step] for one in done)
                for step in (done[0]["steps_ms"] if done else ())
            },
            why_undone=tuple(f"{one['outcome']}: {one['why']}" for one in self.told if one not in done),
        )


async def measure_hold(screen: Screen, server: Server, directory: Path, sizes: Sizes) -> Hold:
    async with AsyncExitStack() as stack:
        nodes = await start_nodes(stack, server, directory, 2)
        proxy = await start_proxy(stack, directory, nodes)
        twins = await start_nodes(stack, server, directory, 2)
        busy, saturated = Notes(EVERY_MS), Notes(0.0)
        failovers_ms: list[float] = []
        floors_ms: list[float] = []
        for number in range(1, sizes.rounds + 1):
            progress = f"hold, round {number} of {sizes.rounds}"
            for what, notes, count in (
                ("switchovers of busy clients", busy, sizes.switchovers),
                ("switchovers of saturating clients", saturated, sizes.saturated_switchovers),
            ):
                screen.show(f"{progress}: {what}")
                await note_switchovers(directory, proxy, nodes, notes, count)
            screen.show(f"{progress}: Redis's FAILOVER")
            for _ in range(sizes.failovers):
                failovers_ms.append(await failover_under_load(directory, twins))
            screen.show(f"{progress}: the floor")
            for _ in range(sizes.floors):
                ends = await primary_and_replica(twins)
                floors_ms.append(await trio.to_thread.run_sync(bare_sequence, *ends, abandon_on_cancel=True))
    return conclude(busy.load(), saturated.load(), failovers_ms, floors_ms)


def conclude(busy: Load, saturated: Load, failovers_ms: Sequence[float], floors_ms: Sequence[float]) -> Hold:
    failover, floor = Spread.of(failovers_ms), Spread.of(floors_ms)
    assert failover is not None and floor is not None, "every round has some of each"
    held = None if busy.hold_ms is None else [busy.hold_ms.median]
    return Hold(busy, saturated, failover, floor, ratio(held, [floor.median]), ratio(held, [failover.median]))


async def note_switchovers(
    directory: Path, proxy: Proxy, nodes: Sequence[Address], notes: Notes, count: int
) -> None:
    async with crowd(directory, proxy.clients, CLIENTS, notes.every_ms) as clients:
        await trio.sleep(SETTLED_S)
        for _ in range(count):
            _, candidate = await primary_and_replica(nodes)
            await clients.waits()
            began_s = trio.current_time()
            notes.told.append(await switch_over(proxy, candidate))
            await trio.sleep(SETTLED_S)
            notes.during.append(await clients.waits())
            took_s = trio.current_time() - began_s
            notes.otherwise.append(await wait_as_long(clients, took_s))
            notes.seconds += 2 * took_s


async def wait_as_long(clients: Crowd, seconds: float) -> Waits:
    await trio.sleep(seconds)
    return await clients.waits()


async def failover_under_load(directory: Path, twins: Sequence[Address]) -> float:
    """The old primary's clients are sent nowhere: they get -READONLY for their writes from then on."""
    primary, candidate = await primary_and_replica(twins)
    async with crowd(directory, primary, CLIENTS, EVERY_MS):
        await trio.sleep(SETTLED_S)
        return await trio.to_thread.run_sync(partial(fail_over, primary, candidate), abandon_on_cancel=True)
