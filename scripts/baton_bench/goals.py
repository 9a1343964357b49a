"""What Baton with shared lanes is to reach, beside what it has reached."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from attrs import frozen

from .figures import Figures, Samples, Spread, ratio
from .hold import Scene
from .latency import CASE as ONE_CLIENT
from .memory import CASE as IDLE
from .secured import CASE as TLS
from .secured import SECURED, SECURED_WORKLOADS
from .watched import COST, LOADED, OFF, ON
from .ways import ENVOY, HAPROXY, SHARED, TWEMPROXY
from .workloads import GET, GET_PIPELINED, SET, SET_PIPELINED, Workload

SENSES = {"≥": lambda value, bound: value >= bound, "≤": lambda value, bound: value <= bound}
PEERS = (HAPROXY, TWEMPROXY, ENVOY)


@frozen
class Goal:
    """One of them. What was not measured is None, and so is its verdict."""

    what: str
    sense: Literal["≥", "≤"]
    bound: float
    unit: str
    reached: Spread | None

    @property
    def met(self) -> bool | None:
        return None if self.reached is None else SENSES[self.sense](self.reached.median, self.bound)

    @property
    def target(self) -> str:
        return f"{self.sense} {self.bound:g}{self.unit}"

    @property
    def verdict(self) -> str:
        return {True: "met", False: "NOT met", None: "not measured"}[self.met]


def goals_of(figures: Figures) -> list[Goal]:
    goals = []
    for workload in (GET, SET):
        for peer, bound in ((HAPROXY, 1.4), (TWEMPROXY, 1.0), (ENVOY, 1.0)):
            speed = figures.ratio(workload.name, "requests_per_s", SHARED, peer)
            goals.append(Goal(f"{workload.name}: requests/s, of {peer}'s", "≥", bound, "", speed))
    for workload in (GET_PIPELINED, SET_PIPELINED):
        speed = of_the_best(figures, workload)
        goals.append(Goal(f"{workload.name}: requests/s, of the best peer's", "≥", 1.0, "", speed))
    for workload in (GET, SET):
        cost = figures.ratio(workload.name, "cpu_us", SHARED, HAPROXY)
        what = f"{workload.name}: CPU of proxy and Redis, of that with haproxy"
        goals.append(Goal(what, "≤", 0.667, "", cost))
    added = figures.ratio(ONE_CLIENT, "added_us", SHARED, HAPROXY)
    goals.append(Goal("one client: added median latency, of haproxy's", "≤", 2.0, "", added))
    return [
        *goals,
        *goals_of_the_hold(figures),
        *goals_of_idle_clients(figures),
        *goals_of_the_watched(figures),
        *goals_of_the_secured(figures),
    ]


def of_the_best(figures: Figures, workload: Workload) -> Spread | None:
    """Shared lanes beside whichever peer was best in each round."""
    rounds = [figures.of(workload.name, peer, "requests_per_s") for peer in PEERS]
    best: Samples = [max(speeds) for speeds in zip(*filter(None, rounds), strict=False)]
    return ratio(figures.of(workload.name, SHARED, "requests_per_s"), best)


def goals_of_the_hold(figures: Figures) -> Sequence[Goal]:
    def hold(clients: int, *, busy: bool) -> Spread | None:
        return figures.spread(Scene(clients, "busy" if busy else "idle").case, SHARED, "hold_ms")

    goals = [Goal("1,000 busy clients: hold", "≤", 5.0, " ms", hold(1_000, busy=True))]
    for busy in (False, True):
        few, many = hold(100, busy=busy), hold(10_000, busy=busy)
        grown = None
        if few is not None and many is not None:
            grown = Spread.of(value / few.median for value in (many.min, many.median, many.max))
        load = "busy" if busy else "idle"
        goals.append(Goal(f"10,000 {load} clients: hold, of that at 100", "≤", 2.0, "", grown))
    return goals


def goals_of_the_watched(figures: Figures) -> Sequence[Goal]:
    costs = [
        Goal(
            f"{workload.name}: CPU of the proxy with metrics, HTTP and logs on, of that with them off",
            "≤",
            1.03,
            "",
            figures.ratio(COST + workload.name, "proxy_cpu_us", ON, OFF),
        )
        for workload in (GET, GET_PIPELINED)
    ]
    looks = [
        (
            "50 saturating clients: the slowest /metrics of a round",
            50.0,
            "slowest_metrics_ms",
        ),
        ("50 saturating clients: the slowest page of a round", 50.0, "slowest_page_ms"),
        ("50 saturating clients: longer wait by a scrape", 2.0, "delay_ms"),
    ]
    return [
        *costs,
        *(Goal(what, "≤", bound, " ms", figures.spread(LOADED, ON, name)) for what, bound, name in looks),
    ]


def goals_of_the_secured(figures: Figures) -> Sequence[Goal]:
    return [
        Goal(
            f"{workload.name}, TLS to the clients: CPU of the proxy, of haproxy's",
            "≤",
            1.6,
            "",
            figures.ratio(TLS + workload.name, "proxy_cpu_us", f"{SHARED} {SECURED}", f"{HAPROXY} {SECURED}"),
        )
        for workload in SECURED_WORKLOADS
    ]


def goals_of_idle_clients(figures: Figures) -> Sequence[Goal]:
    return (
        Goal("an idle client: resident", "≤", 3.0, " KiB", figures.spread(IDLE, SHARED, "kib_per_client")),
        Goal(
            "all idle clients: connections to Redis",
            "≤",
            10,
            "",
            figures.spread(IDLE, SHARED, "connections_on_redis"),
        ),
    )
