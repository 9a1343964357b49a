"""redis-benchmark against every target in turn, and the CPU time that a request takes."""

from __future__ import annotations

import csv
import shutil
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import trio
from attrs import define, field

from scripts.baton_stage.direct import Address
from scripts.baton_stage.processes import StageFailed, last_line, running
from scripts.baton_stage.screen import Screen

from .figures import Speed, Test, ratio
from .sizes import Sizes
from .targets import BATON, HAPROXY, REDIS, Target
from .usage import cpu_s

CLIENTS = 50
VALUE_BYTES = 64
LIMIT_S = 300
CASES = [(test, pipeline) for pipeline in (1, 16) for test in ("set", "get")]
"""SET first: a GET of a key that is not there would be answered by five bytes."""


def has_redis_benchmark() -> bool:
    return shutil.which("redis-benchmark") is not None


@define
class Turns:
    """One target in one case, turn by turn."""

    requests_per_s: list[float] = field(factory=list)
    proxy_cpu_us: list[float] = field(factory=list)
    redis_cpu_us: list[float] = field(factory=list)

    def speed(self) -> Speed:
        return Speed(
            median(self.requests_per_s),
            median(self.proxy_cpu_us) if self.proxy_cpu_us else None,
            median(self.redis_cpu_us),
        )


async def measure_throughput(
    screen: Screen, directory: Path, targets: Sequence[Target], sizes: Sizes
) -> tuple[Test, ...]:
    seen: dict[tuple[str, int], dict[str, Turns]] = {
        case: defaultdict(Turns, {target.name: Turns() for target in targets}) for case in CASES
    }
    redis = next(target for target in targets if target.name == REDIS)
    for number in range(sizes.rounds * sizes.turns):
        for case in CASES:
            # Who comes first goes round, too.
            for target in (*targets[number % len(targets) :], *targets[: number % len(targets)]):
                test, pipeline = case
                screen.show(
                    f"throughput, turn {number + 1} of {sizes.rounds * sizes.turns}:"
                    f" {test.upper()} -P {pipeline}, {target.name}"
                )
                requests = sizes.requests if pipeline == 1 else sizes.pipelined_requests
                turns = seen[case][target.name]
                before = cpu_s(target.pid), cpu_s(redis.pid)
                turns.requests_per_s.append(
                    await redis_benchmark(directory, target.address, test, pipeline, requests)
                )
                proxy_s, redis_s = cpu_s(target.pid) - before[0], cpu_s(redis.pid) - before[1]
                if target is not redis:
                    turns.proxy_cpu_us.append(proxy_s * 1e6 / requests)
                turns.redis_cpu_us.append(redis_s * 1e6 / requests)
    return tuple(conclude(case, by_target) for case, by_target in seen.items())


def conclude(case: tuple[str, int], by_target: dict[str, Turns]) -> Test:
    haproxy = by_target[HAPROXY].requests_per_s if HAPROXY in by_target else None
    speeds = {name: turns.speed() for name, turns in by_target.items()}
    return Test(*case, ratio(by_target[BATON].requests_per_s, haproxy), speeds)


async def redis_benchmark(
    directory: Path, address: Address, test: str, pipeline: int, requests: int
) -> float:
    """Requests a second. StageFailed if it fails or hangs."""
    command = f"redis-benchmark --csv -h {address.host} -p {address.port} -c {CLIENTS} -d {VALUE_BYTES}"
    command += f" -t {test} -P {pipeline} -n {requests}"
    told, log = directory / "redis-benchmark.csv", directory / "redis-benchmark.log"
    with told.open("wb") as output, log.open("wb") as errors, trio.move_on_after(LIMIT_S):
        async with running(command.split(), stdout=output, stderr=errors) as process:
            status = await process.wait()
        rows = list(csv.DictReader(told.read_text().splitlines()))
        if status == 0 and rows:
            return float(rows[0]["rps"])
        raise StageFailed(f"redis-benchmark ended with {status}: {last_line(log)}")
    raise StageFailed(f"redis-benchmark against {address} did not end in {LIMIT_S} s")
