"""The story: set the stage, let the programs work, switch over back and forth, stop them, judge."""

from __future__ import annotations

import random
import shutil
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import redis
import trio
from attrs import Factory, define, frozen

from proxy.terminal.stage.baton import SWITCHOVER_LIMIT_S, Proxy, read_refusal, read_report, start_proxy
from proxy.terminal.stage.columns import in_ms
from proxy.terminal.stage.direct import Address
from proxy.terminal.stage.nodes import Server, ask_directly, in_sync, start_nodes
from proxy.terminal.stage.screen import Screen

from .judging import judge
from .programs import Kind, Running, let_node_find_its_packages, start_program


@frozen
class Settings:
    server: Server
    switchovers: int
    between_s: tuple[float, float]
    """Least and longest time of load between two switchovers."""
    kinds: tuple[Kind, ...]
    logs: Path | None = None
    """Where what the processes logged is kept; None: nowhere."""


@frozen
class Result:
    """What became of one program."""

    name: str
    client: str
    version: str
    does: str
    operations: int
    errors: int
    disconnects: int
    lost: int
    doubled: int
    longest_wait_ms: float
    counts: dict[str, int]
    problems: tuple[str, ...]

    @property
    def clean(self) -> bool:
        return not (self.errors or self.disconnects or self.lost or self.doubled or self.problems)


@define
class Run:
    """What was seen of the whole."""

    server_version: str
    connections: int = 0
    holds_ms: list[float] = Factory(list)
    results: list[Result] = Factory(list)
    problems: list[str] = Factory(list)

    @property
    def ok(self) -> bool:
        return bool(self.results) and all(result.clean for result in self.results) and not self.problems


async def perform(settings: Settings, screen: Screen) -> Run:
    """The whole run. Raises StageFailed where nothing can be said."""
    let_node_find_its_packages()
    run = Run(settings.server.version)
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="baton-clients-")))
        if settings.logs is not None:
            stack.callback(shutil.copytree, directory, settings.logs, dirs_exist_ok=True)
        nodes = await start_nodes(stack, settings.server, directory, 2)
        for node in nodes:
            await ask_directly(node, "CONFIG", "SET", "notify-keyspace-events", "K$lszt")
        proxy = await start_proxy(stack, directory, nodes)
        screen.say(f"redis-server {settings.server.version}: {nodes[0]}, {nodes[1]}; baton: {proxy.clients}")
        programs = [await start_program(stack, directory, kind, proxy.clients) for kind in settings.kinds]
        async with trio.open_nursery() as nursery:
            for program in programs:
                nursery.start_soon(program.ready)
        before = await connections(proxy)
        run.connections = before["connected_clients"]
        screen.say(f"{len(programs)} programs at work, with {run.connections} connections")
        await switch_back_and_forth(run, settings, nodes, proxy, screen)
        reports = [await program.stop() for program in programs]
        await compare_connections(run, before, proxy)
        await judge_all(run, programs, reports, nodes)
        for program in programs:
            await program.say("leave")
    return run


async def connections(proxy: Proxy) -> dict[str, Any]:
    """The proxy's own counts of its clients' connections."""
    told: dict[str, Any] = await ask_directly(proxy.admin, "INFO", "clients")
    return told


async def compare_connections(run: Run, before: dict[str, Any], proxy: Proxy) -> None:
    """A client may hide from its program that it has opened another connection; the proxy knows."""
    after = await connections(proxy)
    for name in ("connected_clients", "total_connections_received", "lost_lanes", "handler_faults"):
        if before[name] != after[name]:
            run.problems.append(f"the proxy's {name} went from {before[name]} to {after[name]}")


async def switch_back_and_forth(
    run: Run, settings: Settings, nodes: list[Address], proxy: Proxy, screen: Screen
) -> None:
    for number in range(1, settings.switchovers + 1):
        await trio.sleep(random.uniform(*settings.between_s))
        target = nodes[number % 2]
        try:
            command = ("SWITCHOVER", "TO", str(target))
            told = read_report(await ask_directly(proxy.admin, *command, timeout_s=SWITCHOVER_LIMIT_S))
        except redis.RedisError as error:
            told = read_refusal(error)
        if told["outcome"] == "done":
            run.holds_ms.append(told["hold_ms"])
            screen.say(f"{number:3}  to {target}, clients held for {in_ms(told['hold_ms'])} ms")
            continue
        problem = f"switchover {number}: {told['outcome']}: {told.get('why', '')}"
        run.problems.append(problem)
        screen.say(f"{number:3}  {problem}", "red")
    await trio.sleep(settings.between_s[1])


async def judge_all(
    run: Run, programs: list[Running], reports: list[dict[str, Any]], nodes: list[Address]
) -> None:
    roles = [(await ask_directly(node, "ROLE"))[0] for node in nodes]
    primary = nodes[roles.index(b"master")]
    await in_sync(primary, [node for node in nodes if node != primary])
    for program, report in zip(programs, reports, strict=True):
        verdict = await trio.to_thread.run_sync(judge, report, nodes)
        run.results.append(
            Result(
                name=program.kind.name,
                client=program.identity["client"],
                version=program.identity["version"],
                does=program.kind.does,
                operations=report["operations"],
                errors=report["errors"],
                disconnects=report["disconnects"],
                lost=verdict.lost,
                doubled=verdict.doubled,
                longest_wait_ms=report["longest_wait_ms"],
                counts=report["counts"],
                problems=(*report["problems"], *verdict.faults),
            )
        )
