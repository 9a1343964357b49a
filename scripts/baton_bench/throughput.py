"""Every workload down every way in turn: requests a second, how long they take, and the CPU time."""

from __future__ import annotations

import csv
import shutil
import socket
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import trio
from attrs import define, frozen

from proxy.terminal.stage.direct import Address
from proxy.terminal.stage.nodes import Server, start_nodes
from proxy.terminal.stage.processes import StageFailed, last_line, running
from proxy.terminal.stage.screen import Screen

from .crowds import crowd
from .dialogues import transaction
from .figures import Figures
from .sizes import Sizes
from .usage import cpu_s
from .ways import REDIS, Way, start_ways
from .workloads import WORKLOADS, Workload

LIMIT_S = 300
ANSWER_LIMIT_S = 10
TURN_S = 1.0
"""Of transactions, for which there is no redis-benchmark."""


def has_redis_benchmark() -> bool:
    return shutil.which("redis-benchmark") is not None


@frozen
class Seen:
    requests: int
    requests_per_s: float
    p50_ms: float
    p99_ms: float


@define
class Meter:
    """The CPU time that a proxy and Redis take from when it is started on."""

    way: Way
    redis: Way
    proxy_s: float = 0.0
    redis_s: float = 0.0

    def start(self) -> None:
        self.proxy_s, self.redis_s = cpu_s(self.way.pid), cpu_s(self.redis.pid)

    def stop(self) -> None:
        self.redis_s = cpu_s(self.redis.pid) - self.redis_s
        self.proxy_s = 0.0 if self.way.name == REDIS else cpu_s(self.way.pid) - self.proxy_s


async def measure_throughput(
    screen: Screen, server: Server, directory: Path, names: Sequence[str], sizes: Sizes, figures: Figures
) -> None:
    async with AsyncExitStack() as stack:
        (node,) = await start_nodes(stack, server, directory, 1)
        ways = await start_ways(stack, directory, names, node)
        wanted = [one for one in WORKLOADS if sizes.workloads is None or one.name in sizes.workloads]
        for number in range(sizes.rounds):
            for workload in wanted:
                await workload.prepare(node)
                # Who comes first goes round.
                for way in (*ways[number % len(ways) :], *ways[: number % len(ways)]):
                    screen.show(
                        f"throughput, round {number + 1} of {sizes.rounds}: {workload.name}, {way.name}"
                    )
                    await measure_one(directory, way, ways[0], workload, sizes, figures)


async def measure_one(
    directory: Path, way: Way, redis: Way, workload: Workload, sizes: Sizes, figures: Figures
) -> None:
    if way.name in figures.cannot.get(workload.name, {}):
        return
    is_transaction = workload.kind == "transaction"
    if is_transaction and (refusal := await trio.to_thread.run_sync(refuses_transactions, way.address)):
        figures.note_cannot(workload.name, way.name, refusal)
        return
    meter = Meter(way, redis)
    measure = say_transactions if is_transaction else redis_benchmark
    seen = await measure(directory, meter, workload, sizes.share)
    figures.note(
        workload.name,
        way.name,
        requests_per_s=seen.requests_per_s,
        p50_ms=seen.p50_ms,
        p99_ms=seen.p99_ms,
        proxy_cpu_us=meter.proxy_s * 1e6 / seen.requests,
        redis_cpu_us=meter.redis_s * 1e6 / seen.requests,
        cpu_us=(meter.proxy_s + meter.redis_s) * 1e6 / seen.requests,
    )


async def redis_benchmark(directory: Path, meter: Meter, workload: Workload, share: float) -> Seen:
    """StageFailed if it fails or hangs."""
    requests = max(workload.clients * workload.pipeline, round(workload.requests * share))
    to = meter.way.address
    address = ["-h", to.host, "-p", str(to.port)]
    command = ["redis-benchmark", "--csv", *address, "-n", str(requests), *workload.arguments]
    told, log = directory / "redis-benchmark.csv", directory / "redis-benchmark.log"
    with told.open("wb") as output, log.open("wb") as errors, trio.move_on_after(LIMIT_S):
        meter.start()
        async with running(command, stdout=output, stderr=errors) as process:
            status = await process.wait()
        meter.stop()
        rows = list(csv.DictReader(told.read_text().splitlines()))
        if status == 0 and rows:
            row = rows[0]
            return Seen(
                requests, float(row["rps"]), float(row["p50_latency_ms"]), float(row["p99_latency_ms"])
            )
        raise StageFailed(
            f"{workload.name}, {meter.way.name}: redis-benchmark ended with {status}: {last_line(log)}"
        )
    raise StageFailed(f"{workload.name}, {meter.way.name}: redis-benchmark did not end in {LIMIT_S} s")


async def say_transactions(directory: Path, meter: Meter, workload: Workload, share: float) -> Seen:
    """By clients of our own: redis-benchmark cannot send a whole transaction at once."""
    to = meter.way.address
    async with crowd(directory, to, workload.clients, every_ms=0, dialogue="transactions") as clients:
        meter.start()
        began_s = trio.current_time()
        await clients.begin()
        await trio.sleep(TURN_S * share)
        waits = await clients.waits()
        took_s = trio.current_time() - began_s
        meter.stop()
    if waits.errors or waits.median_ms is None or waits.p99_ms is None:
        raise StageFailed(
            f"{workload.name}, {meter.way.name}: {waits.errors} errors, {waits.answered} answered"
        )
    return Seen(waits.answered, waits.answered / took_s, waits.median_ms, waits.p99_ms)


def refuses_transactions(address: Address) -> str | None:
    """What happens to a transaction that is sent whole, if it is not carried out."""
    (exchange,) = transaction(b"bench:transaction")
    answer = b""
    with socket.create_connection(address, ANSWER_LIMIT_S) as connection:
        connection.sendall(exchange.request)
        while exchange.reply.startswith(answer) and answer != exchange.reply:
            try:
                chunk = connection.recv(4096)
            except OSError as error:
                return f"does not answer: {error}"
            if not chunk:
                return "closes the connection"
            answer += chunk
    return None if answer == exchange.reply else first_error(answer)


def first_error(answer: bytes) -> str:
    lines = answer.decode(errors="replace").split("\r\n")
    return next((line for line in lines if line.startswith("-")), f"answers {lines[0]}")
