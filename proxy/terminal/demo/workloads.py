"""The workloads by name, in the order in which they are shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from .channels import Channels
from .counters import Counters
from .pipelines import Pipelines
from .queues import Queues
from .shift import Shift, Workload
from .transactions import Transactions
from .values import Values

WORKLOADS: Final[dict[str, Callable[[Shift], Workload]]] = {
    "SET/GET": Values,
    "INCR": Counters,
    "MULTI/EXEC": Transactions,
    "BLPOP queue": Queues,
    "pub/sub": Channels,
    "pipelines": Pipelines,
}
