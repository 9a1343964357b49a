"""The parts in order, and what they share: one directory, the redis-server, the ways."""

from __future__ import annotations

import os
import platform
import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path

from attrs import frozen

from proxy.terminal.stage.nodes import Server, find_server
from proxy.terminal.stage.processes import StageFailed
from proxy.terminal.stage.screen import Screen

from .figures import Run
from .files import complaints_of_hold, complaints_of_idle
from .hold import measure_hold
from .latency import measure_latency
from .memory import measure_memory
from .peers import PEERS
from .secured import can_be_secured, measure_secured
from .sizes import Sizes
from .throughput import has_redis_benchmark, measure_throughput
from .usage import raise_file_limit
from .watched import measure_watched
from .ways import LANES, ways_here

PARTS = ("throughput", "latency", "memory", "hold", "metrics", "tls")


@frozen
class Settings:
    redis_server: str | None
    parts: Collection[str]
    ways: Collection[str]
    sizes: Sizes
    quick: bool
    base: Path | None = None
    """A tree with Baton's code of a time before anything was counted; see watched."""


async def measure(settings: Settings, screen: Screen) -> Run:
    """Everything that was asked for. Raises StageFailed where there is no redis-server to measure with."""
    run = begin(settings, server := find_server(settings.redis_server))
    names = [name for name in ways_here() if name in settings.ways]
    open_files = raise_file_limit()
    run.skipped += short_of_files(settings, open_files, names)
    screen.say(f"measuring: {', '.join(part for part in PARTS if part in settings.parts)}", "dim")
    screen.say(f"ways: {', '.join(names)}", "dim")
    with tempfile.TemporaryDirectory(prefix="baton-bench-") as name:
        for part in (part for part in PARTS if part in settings.parts):
            directory = Path(name) / part
            directory.mkdir()
            try:
                await measure_part(part, screen, server, directory, names, settings, open_files, run)
            except StageFailed as failure:  # what the other parts took minutes for is not lost
                run.failed.append(f"{part}: {failure}")
    return run


async def measure_part(
    part: str,
    screen: Screen,
    server: Server,
    directory: Path,
    names: Sequence[str],
    settings: Settings,
    open_files: int,
    run: Run,
) -> None:
    figures, sizes = run.figures, settings.sizes
    match part:
        case "throughput" if has_redis_benchmark():
            await measure_throughput(screen, server, directory, names, sizes, figures)
        case "throughput":
            run.skipped.append("no redis-benchmark on this machine: ./scripts/bench-peers gets it")
        case "latency":
            await measure_latency(screen, server, directory, names, sizes, figures)
        case "memory":
            await measure_memory(screen, server, directory, names, sizes, open_files, figures)
        case "hold":
            await measure_hold(screen, server, directory, names, sizes, open_files, figures)
        case "metrics":
            await measure_watched(screen, server, directory, settings.base, sizes, figures)
        case "tls" if why := can_be_secured():
            run.skipped.append(why)
        case "tls":
            await measure_secured(screen, server, directory, sizes, figures)


def begin(settings: Settings, server: Server) -> Run:
    found = {peer.name: peer.find_version() for peer in PEERS}
    versions = {"python": platform.python_version(), "redis": server.version}
    versions |= {name: version for name, version in found.items() if version}
    missing = [name for name in found if name not in versions and name in settings.ways]
    skipped = [f"no {name} on this machine: ./scripts/bench-peers gets it" for name in missing]
    cpus = len(os.sched_getaffinity(0))
    return Run(settings.sizes.rounds, settings.quick, versions, cpus, os.getloadavg()[0], skipped)


def short_of_files(settings: Settings, open_files: int, names: Sequence[str]) -> list[str]:
    """Who cannot have as many clients as are wanted."""
    said = []
    if "memory" in settings.parts:
        said += complaints_of_idle(settings.sizes.idle_clients, open_files, names[1:])
    if "hold" in settings.parts:
        said += complaints_of_hold(
            settings.sizes.hold_clients, open_files, [way for way in LANES if way in names]
        )
    return said
