"""One client, one command at a time: the round trip, and what a proxy adds to it.

Measured by a closed loop of our own: redis-benchmark tells its median in steps of 8 µs. What Python adds to a
round trip is the same for every way, so it is no part of what a proxy adds.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median
from typing import Final

import trio

from proxy.terminal.stage.direct import Address
from proxy.terminal.stage.nodes import Server, ask_directly, start_nodes
from proxy.terminal.stage.processes import StageFailed
from proxy.terminal.stage.screen import Screen

from .dialogues import VALUE, bulk, command
from .figures import Figures
from .sizes import Sizes
from .ways import REDIS, start_ways

CASE: Final = "one client, one GET at a time"
KEY = "latency"
GET, REPLY = command(b"GET", KEY.encode()), bulk(VALUE)
TURNS = 5
"""Each round is so many short turns of every way: noise lasts longer than a turn."""
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


async def measure_latency(
    screen: Screen, server: Server, directory: Path, names: Sequence[str], sizes: Sizes, figures: Figures
) -> None:
    async with AsyncExitStack() as stack:
        (node,) = await start_nodes(stack, server, directory, 1)
        ways = await start_ways(stack, directory, names, node)
        await ask_directly(node, "SET", KEY, VALUE.decode())
        for number in range(1, sizes.rounds + 1):
            screen.show(f"latency, round {number} of {sizes.rounds}")
            took_us: dict[str, list[float]] = {way.name: [] for way in ways}
            for _ in range(TURNS):
                for way in ways:
                    took_us[way.name] += await trio.to_thread.run_sync(
                        round_trips, way.address, sizes.round_trips // TURNS, abandon_on_cancel=True
                    )
            straight_us = median(took_us[REDIS])
            for name, values in took_us.items():
                middle_us = median(values)
                figures.note(CASE, name, round_trip_us=middle_us)
                if name != REDIS:
                    figures.note(CASE, name, added_us=middle_us - straight_us)
