"""After a switchover: the other nodes follow the new primary, and all keep their roles over a restart."""

from collections.abc import Sequence

import trio

from proxy.nodes.errors import LinkLost, NodeError, ReplyError
from proxy.nodes.node import Node

KEEP_SECONDS = 2.0
LINK_SECONDS = 10.0
"""How long the replicas may take to be in sync with the new primary before the report says that they are
not."""
SOON, LATER = 0.005, 0.05
"""Seconds until a node is asked again: one that answers, and one that does not."""


async def gather(
    new: Node, old: Node, others: Sequence[Node], follow: tuple[str, int], notes: list[str]
) -> None:
    """Return when all follow the new primary, or their time is over; ``notes`` gets what is not so."""
    async with trio.open_nursery() as nursery:
        for node in (new, old, *others):  # at once: a new primary that restarts would follow the old one
            nursery.start_soon(_keep_role, node, notes)
    with trio.move_on_after(LINK_SECONDS):
        async with trio.open_nursery() as nursery:
            for node in (old, *others):
                nursery.start_soon(_linked, node, node is old, follow, notes)


async def _keep_role(node: Node, notes: list[str]) -> None:
    """Tried again where the connection was lost: a new primary that does not know its role would follow the
    old one after a restart."""
    why = f"{node} did not answer in time"
    with trio.move_on_after(KEEP_SECONDS):
        while True:
            try:
                why = await node.rewrite_config()
                break
            except LinkLost as fault:
                why = str(fault)
            except NodeError as fault:
                why = str(fault)
                break
            await trio.sleep(LATER)
    if why:
        notes.append(f"not kept over a restart: {why}")


async def _linked(node: Node, is_old: bool, follow: tuple[str, int], notes: list[str]) -> None:
    """Told again until it follows: it may be down for a moment, and is told when it is back."""
    why = ""
    try:
        while True:
            try:
                if await _follows(node, is_old, follow):
                    break
                await trio.sleep(SOON)
            except NodeError as fault:
                why = str(fault)
                await trio.sleep(LATER)
        if why:
            await _keep_role(node, notes)
    except trio.Cancelled:
        notes.append(why or f"{node} is not in sync with the new primary yet")
        raise


async def _follows(node: Node, is_old: bool, follow: tuple[str, int]) -> bool:
    role = await node.role()
    if role.is_primary and is_old:
        raise ReplyError("is a primary still", str(node))
    if (role.primary_host, role.primary_port) != follow:
        await node.follow(*follow)
        return False
    return role.link == "connected"
