"""MULTI / EXEC, sent in pieces with pauses between them, and WATCH on a key that two clients fight over."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import redis
from attrs import Factory, define

from proxy.terminal.stage.direct import Address, connect

from .clients import CHANGED, UNKNOWN, Client
from .shift import Shift
from .verdict import Verdict, judge_sequence, judge_shared_counter, together, worst

SHARED = "transaction:shared"


@define
class Ledger:
    """What one client's transactions should have left behind: a list of their numbers, and their count."""

    number: int
    acknowledged: list[int] = Factory(list)
    unknown: list[int] = Factory(list)

    @property
    def entries(self) -> str:
        return f"transaction:{self.number}:entries"

    @property
    def count(self) -> str:
        return f"transaction:{self.number}:count"


class Transactions:
    def __init__(self, shift: Shift) -> None:
        self.shift = shift
        self.writers = [shift.hire(protocol=protocol) for protocol in (2, 3)]
        self.rivals = [shift.hire(protocol=protocol) for protocol in (2, 3)]
        self.ledgers = [Ledger(number) for number in range(len(self.writers))]
        self.written: list[int] = []
        self.unknown = 0

    def parts(self) -> Sequence[Callable[[], None]]:
        return [
            *(
                partial(self.write, client, ledger)
                for client, ledger in zip(self.writers, self.ledgers, strict=True)
            ),
            *(partial(self.compete, client) for client in self.rivals),
        ]

    def write(self, client: Client, ledger: Ledger) -> None:
        number = 0
        while self.shift.goes_on():
            number += 1
            if self.transact(client, ledger, number):
                ledger.acknowledged.append(number)
            else:
                ledger.unknown.append(number)
                with contextlib.suppress(redis.RedisError):  # its failure is counted already
                    client.redis.execute_command("DISCARD")

    def transact(self, client: Client, ledger: Ledger, number: int) -> bool:
        """A transaction that stays open for some 20 ms. Whether it was acknowledged."""
        pieces: list[tuple[str | int, ...]] = [
            ("MULTI",),
            ("RPUSH", ledger.entries, number),
            ("INCR", ledger.count),
        ]
        for piece in pieces:
            if client.ask(client.redis.execute_command, *piece) is UNKNOWN:
                return False
            self.shift.pace()
        results: Any = client.ask(client.redis.execute_command, "EXEC")
        self.shift.pace()
        if results is UNKNOWN:
            return False
        if not isinstance(results, list) or len(results) != 2 or results[0] != results[1]:
            client.tally.fault(f"EXEC answered {results!r}, not two equal numbers")
        return True

    def compete(self, client: Client) -> None:
        while self.shift.goes_on():
            with client.redis.pipeline() as transaction:
                self.increment(client, transaction)
            self.shift.pace()

    def increment(self, client: Client, transaction: Any) -> None:
        """Adds one to the shared key, unless the rival was faster: then EXEC answers nil.

        After a switchover it may answer nil as well. That is no error: nothing was applied, and it goes on.
        """
        if client.ask(transaction.watch, SHARED) is UNKNOWN:
            return
        value = client.ask(transaction.get, SHARED)
        if value is UNKNOWN:
            return
        self.shift.pace()
        following = int(value or 0) + 1
        transaction.multi()
        transaction.set(SHARED, following)
        result = client.ask(transaction.execute)
        if result is UNKNOWN:
            self.unknown += 1
        elif result is not CHANGED:
            self.written.append(following)

    def judge(self, nodes: Sequence[Address]) -> Verdict:
        return worst(self.judge_on(node) for node in nodes)

    def judge_on(self, node: Address) -> Verdict:
        verdicts = []
        with connect(node) as direct:
            for ledger in self.ledgers:
                entries = [int(entry) for entry in direct.lrange(ledger.entries, 0, -1)]
                verdicts.append(judge_sequence(ledger.acknowledged, ledger.unknown, entries))
                count = int(direct.get(ledger.count) or 0)
                if count != len(entries):
                    torn = f"a transaction was torn: {len(entries)} entries, but a count of {count}"
                    verdicts.append(Verdict(faults=(torn,)))
            final = int(direct.get(SHARED) or 0)
        verdicts.append(judge_shared_counter(self.written, self.unknown, final))
        return together(verdicts)
