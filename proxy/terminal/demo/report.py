"""What the demo found out, as values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import Factory, frozen

STEPS = ("preflight", "warm", "hold", "pause", "converge", "promote", "demote", "swap", "settle")


@frozen
class Switchover:
    """One switchover as Baton reported it, and what the demo saw of it."""

    outcome: str
    """`done`, else what kind of error it was: refused, calledoff, busy, …"""
    source: str
    target: str
    hold_ms: float | None = None
    """None where Baton reported none."""
    steps_ms: dict[str, float] = Factory(dict)
    full_resyncs: int = 0
    why: str = ""
    """The error, if it was one."""
    blocked: int = 0
    """Clients that the old primary had in a blocking command when it began."""
    began_s: float = 0.0
    ended_s: float = 0.0
    """Monotonic clock, from asking for the switchover to the answer."""


@frozen
class Result:
    """What became of one workload; waits in ms."""

    name: str
    clients: int
    operations: int
    errors: int
    disconnects: int
    lost: int
    doubled: int
    max_wait_ms: float
    median_wait_ms: float
    otherwise_max_ms: float
    """The longest wait that overlapped no switchover: what the machine alone does to a client."""
    problems: tuple[str, ...] = ()

    @property
    def clean(self) -> bool:
        return not (self.errors or self.disconnects or self.lost or self.doubled)


@frozen
class Report:
    switchovers: tuple[Switchover, ...]
    results: tuple[Result, ...]
    problems: tuple[str, ...] = ()
    """What is wrong with the whole: two primaries, a replica that does not follow."""

    @property
    def ok(self) -> bool:
        done = bool(self.switchovers) and all(one.outcome == "done" for one in self.switchovers)
        return done and bool(self.results) and all(one.clean for one in self.results) and not self.problems

    def as_json(self) -> dict[str, Any]:
        return {
            "switchovers": [
                {
                    "outcome": one.outcome,
                    "from": one.source,
                    "to": one.target,
                    "hold_ms": one.hold_ms,
                    "steps_ms": one.steps_ms,
                    "full_resyncs": one.full_resyncs,
                }
                for one in self.switchovers
            ],
            "workloads": [
                {
                    "name": one.name,
                    "operations": one.operations,
                    "errors": one.errors,
                    "disconnects": one.disconnects,
                    "lost": one.lost,
                    "doubled": one.doubled,
                    "max_wait_ms": round(one.max_wait_ms, 3),
                    "median_wait_ms": round(one.median_wait_ms, 3),
                }
                for one in self.results
            ],
            "ok": self.ok,
        }


def longest_otherwise_ms(slowest: Sequence[Sequence[float]], switchovers: Sequence[Switchover]) -> float:
    """The longest of the waits (ms, began at seconds) that overlap no switchover, 0 if there is none."""
    return max(
        (
            wait_ms
            for wait_ms, began_s in slowest
            if not any(
                one.began_s <= began_s + wait_ms / 1000 and began_s <= one.ended_s for one in switchovers
            )
        ),
        default=0.0,
    )
