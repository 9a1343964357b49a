"""Pipelines, shallow and deep, in a db of their own: as many replies as commands, each the right one."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from attrs import Factory, define

from proxy.terminal.stage.direct import Address, connect

from .clients import UNKNOWN, Client
from .shift import Shift
from .verdict import Verdict, judge_counter, judge_sequence, together, worst

DB = 1
DEPTHS = (2, 10, 50)


@define
class Line:
    """One client, and what its pipelines should have left behind."""

    number: int
    client: Client
    replies: list[int | None] = Factory(list)
    """Of each INCR."""
    acknowledged: list[int] = Factory(list)
    unknown: list[int] = Factory(list)

    @property
    def counter(self) -> str:
        return f"pipeline:{self.number}:counter"

    @property
    def entries(self) -> str:
        return f"pipeline:{self.number}:entries"

    @property
    def token(self) -> str:
        return f"pipeline:{self.number}:token"


class Pipelines:
    def __init__(self, shift: Shift) -> None:
        self.shift = shift
        self.lines = [Line(number, shift.hire(protocol=2 + number, db=DB)) for number in range(2)]

    def parts(self) -> Sequence[Callable[[], None]]:
        return [partial(self.send, line) for line in self.lines]

    def send(self, line: Line) -> None:
        number = 0
        while self.shift.goes_on():
            number += 1
            self.send_one(line, number, random.choice(DEPTHS))
            self.shift.pace()

    def send_one(self, line: Line, number: int, depth: int) -> None:
        pipeline = line.client.redis.pipeline(transaction=False)
        for _ in range(depth):
            pipeline.incr(line.counter)
        pipeline.set(line.token, number)
        pipeline.get(line.token)
        pipeline.rpush(line.entries, number)
        replies = line.client.ask(pipeline.execute, raise_on_error=False, answers=depth + 3)
        if replies is UNKNOWN:
            replies = [UNKNOWN] * (depth + 3)
        *counts, _, token, length = (self.checked(line, reply) for reply in replies)
        line.replies.extend(counts)
        if token is not None and int(token) != number:
            line.client.tally.fault(f"GET answered {token!r} right after SET {number}")
        (line.unknown if length is None else line.acknowledged).append(number)

    def checked(self, line: Line, reply: Any) -> Any:
        """The reply; None where it is unknown or an error, which is counted."""
        if isinstance(reply, Exception):
            line.client.tally.fault(f"in a pipeline: {reply}")
        return None if reply is UNKNOWN or isinstance(reply, Exception) else reply

    def judge(self, nodes: Sequence[Address]) -> Verdict:
        return worst(self.judge_on(node) for node in nodes)

    def judge_on(self, node: Address) -> Verdict:
        verdicts = []
        with connect(node, db=DB) as redis:
            for line in self.lines:
                verdicts.append(judge_counter(line.replies, int(redis.get(line.counter) or 0)))
                entries = [int(entry) for entry in redis.lrange(line.entries, 0, -1)]
                verdicts.append(judge_sequence(line.acknowledged, line.unknown, entries))
        return together(verdicts)
