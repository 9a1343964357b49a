"""Queues worked off by BLPOP: every element popped once, in the order in which it was pushed.

The queues are empty most of the time, so that their workers are blocked when a switchover comes; one queue
gets an element every other second only, so that its worker waits through whole switchovers.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from functools import partial
from threading import Event

from attrs import Factory, define

from proxy.terminal.stage.direct import Address, connect

from .clients import UNKNOWN, Client
from .shift import Shift
from .verdict import Verdict, judge_sequence, together, worst

BLOCK_S = 8
"""BLPOP's own time-out, below that of the client's socket."""
LAST = 0
"""Pushed last of all: it tells the worker to go home. The others count from 1."""


@define
class Queue:
    key: str
    gap_s: tuple[float, float]
    """Least and longest time between two pushes."""
    producer: Client
    worker: Client
    pushed_at_s: list[float] = Factory(list)
    """When each push began, by number."""
    acknowledged: list[int] = Factory(list)
    unknown: list[int] = Factory(list)
    popped: list[int] = Factory(list)
    closed: Event = Factory(Event)


class Queues:
    def __init__(self, shift: Shift) -> None:
        self.shift = shift
        gaps_s = [(0.0, 0.06), (0.0, 0.06), (1.5, 2.5)]
        self.queues = [
            Queue(
                f"queue:{number}",
                gap_s,
                producer=shift.hire(protocol=2 + number % 2),
                worker=shift.hire(protocol=3 - number % 2),
            )
            for number, gap_s in enumerate(gaps_s)
        ]

    def parts(self) -> Sequence[Callable[[], None]]:
        return [partial(role, queue) for queue in self.queues for role in (self.produce, self.consume)]

    def produce(self, queue: Queue) -> None:
        queue.pushed_at_s.append(time.monotonic())  # of LAST, whose wait nobody measures
        number = 0
        while not self.shift.over.wait(random.uniform(*queue.gap_s)):
            number += 1
            self.push(queue, number)
        self.push(queue, LAST)
        queue.closed.set()

    def push(self, queue: Queue, number: int) -> None:
        if number != LAST:
            queue.pushed_at_s.append(time.monotonic())
        reply = queue.producer.ask(queue.producer.redis.rpush, queue.key, number)
        if number != LAST:
            (queue.unknown if reply is UNKNOWN else queue.acknowledged).append(number)

    def consume(self, queue: Queue) -> None:
        while True:
            asked_s = time.monotonic()
            element = queue.worker.attempt(queue.worker.redis.blpop, [queue.key], timeout=BLOCK_S)
            if element is UNKNOWN or element is None:
                if queue.closed.is_set():
                    return
                continue
            number = int(element[1])
            if number == LAST:
                return
            queue.worker.tally.answered(max(asked_s, queue.pushed_at_s[number]))
            queue.popped.append(number)

    def judge(self, nodes: Sequence[Address]) -> Verdict:
        return worst(self.judge_on(node) for node in nodes)

    def judge_on(self, node: Address) -> Verdict:
        verdicts = []
        with connect(node) as redis:
            for queue in self.queues:
                left = [int(number) for number in redis.lrange(queue.key, 0, -1) if int(number) != LAST]
                verdicts.append(judge_sequence(queue.acknowledged, queue.unknown, queue.popped, left))
        return together(verdicts)
