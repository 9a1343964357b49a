"""The story: set the stage, start the load, switch over again and again, verify on the nodes, report."""

from __future__ import annotations

import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import redis
import trio
from attrs import Factory, define, frozen

from proxy.terminal.stage.baton import SWITCHOVER_LIMIT_S, read_refusal, read_report, start_proxy
from proxy.terminal.stage.columns import in_ms
from proxy.terminal.stage.direct import Address
from proxy.terminal.stage.nodes import Server, ask_directly, in_sync, start_nodes
from proxy.terminal.stage.processes import StageFailed
from proxy.terminal.stage.screen import Screen

from .loads import Load, start_load
from .report import Report, Result, Switchover
from .workloads import WORKLOADS

SHOW_EVERY_S = 0.1


@frozen
class Settings:
    server: Server
    switchovers: int
    nodes: int
    between_s: float


@define
class Demo:
    """What is on the stage, and what was seen so far."""

    screen: Screen
    nodes: list[Address]
    admin: Address
    loads: list[Load]
    switchovers: list[Switchover] = Factory(list)
    problems: list[str] = Factory(list)
    doing: str = "the load starts"

    async def show_progress(self) -> None:
        while True:
            operations, errors, disconnects = map(sum, zip(*(load.live for load in self.loads), strict=True))
            counts = f"{operations:,} operations, {errors:,} errors, {disconnects:,} disconnects"
            self.screen.show(f"{self.doing}: {counts} so far")
            await trio.sleep(SHOW_EVERY_S)

    async def primaries(self) -> list[Address]:
        """The nodes that say of themselves that they are the primary."""
        roles = [(await ask_directly(node, "ROLE"))[0] for node in self.nodes]
        return [node for node, role in zip(self.nodes, roles, strict=True) if role == b"master"]

    async def full_syncs(self) -> int:
        return sum([int((await ask_directly(node, "INFO", "stats"))["sync_full"]) for node in self.nodes])

    async def switch_over(self, source: Address, target: Address) -> Switchover:
        """One switchover: asked for on the admin port, and looked at on the nodes themselves."""
        blocked = (await ask_directly(source, "INFO", "clients"))["blocked_clients"]
        full_syncs = await self.full_syncs()
        began_s = time.monotonic()
        told: dict[str, Any]
        try:
            command = ("SWITCHOVER", "TO", str(target))
            told = read_report(await ask_directly(self.admin, *command, timeout_s=SWITCHOVER_LIMIT_S))
        except redis.RedisError as error:
            told = read_refusal(error)
        one = Switchover(
            source=str(source),
            target=str(target),
            blocked=blocked,
            began_s=began_s,
            ended_s=time.monotonic(),
            **told,
        )
        if one.outcome == "done":
            await self.check(one, target, await self.full_syncs() - full_syncs)
        return one

    async def check(self, one: Switchover, target: Address, full_syncs: int) -> None:
        number = len(self.switchovers) + 1
        primaries = await self.primaries()
        if primaries != [target]:
            self.problems.append(
                f"switchover {number}: primary now: {' and '.join(map(str, primaries)) or 'none'}"
            )
        if full_syncs != one.full_resyncs:
            self.problems.append(
                f"switchover {number}: {full_syncs} full resyncs, {one.full_resyncs} reported"
            )

    async def switch_back_and_forth(self, settings: Settings) -> None:
        for number in range(1, settings.switchovers + 1):
            self.doing = f"under load, before switchover {number} of {settings.switchovers}"
            await trio.sleep(settings.between_s)
            self.doing = f"switchover {number} of {settings.switchovers}"
            primaries = await self.primaries()
            if len(primaries) != 1:
                self.problems.append(
                    f"before switchover {number}, {len(primaries)} nodes say they are the primary"
                )
                return
            place = self.nodes.index(primaries[0])
            one = await self.switch_over(primaries[0], self.nodes[(place + 1) % len(self.nodes)])
            self.switchovers.append(one)
            self.say_one(number, one)
            if one.outcome == "unreachable":
                return
        self.doing = "under load, after the last switchover"
        await trio.sleep(settings.between_s)

    def say_one(self, number: int, one: Switchover) -> None:
        letters = letters_of(self.nodes)
        way = f"{number:3}  {letters[one.source]} → {letters[one.target]}  {one.outcome}"
        if one.outcome != "done":
            self.screen.say(f"{way}: {one.why}", "red")
            return
        total_ms = (one.ended_s - one.began_s) * 1000
        self.screen.say(
            f"{way}, clients held for {in_ms(one.hold_ms)} ms of {in_ms(total_ms)} ms;"
            f" {one.blocked} blocked in BLPOP when it began"
        )

    async def verify(self) -> list[Result]:
        """Ends the load, and asks the nodes, not the proxy, what is there."""
        self.doing = "the load ends"
        await together([load.stop for load in self.loads])
        self.doing = "verifying on the nodes"
        primaries = await self.primaries()
        replicas = [node for node in self.nodes if node not in primaries]
        if len(primaries) != 1:
            self.problems.append(f"in the end, {len(primaries)} nodes say they are the primary")
        else:
            try:
                await in_sync(primaries[0], replicas)
            except StageFailed as failure:
                self.problems.append(str(failure))
        return [await load.judge([*primaries, *replicas], self.switchovers) for load in self.loads]


def letters_of(nodes: Sequence[Address]) -> dict[str, str]:
    return {str(node): letter for node, letter in zip(nodes, "ABC", strict=False)}


async def together(jobs: Sequence[Callable[[], Awaitable[None]]]) -> None:
    async with trio.open_nursery() as nursery:
        for job in jobs:
            nursery.start_soon(job)


@asynccontextmanager
async def set_stage(settings: Settings, screen: Screen) -> AsyncIterator[Demo]:
    """The nodes, the proxy and the load, at work; all gone when the block ends."""
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="baton-demo-")))
        screen.show("the nodes start")
        nodes = await start_nodes(stack, settings.server, directory, settings.nodes)
        names = ", ".join(f"{letter} = {node}" for node, letter in letters_of(nodes).items())
        screen.say(f"redis-server {settings.server.version}: {names}")
        screen.show("the proxy starts")
        proxy = await start_proxy(stack, directory, nodes)
        screen.say(f"baton: clients on {proxy.clients}, admin on {proxy.admin}")
        async with trio.open_nursery() as nursery:
            screen.show("the load starts")
            loads = [await start_load(stack, nursery, directory, name, proxy.clients) for name in WORKLOADS]
            await together([load.ready for load in loads])
            clients = sum(load.clients for load in loads)
            screen.say(
                f"load: {clients} redis-py {redis.__version__} clients, retries off: {', '.join(WORKLOADS)}"
            )
            yield Demo(screen, nodes, proxy.admin, loads)
            nursery.cancel_scope.cancel()


async def perform(settings: Settings, screen: Screen) -> tuple[Report, dict[str, str]]:
    """The whole demo: the report, and the nodes' letters. Raises StageFailed where nothing can be said."""
    async with set_stage(settings, screen) as demo, trio.open_nursery() as nursery:
        nursery.start_soon(demo.show_progress)
        await demo.switch_back_and_forth(settings)
        results = await demo.verify()
        nursery.cancel_scope.cancel()
    return Report(tuple(demo.switchovers), tuple(results), tuple(demo.problems)), letters_of(demo.nodes)
