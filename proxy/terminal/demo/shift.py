"""What every workload has: its clients, their pace, and the word that the shift is over."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from attrs import Factory, define

from proxy.terminal.stage.direct import Address

from .clients import Client
from .verdict import Verdict


class Workload(Protocol):
    def parts(self) -> Sequence[Callable[[], None]]:
        """The clients' loops, each for a thread of its own; they end once the shift does."""

    def judge(self, nodes: Sequence[Address]) -> Verdict:
        """What became of all that was acknowledged, asked on the nodes directly."""


@define
class Shift:
    """Makes the clients of one workload, paces them and tells them when to stop."""

    address: Address
    workload: str
    calm: float = 1.0
    """By how much the clients are slower than in the demo."""
    clients: list[Client] = Factory(list)
    over: threading.Event = Factory(threading.Event)

    def hire(self, *, protocol: int, db: int = 0) -> Client:
        client = Client(self.address, f"{self.workload} {len(self.clients) + 1}", protocol=protocol, db=db)
        self.clients.append(client)
        return client

    def goes_on(self) -> bool:
        return not self.over.is_set()

    def pace(self) -> None:
        """Some milliseconds of something else to do; far less would measure this machine, not Baton."""
        time.sleep(random.uniform(0.004, 0.016) * self.calm)
