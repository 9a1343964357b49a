"""The results as tables: the ratios first, beside what is to be reached."""

from __future__ import annotations

from collections.abc import Sequence

from scripts.baton_stage.columns import Row, in_ms, lay_out
from scripts.baton_stage.screen import Screen

from .figures import Hold, Latency, Load, Memory, Results, Speed, Spread, Test
from .targets import BATON, HAPROXY, REDIS

HOLD_TARGET = "≤ 5 ms"
SPEED_TARGET = "≥ 0.9"
LATENCY_TARGET = "≤ 2"
MEMORY_TARGET = "≤ 4 KiB"
KIB = 1024


def times(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def show_results(screen: Screen, results: Results) -> None:
    versions = ", ".join(f"{name} {version}" for name, version in results.versions.items())
    rounds = f"medians of {results.rounds} rounds" if results.rounds > 1 else "one round"
    machine = f"{results.cpus} CPUs, load average before: {results.load_before:.2f}"
    screen.say(f"{rounds}; {versions}; {machine}", "dim")
    if results.hold is not None:
        show_hold(screen, results.hold)
    if results.throughput is not None:
        show_throughput(screen, results.throughput)
    if results.latency is not None:
        show_latency(screen, results.latency)
    if results.memory is not None:
        show_memory(screen, results.memory)
    for line in results.skipped:
        screen.say(f"! {line}", "yellow")


def show_table(screen: Screen, title: str, rows: Sequence[Row], *, left: int = 1) -> None:
    screen.say()
    screen.say(title, "bold")
    header, *lines = lay_out(rows, left=left, columns=screen.columns)
    screen.say(header, "dim")
    for line in lines:
        screen.say(line)


def show_hold(screen: Screen, hold: Hold) -> None:
    def row(name: str, spread: Spread | None, target: str = "") -> Row:
        if spread is None:
            return (name, "-", "-", "-", "-", target)
        to_floor = spread.median / hold.floor_ms.median
        return (name, f"{to_floor:.1f}", *map(in_ms, (spread.min, spread.median, spread.max)), target)

    rows: list[Row] = [
        ("", "× floor", "min", "median", "max", "target"),
        row("hold", hold.busy.hold_ms, HOLD_TARGET),
        row("clients' longest wait", hold.busy.longest_wait_ms),
        row("the same without a switchover", hold.busy.longest_wait_otherwise_ms),
        row("Redis's FAILOVER, no proxy", hold.failover_ms),
        row("five round trips, idle: the floor", hold.floor_ms),
        row("saturation: hold", hold.saturated.hold_ms),
        row("saturation: clients' longest wait", hold.saturated.longest_wait_ms),
        row("saturation: without a switchover", hold.saturated.longest_wait_otherwise_ms),
    ]
    show_table(screen, "Switchovers: ms, with 200 busy clients, one command each every 20 ms", rows)
    for name, load in (("busy", hold.busy), ("saturation", hold.saturated)):
        show_load(screen, name, load)


def show_load(screen: Screen, name: str, load: Load) -> None:
    screen.say(
        f"{name}: {load.switchovers} switchovers, {load.undone} undone, {load.commands_per_s:,.0f} per s,"
        f" {load.errors} errors, median wait {in_ms(load.median_wait_ms)} ms; median steps: "
        + ", ".join(f"{step} {in_ms(value)}" for step, value in load.steps_ms.items()),
        "dim",
    )
    for why in sorted(set(load.why_undone)):
        screen.say(f"! {name}: {why}", "yellow")


def show_throughput(screen: Screen, tests: Sequence[Test]) -> None:
    names = [name for name in (BATON, HAPROXY, REDIS) if name in tests[0].targets]
    rows: list[Row] = [
        ("", "baton/haproxy", "target", *(f"{name}/s" for name in names), *(f"{name} µs" for name in names))
    ]
    for test in tests:
        speeds = [test.targets[name] for name in names]
        rows.append(
            (
                f"{test.test.upper()} -P {test.pipeline}",
                times(test.baton_to_haproxy),
                SPEED_TARGET,
                *(f"{speed.requests_per_s:,.0f}" for speed in speeds),
                *map(cpu_cost, speeds),
            )
        )
    show_table(screen, "Throughput: requests/s of redis-benchmark -c 50 -d 64, and CPU time a request", rows)
    screen.say("µs: in the proxy + in the redis-server behind it", "dim")


def cpu_cost(speed: Speed) -> str:
    if speed.proxy_cpu_us is None:
        return f"{speed.redis_cpu_us:.1f}"
    return f"{speed.proxy_cpu_us:.1f} + {speed.redis_cpu_us:.1f}"


def show_latency(screen: Screen, latency: Latency) -> None:
    redis_us = latency.median_us[REDIS]
    names = [name for name in (BATON, HAPROXY) if name in latency.median_us]
    rows: list[Row] = [
        ("", "baton/haproxy", "target", *(f"{name} adds µs" for name in names), "redis alone µs"),
        (
            "one client",
            times(latency.added_baton_to_haproxy),
            LATENCY_TARGET,
            *(f"{latency.median_us[name] - redis_us:.1f}" for name in names),
            f"{redis_us:.1f}",
        ),
    ]
    show_table(screen, "Latency: median round trip of one client, one GET at a time", rows)


def show_memory(screen: Screen, memory: Memory) -> None:
    names = list(memory.bytes_per_client)
    per_client = (f"{value / KIB:.2f}" for value in memory.bytes_per_client.values())
    rows: list[Row] = [
        ("", "baton/haproxy", "target", *(f"{name} KiB" for name in names)),
        ("one idle client", times(memory.baton_to_haproxy), MEMORY_TARGET, *per_client),
    ]
    show_table(screen, f"Memory: resident, at {memory.idle_clients:,} idle clients that spoke once", rows)
    first, last = memory.growth.switchovers
    before, after = memory.growth.resident_bytes
    screen.say(
        f"growth from switchover {first} to {last}, under load: {(after - before) / KIB:+,.0f} KiB"
        f" of {before / KIB:,.0f}, {(after - before) / KIB / (last - first):+.2f} a switchover (target: none)"
    )
