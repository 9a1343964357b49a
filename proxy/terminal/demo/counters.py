"""INCR: a key for each client, so that every reply is one more than the last."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from proxy.terminal.stage.direct import Address, connect

from .clients import UNKNOWN, Client
from .shift import Shift
from .verdict import Verdict, judge_counter, together, worst


class Counters:
    def __init__(self, shift: Shift) -> None:
        self.shift = shift
        self.clients = [shift.hire(protocol=protocol) for protocol in (2, 3, 2, 3)]
        self.replies: list[list[int | None]] = [[] for _ in self.clients]

    def parts(self) -> Sequence[Callable[[], None]]:
        return [partial(self.count, number, client) for number, client in enumerate(self.clients)]

    def count(self, number: int, client: Client) -> None:
        while self.shift.goes_on():
            reply = client.ask(client.redis.incr, f"counter:{number}")
            self.replies[number].append(None if reply is UNKNOWN else reply)
            self.shift.pace()

    def judge(self, nodes: Sequence[Address]) -> Verdict:
        return worst(self.judge_on(node) for node in nodes)

    def judge_on(self, node: Address) -> Verdict:
        with connect(node) as redis:
            finals = [int(redis.get(f"counter:{number}") or 0) for number in range(len(self.clients))]
        return together(map(judge_counter, self.replies, finals))
