"""One client, one command at a time: the round trip, and what a proxy adds to it.

Measured by a closed loop of our own: redis-benchmark tells its median in steps of 8 µs. What Python adds to a
round trip is the same for every target, so it is no part of what a proxy adds.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence
from statistics import median

import trio

from scripts.baton_stage.direct import Address
from scripts.baton_stage.nodes import ask_directly
from scripts.baton_stage.processes import StageFailed
from scripts.baton_stage.screen import Screen

from .figures import Latency, ratio
from .sizes import Sizes
from .targets import BATON, HAPROXY, REDIS, Target

KEY, VALUE = "latency", "x" * 64
GET = b"*2\r\n$3\r\nGET\r\n$7\r\nlatency\r\n"
REPLY = b"$64\r\n" + VALUE.encode() + b"\r\n"
TURNS = 5
"""Each round is so many short turns of every target: noise lasts longer than a turn."""
LIMIT_S = 10


def round_trips(address: Address, count: int) -> list[float]:
    """The µs of each of so many GETs over one connection."""
    took_us = []
    with socket.create_connection(address, LIMIT_S) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.settimeout(None)  # with a limit, Python would poll before it receives
        for _ in range(count):
            began_s = time.perf_counter()
            connection.send(GET)
            reply = connection.recv(4096)
            took_us.append((time.perf_counter() - began_s) * 1e6)
            if reply != REPLY:
                raise StageFailed(f"{address} answers a GET with {reply!r}")
    return took_us


async def measure_latency(screen: Screen, targets: Sequence[Target], sizes: Sizes) -> Latency:
    await ask_directly(targets[0].address, "SET", KEY, VALUE)
    medians_us: dict[str, list[float]] = {target.name: [] for target in targets}
    for number in range(1, sizes.rounds + 1):
        screen.show(f"latency, round {number} of {sizes.rounds}")
        took_us: dict[str, list[float]] = {target.name: [] for target in targets}
        for _ in range(TURNS):
            for target in targets:
                took_us[target.name] += await trio.to_thread.run_sync(
                    round_trips, target.address, sizes.round_trips // TURNS, abandon_on_cancel=True
                )
        for name, values in took_us.items():
            medians_us[name].append(median(values))
    added_us = {
        name: [mine - redis for mine, redis in zip(values, medians_us[REDIS], strict=True)]
        for name, values in medians_us.items()
    }
    return Latency(
        ratio(added_us[BATON], added_us.get(HAPROXY)),
        {name: median(values) for name, values in medians_us.items()},
    )
