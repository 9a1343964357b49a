"""What is asked of Redis: the cases of the throughput part."""

from __future__ import annotations

from typing import Final, Literal

from attrs import frozen

from proxy.terminal.stage.direct import Address
from proxy.terminal.stage.nodes import ask_directly

STRING_KEY = "key:__rand_int__"
"""The one key of redis-benchmark's GET and SET, as it is called without -r."""
LIST_KEY = "bench:list"
LIST_LENGTH = 100
ELEMENT = "x" * 16


@frozen
class Workload:
    name: str
    kind: Literal["get", "set", "lrange", "transaction"]
    requests: int
    """In a whole turn, of about a second."""
    clients: int = 50
    pipeline: int = 1
    value_bytes: int = 64
    more: tuple[str, ...] = ()
    """Arguments of redis-benchmark besides."""

    @property
    def arguments(self) -> list[str]:
        """redis-benchmark's."""
        told = [*self.more, "-c", str(self.clients), "-P", str(self.pipeline), "-d", str(self.value_bytes)]
        if self.kind == "lrange":
            return [*told, "LRANGE", LIST_KEY, "0", str(LIST_LENGTH - 1)]
        return [*told, "-t", self.kind]

    async def prepare(self, node: Address) -> None:
        """What is read must be there, and of the length that the name says."""
        await ask_directly(node, "SET", STRING_KEY, "x" * self.value_bytes)
        await ask_directly(node, "DEL", LIST_KEY)
        await ask_directly(node, "RPUSH", LIST_KEY, *[ELEMENT] * LIST_LENGTH)


def _small(clients: int, pipeline: int, requests: int) -> tuple[Workload, Workload]:
    load = f"64 B -c {clients} -P {pipeline}"
    return (
        Workload(f"GET {load}", "get", requests, clients, pipeline),
        Workload(f"SET {load}", "set", requests, clients, pipeline),
    )


WORKLOADS: Final = (
    *_small(1, 1, 8_000),
    *_small(50, 1, 40_000),
    *_small(500, 1, 40_000),
    *_small(1, 16, 60_000),
    *_small(50, 16, 300_000),
    *_small(500, 16, 300_000),
    Workload("GET 10 KiB -c 50", "get", 20_000, value_bytes=10_240),
    Workload("SET 10 KiB -c 50", "set", 20_000, value_bytes=10_240),
    Workload("LRANGE 100 -c 50", "lrange", 15_000),
    Workload("MULTI/EXEC -c 50", "transaction", 15_000),
)
GET, SET = WORKLOADS[2:4]
"""With 50 clients and without a pipeline: what most of the targets speak of."""
GET_PIPELINED, SET_PIPELINED = WORKLOADS[8:10]
