"""The parts in order, and what they share: one directory, the redis-server, the targets."""

from __future__ import annotations

import os
import platform
import tempfile
from collections.abc import Collection
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from attrs import frozen

from scripts.baton_stage.nodes import find_server, start_nodes
from scripts.baton_stage.screen import Screen

from .figures import Results
from .hold import measure_hold
from .latency import measure_latency
from .memory import measure_memory
from .sizes import Sizes
from .targets import haproxy_version, start_targets
from .throughput import has_redis_benchmark, measure_throughput
from .usage import raise_file_limit

PARTS = ("hold", "throughput", "latency", "memory")
FILES_PER_CLIENT = 2
"""In a proxy: its connection and the lane."""
FILES_BESIDE = 300


@frozen
class Settings:
    redis_server: str | None
    parts: Collection[str]
    sizes: Sizes
    short: bool


async def measure(settings: Settings, screen: Screen) -> Results:
    """Everything that was asked for. Raises StageFailed where it cannot be measured."""
    sizes = settings.sizes
    skipped: list[str] = []
    load_before, *_ = os.getloadavg()
    server = find_server(settings.redis_server)
    haproxy = haproxy_version()
    if haproxy is None:
        skipped.append("no haproxy on the PATH (apt install haproxy): there is nothing to compare with")
    possible = max(1, (raise_file_limit() - FILES_BESIDE) // FILES_PER_CLIENT)
    clients = min(sizes.idle_clients, possible)
    if clients < sizes.idle_clients and "memory" in settings.parts:
        skipped.append(f"the limit on open files allows {clients:,} idle clients, not {sizes.idle_clients:,}")
    measured: dict[str, Any] = {}
    screen.say(f"measuring: {', '.join(part for part in PARTS if part in settings.parts)}", "dim")
    with tempfile.TemporaryDirectory(prefix="baton-bench-") as name:
        directory = Path(name)
        if "hold" in settings.parts:
            measured["hold"] = await measure_hold(screen, server, directory, sizes)
        if {"throughput", "latency"} & set(settings.parts):
            async with AsyncExitStack() as stack:
                (node,) = await start_nodes(stack, server, directory, 1)
                targets = await start_targets(stack, directory, node, with_haproxy=haproxy is not None)
                if "throughput" in settings.parts and has_redis_benchmark():
                    measured["throughput"] = await measure_throughput(screen, directory, targets, sizes)
                elif "throughput" in settings.parts:
                    skipped.append("no redis-benchmark on the PATH (apt install redis-tools): no throughput")
                if "latency" in settings.parts:
                    measured["latency"] = await measure_latency(screen, targets, sizes)
        if "memory" in settings.parts:
            measured["memory"] = await measure_memory(
                screen, server, directory, sizes, clients, with_haproxy=haproxy is not None
            )
    versions = {"python": platform.python_version(), "redis": server.version}
    if haproxy is not None:
        versions["haproxy"] = haproxy
    cpus = len(os.sched_getaffinity(0))
    return Results(sizes.rounds, settings.short, versions, cpus, load_before, tuple(skipped), **measured)
