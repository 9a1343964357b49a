"""Unique SET and GET: every key is written once, read back at random, and there in the end."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from functools import partial

from proxy.terminal.stage.direct import Address, connect

from .clients import UNKNOWN, Client
from .shift import Shift
from .verdict import Verdict, worst

BATCH = 500
"""Keys asked for at once when judging."""


def key_of(client: int, number: int) -> str:
    return f"value:{client}:{number}"


def value_of(key: str) -> bytes:
    """Told from the key alone, so that no history of values is kept; one in fifty is 20 kB long."""
    return f"{key}=".encode() * (1_500 if key.endswith("50") else 4)


class Values:
    def __init__(self, shift: Shift) -> None:
        self.shift = shift
        self.clients = [shift.hire(protocol=protocol) for protocol in (2, 3, 2, 3)]
        self.written: list[list[str]] = [[] for _ in self.clients]
        self.lost: set[str] = set()
        self.doubled: set[str] = set()

    def parts(self) -> Sequence[Callable[[], None]]:
        return [partial(self.converse, number, client) for number, client in enumerate(self.clients)]

    def converse(self, number: int, client: Client) -> None:
        written = self.written[number]
        asked = 0
        while self.shift.goes_on():
            asked += 1
            self.write(client, key_of(number, asked), written)
            self.shift.pace()
            if written:
                self.read(client, random.choice(written))
                self.shift.pace()

    def write(self, client: Client, key: str, written: list[str]) -> None:
        reply = client.ask(client.redis.set, key, value_of(key), nx=True)
        if reply is UNKNOWN:
            return
        written.append(key)
        if reply is None:  # NX refused: the key, used for the first time, is there already
            self.doubled.add(key)

    def read(self, client: Client, key: str) -> None:
        value = client.ask(client.redis.get, key)
        if value is not UNKNOWN and value != value_of(key):
            self.lost.add(key)

    def judge(self, nodes: Sequence[Address]) -> Verdict:
        return worst(self.judge_on(node) for node in nodes)

    def judge_on(self, node: Address) -> Verdict:
        keys = [key for written in self.written for key in written]
        lost = set(self.lost)
        with connect(node) as redis:
            for start in range(0, len(keys), BATCH):
                batch = keys[start : start + BATCH]
                found = redis.mget(batch)
                lost |= {key for key, value in zip(batch, found, strict=True) if value != value_of(key)}
        return Verdict(lost=len(lost), doubled=len(self.doubled))
