"""How much of everything is measured."""

from __future__ import annotations

from attrs import frozen

EVERY_MS = 20.0
"""A busy client's time from one command to the next."""


@frozen
class Sizes:
    rounds: int
    workloads: tuple[str, ...] | None
    """Which; None for all."""
    share: float
    """Of the requests of a whole turn."""
    round_trips: int
    idle_clients: int
    hold_clients: tuple[int, ...]
    switchovers: int
    """Of each kind of load in each round, and so for the two below."""
    failovers: int
    floors: int
    watched_rounds: int
    """Of what metrics, HTTP and logs cost."""
    secured_rounds: int
    """Of what TLS costs."""
    scrapes: int
    """In each round."""
    growth: tuple[int, int]
    """After so many switchovers memory is read first, and after so many last."""


FULL = Sizes(
    rounds=5,
    workloads=None,
    share=1.0,
    round_trips=5_000,
    idle_clients=10_000,
    hold_clients=(10, 100, 1_000, 10_000),
    switchovers=3,
    failovers=2,
    floors=3,
    watched_rounds=12,
    secured_rounds=7,
    scrapes=30,
    growth=(20, 120),
)
QUICK = Sizes(
    rounds=1,
    workloads=("GET 64 B -c 50 -P 1", "SET 64 B -c 50 -P 16", "MULTI/EXEC -c 50"),
    share=0.05,
    round_trips=200,
    idle_clients=200,
    hold_clients=(10, 50),
    switchovers=1,
    failovers=1,
    floors=1,
    watched_rounds=1,
    secured_rounds=1,
    scrapes=3,
    growth=(1, 2),
)
