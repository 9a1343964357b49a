"""One switchover, asked for and waited for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import redis

from proxy.terminal.stage.baton import SWITCHOVER_LIMIT_S, Proxy, read_refusal, read_report
from proxy.terminal.stage.direct import Address
from proxy.terminal.stage.nodes import ask_directly, in_sync
from proxy.terminal.stage.processes import StageFailed


async def primary_and_replica(nodes: Sequence[Address]) -> tuple[Address, Address]:
    """Who is who among two nodes, once they are in sync."""
    roles = {(await ask_directly(node, "ROLE"))[0]: node for node in nodes}
    if set(roles) != {b"master", b"slave"}:
        raise StageFailed(f"{' and '.join(map(str, nodes))} are no primary and its replica")
    primary, replica = roles[b"master"], roles[b"slave"]
    await in_sync(primary, [replica])
    return primary, replica


async def switch_over(proxy: Proxy, candidate: Address) -> dict[str, Any]:
    """Baton's report, or the kind of its error as the `outcome`, and `why`."""
    command = ("SWITCHOVER", "TO", str(candidate))
    try:
        return read_report(await ask_directly(proxy.admin, *command, timeout_s=SWITCHOVER_LIMIT_S))
    except redis.RedisError as error:
        refusal = read_refusal(error)
        if refusal["outcome"] == "unreachable":
            raise StageFailed(f"baton's admin port does not answer: {error}") from None
        return refusal
