"""The two ways to a server: straight, and through Baton; and through Baton while the primary is being moved.

Each way has servers of its own, fresh, of one version and with one configuration: twins.
"""

from __future__ import annotations

import enum
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import redis
import trio
from attrs import field, frozen

from proxy.terminal.stage.baton import SWITCHOVER_LIMIT_S, Proxy, read_refusal, read_report, start_proxy
from proxy.terminal.stage.direct import Address, ask
from proxy.terminal.stage.nodes import Server, ask_directly, find_server, start_nodes
from proxy.terminal.stage.processes import ROOT, StageFailed

BETWEEN_SWITCHOVERS_S = 1


class Way(enum.Enum):
    STRAIGHT = "straight"
    THROUGH = "through Baton"
    MOVING = "through Baton, a switchover each second"


@frozen
class Place:
    server: Address
    """Where the suite is sent to."""
    switchovers: Counter[str] = field(factory=Counter)
    """How the switchovers ended: done, refused, …"""


def server_of(version: str) -> Server:
    """The redis-server that scripts/redis-unpack got; "" stands for the one on the PATH."""
    if not version:
        return find_server()
    path = shutil.which(ROOT / ".venv" / f"redis-{version}" / "redis-server")
    if path is None:
        raise StageFailed(f"no redis-server {version}: run ./scripts/redis-unpack {version}")
    return find_server(path)


@asynccontextmanager
async def open_way(
    way: Way, server: Server, settings: Mapping[str, str], directory: Path
) -> AsyncIterator[Place]:
    """Servers, and a proxy if the way has one, that end with the block."""
    async with AsyncExitStack() as stack, trio.open_nursery() as nursery:
        nodes = await start_nodes(stack, server, directory, 2 if way is Way.MOVING else 1)
        for node in nodes:
            for name, value in settings.items():
                await ask_directly(node, "CONFIG", "SET", name, value)
        if way is Way.STRAIGHT:
            yield Place(nodes[0])
        else:
            proxy = await start_proxy(stack, directory, nodes)
            place = Place(proxy.clients)
            if way is Way.MOVING:
                nursery.start_soon(_keep_moving, proxy, place.switchovers)
            yield place
            _check_log(directory / "baton.log")
        nursery.cancel_scope.cancel()


async def _keep_moving(proxy: Proxy, ended: Counter[str]) -> None:
    while True:
        await trio.sleep(BETWEEN_SWITCHOVERS_S)
        ended[await trio.to_thread.run_sync(partial(_switchover, proxy.admin), abandon_on_cancel=True)] += 1


def _switchover(admin: Address) -> str:
    try:
        report = read_report(ask(admin, "SWITCHOVER", timeout_s=SWITCHOVER_LIMIT_S))
    except redis.RedisError as error:
        refusal = read_refusal(error)
        return f"{refusal['outcome']} {refusal['why'].partition(':')[0]}"
    return str(report["outcome"])


def _check_log(log: Path) -> None:
    """A proxy that logged a traceback has failed, whatever the suite has noticed."""
    told = log.read_text(errors="replace")
    if "Traceback" in told:
        raise StageFailed(f"baton failed: {told[told.index('Traceback') :][:4000]}")
