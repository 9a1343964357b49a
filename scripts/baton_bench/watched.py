"""The proxy watched: what metrics, HTTP and logs cost it, and whether whoever looks is felt by the clients.

Two questions, each with a target of its own:

1. CPU time a request with everything on (HTTP, events as JSON, a scrape of /metrics every 5 s) and off.
   What is counted on the way of a command cannot be switched off, so "off" is honest only with the code of a
   time before it was counted: ``--base TREE`` takes the proxy from there. Without that, "off" is this code
   without HTTP, and with a log of errors only.
2. How long /metrics and the page take while 50 clients load the proxy fully, and how much longer the clients'
   longest wait is in a tenth of a second in which there is a scrape than in one without.
"""

from __future__ import annotations

import sys
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median
from typing import Final

import trio
from attrs import frozen

from proxy.terminal.stage.direct import Address
from proxy.terminal.stage.nodes import Server, start_nodes
from proxy.terminal.stage.processes import (
    ASK_AGAIN_S,
    START_LIMIT_S,
    StageFailed,
    free_port,
    last_line,
    running,
)
from proxy.terminal.stage.screen import Screen

from .crowds import Crowd, crowd
from .figures import Figures
from .sizes import Sizes
from .throughput import Meter, has_redis_benchmark, redis_benchmark
from .usage import cpu_s
from .ways import REDIS, Way, start_way
from .workloads import GET, GET_PIPELINED, Workload

OFF, ON = "off", "on"
COST: Final = "watched, "
"""Before the name of a workload in that of its case."""
LOADED: Final = "looked at while 50 clients saturate"
ON_ARGUMENTS = ("--log-level", "info", "--log-format", "json")
OFF_ARGUMENTS = ("--log-level", "error", "--log-format", "json")
TURNS = 2
"""Each round is so many short turns of off and on: noise lasts longer than a turn."""
SCRAPE_EVERY_S = 5.0
"""Prometheus asks once a minute, unless it is told otherwise; every 15 s is usual."""
WINDOW_S = 0.1
CLIENTS = 50
LIMIT_S = 10


@frozen
class Watched:
    """A proxy, and where it serves HTTP if it does."""

    way: Way
    http: Address | None


async def measure_watched(
    screen: Screen, server: Server, directory: Path, base: Path | None, sizes: Sizes, figures: Figures
) -> None:
    async with AsyncExitStack() as stack:
        (node,) = await start_nodes(stack, server, directory, 1)
        redis = await start_way(stack, directory, REDIS, node, clients=1_000)
        on = await start_watched(stack, directory, ON, node, None, *ON_ARGUMENTS)
        if has_redis_benchmark():
            arguments = () if base else OFF_ARGUMENTS
            off = await start_watched(stack, directory, OFF, node, base, *arguments)
            for workload in (GET, GET_PIPELINED):
                await workload.prepare(node)
                await measure_cost(screen, directory, (off, on), redis, workload, sizes, figures)
        await measure_loaded(screen, directory, on, sizes, figures)


async def measure_cost(
    screen: Screen,
    directory: Path,
    both: tuple[Watched, Watched],
    redis: Way,
    workload: Workload,
    sizes: Sizes,
    figures: Figures,
) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(scrape_now_and_then, both[1])
        for number in range(sizes.watched_rounds):
            screen.show(f"metrics, round {number + 1} of {sizes.watched_rounds}: {workload.name}")
            spent_s, requests = {OFF: 0.0, ON: 0.0}, {OFF: 0, ON: 0}
            for turn in range(TURNS):
                for watched in both if (number + turn) % 2 else both[::-1]:  # who comes first goes round
                    meter = Meter(watched.way, redis)
                    seen = await redis_benchmark(directory, meter, workload, sizes.share)
                    spent_s[watched.way.name] += meter.proxy_s
                    requests[watched.way.name] += seen.requests
            for name in (OFF, ON):
                figures.note(COST + workload.name, name, proxy_cpu_us=spent_s[name] * 1e6 / requests[name])
        nursery.cancel_scope.cancel()


async def scrape_now_and_then(watched: Watched) -> None:
    while True:
        await fetch(watched, "/metrics")
        await trio.sleep(SCRAPE_EVERY_S)


async def measure_loaded(
    screen: Screen, directory: Path, watched: Watched, sizes: Sizes, figures: Figures
) -> None:
    async with crowd(directory, watched.way.address, CLIENTS, every_ms=0) as clients:
        await clients.begin()
        for number in range(sizes.rounds):
            screen.show(f"metrics, round {number + 1} of {sizes.rounds}: {LOADED}")
            for path, measure in (("/metrics", "metrics_ms"), ("/", "page_ms")):
                took_ms = [await fetch(watched, path) for _ in range(sizes.scrapes)]
                figures.note(LOADED, ON, **{measure: median(took_ms), f"slowest_{measure}": max(took_ms)})
            await measure_delay(clients, watched, sizes, figures)


async def measure_delay(clients: Crowd, watched: Watched, sizes: Sizes, figures: Figures) -> None:
    longest_ms: dict[bool, list[float]] = {False: [], True: []}
    commands = 0
    before_s, began_s = cpu_s(watched.way.pid), trio.current_time()
    for number in range(2 * sizes.scrapes):
        scraped = bool(number % 2)
        await clients.waits()
        ends_s = trio.current_time() + WINDOW_S
        if scraped:
            await fetch(watched, "/metrics")
        await trio.sleep_until(ends_s)
        waits = await clients.waits()
        if waits.errors:
            raise StageFailed(f"{waits.errors} errors while it was looked at")
        commands += waits.answered
        longest_ms[scraped].append(waits.longest_ms)
    took_s = trio.current_time() - began_s
    figures.note(
        LOADED,
        ON,
        longest_without_ms=median(longest_ms[False]),
        longest_with_ms=median(longest_ms[True]),
        delay_ms=median(
            with_it - without for without, with_it in zip(longest_ms[False], longest_ms[True], strict=True)
        ),
        proxy_busy=(cpu_s(watched.way.pid) - before_s) / took_s,
        commands_per_s=commands / took_s,
    )


async def fetch(watched: Watched, path: str) -> float:
    """How many ms a GET takes, from connecting until all has come. StageFailed if it is not answered well."""
    assert watched.http is not None
    began_s = trio.current_time()
    answer = b""
    with trio.move_on_after(LIMIT_S):
        async with await trio.open_tcp_stream(watched.http.host, watched.http.port) as stream:
            host = f"{watched.http.host}:{watched.http.port}"
            await stream.send_all(
                f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
            )
            async for chunk in stream:
                answer += chunk
    took_s = trio.current_time() - began_s
    if not answer.startswith(b"HTTP/1.1 200 "):
        raise StageFailed(f"GET {path} is answered with {answer[:60]!r}")
    return took_s * 1000


async def start_watched(
    stack: AsyncExitStack, directory: Path, name: str, node: Address, tree: Path | None, *arguments: str
) -> Watched:
    """`baton serve` with the code of this tree, or of the one that the bench is of. Its ports are chosen
    here: a log of errors only does not tell them."""
    clients, admin = (Address("127.0.0.1", free_port()) for _ in range(2))
    http = Address("127.0.0.1", free_port()) if name == ON else None
    command = ["env", "-C", str(tree)] if tree is not None else []
    command += [sys.executable, "-m", "proxy.cli", "serve", "--listen", str(clients), "--admin", str(admin)]
    command += ["--node", str(node), "--lanes", "shared", *arguments]
    command += ["--http", str(http)] if http is not None else []
    log = directory / f"{name}.log"
    with log.open("wb") as output:
        process = await stack.enter_async_context(running(command, stdout=output, stderr=output))
    with trio.move_on_after(START_LIMIT_S):
        while process.poll() is None:
            if all([await answers(place) for place in (clients, http) if place is not None]):
                return Watched(Way(name, clients, process.pid), http)
            await trio.sleep(ASK_AGAIN_S)
    raise StageFailed(f"baton does not start: {last_line(log)}")


async def answers(place: Address) -> bool:
    try:
        await (await trio.open_tcp_stream(place.host, place.port)).aclose()
    except OSError:
        return False
    return True
