"""How much of everything is measured."""

from __future__ import annotations

from attrs import frozen

CLIENTS = 200
EVERY_MS = 20.0
"""A busy client's time from one command to the next."""


@frozen
class Sizes:
    rounds: int
    switchovers: int
    """In each round, and so for the two below."""
    saturated_switchovers: int
    failovers: int
    floors: int
    turns: int
    """Of redis-benchmark in each round: many short ones, since noise lasts longer than one."""
    requests: int
    """In each turn, without a pipeline."""
    pipelined_requests: int
    round_trips: int
    idle_clients: int
    growth: tuple[int, int]
    """After so many switchovers memory is read first, and after so many last."""


FULL = Sizes(
    rounds=5,
    switchovers=8,
    saturated_switchovers=3,
    failovers=3,
    floors=5,
    turns=3,
    requests=30_000,
    pipelined_requests=300_000,
    round_trips=5_000,
    idle_clients=5_000,
    growth=(20, 120),
)
SHORT = Sizes(
    rounds=1,
    switchovers=2,
    saturated_switchovers=1,
    failovers=1,
    floors=2,
    turns=1,
    requests=2_000,
    pipelined_requests=20_000,
    round_trips=300,
    idle_clients=300,
    growth=(1, 3),
)
