"""What the bench found out, as values. Units stand last in the names; what was not measured is None."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any, Self

from attrs import asdict, frozen


@frozen
class Spread:
    min: float
    median: float
    max: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Self | None:
        """None for no values at all."""
        return cls(min(values), median(values), max(values)) if values else None


@frozen
class Load:
    """What one kind of load noticed of the switchovers. Waits are those of single commands of any client."""

    clients: int
    commands_per_s: float
    switchovers: int
    undone: int
    """Called off or refused; those have no hold."""
    errors: int
    """Error replies and closed connections."""
    hold_ms: Spread | None
    longest_wait_ms: Spread | None
    """The longest wait of any client from asking for the switchover to its end, for each switchover."""
    longest_wait_otherwise_ms: Spread | None
    """The same in equally long times without a switchover: what the machine alone does to a client."""
    median_wait_ms: float | None
    steps_ms: dict[str, float]
    """The median of each step."""
    why_undone: tuple[str, ...]


@frozen
class Hold:
    busy: Load
    """One command per client every 20 ms."""
    saturated: Load
    """Clients without think time."""
    failover_ms: Spread
    floor_ms: Spread
    hold_to_floor: float | None
    hold_to_failover: float | None


@frozen
class Speed:
    """One target in one test. CPU time is user and system."""

    requests_per_s: float
    proxy_cpu_us: float | None
    """A request, in the proxy; None where there is no proxy."""
    redis_cpu_us: float
    """A request, in the redis-server behind it."""


@frozen
class Test:
    """One redis-benchmark test against every target."""

    test: str
    pipeline: int
    baton_to_haproxy: float | None
    targets: dict[str, Speed]


@frozen
class Latency:
    """One client, one command at a time."""

    added_baton_to_haproxy: float | None
    """What Baton adds to Redis's own time, in multiples of what HAProxy adds."""
    median_us: dict[str, float]


@frozen
class Growth:
    """The proxy's resident memory after the first switchovers, and after many more, under steady load."""

    switchovers: tuple[int, int]
    resident_bytes: tuple[int, int]


@frozen
class Memory:
    idle_clients: int
    baton_to_haproxy: float | None
    bytes_per_client: dict[str, float]
    growth: Growth


@frozen
class Results:
    """Everything of one run; None is a part that was not asked for, or that `skipped` tells of."""

    rounds: int
    short: bool
    versions: dict[str, str]
    cpus: int
    load_before: float
    """What the machine was doing in the minute before, as its load average: more than little is noise."""
    skipped: tuple[str, ...]
    hold: Hold | None = None
    throughput: tuple[Test, ...] | None = None
    latency: Latency | None = None
    memory: Memory | None = None

    def as_json(self) -> dict[str, Any]:
        rounded: dict[str, Any] = round_all(asdict(self))
        return rounded


def round_all(value: Any) -> Any:
    """Floats with as many digits as the machine can tell."""
    match value:
        case float():
            return round(value, 3)
        case dict():
            return {name: round_all(inner) for name, inner in value.items()}
        case list() | tuple():
            return [round_all(inner) for inner in value]
    return value


def ratio(above: Iterable[float] | None, below: Iterable[float] | None) -> float | None:
    """The median of the rounds' ratios; None where one side was not measured."""
    if above is None or below is None:
        return None
    return median(one / other for one, other in zip(above, below, strict=True))
