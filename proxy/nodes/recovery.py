"""Finishing a switchover that a proxy left half done, between promote and demote.

``switchover/succession.py`` found who is stale and who succeeded it. First it is proven that nothing can be
lost, which touches nobody. Between that look and the leap somebody who bypasses the proxy may write, so
writes are paused, and it is looked at again.
"""

import trio

from proxy.nodes.backlog import find_more_than_pings
from proxy.nodes.node import Node

PAUSE_MS = 5000
PROOF_SECONDS = 2.0
"""Less than the pause, so that nothing is written between the proof and the demotion."""


async def finish(stale: Node, successor: Node, host: str, port: int) -> str:
    """Demote `stale` if nothing that it has can be lost; return "", or why it was left as it is.

    `host` and `port` are the successor's, as the stale primary reaches it. NodeError if a node fails. It may
    be repeated: a stale primary that has something to lose is not paused.

    The pause is not lifted where the demotion is not done. It might not be ours: the fence of the proxy that
    left is of the same kind, and there is no lifting one alone. It runs out by itself.
    """
    try:
        with trio.fail_after(PROOF_SECONDS):
            # Reading the stream counts as a replica for as long as it takes. Where writes wait for one to
            # come (min-replicas-to-write), that is not to let them through.
            why = await _find_loss(stale, successor) if await stale.min_replicas_met() else ""
            if not why:
                await stale.pause(PAUSE_MS)
                why = await _find_loss(stale, successor)
    except trio.TooSlowError:
        return f"{stale} could not be asked within {PROOF_SECONDS:g} s"
    if not why:
        await stale.demote(host, port)
    return why


async def _find_loss(stale: Node, successor: Node) -> str:
    """Say what would be lost, or may be, if `stale` gave up its history for that of `successor`."""
    behind, ahead = await stale.standing(), await successor.standing()
    surplus = behind.surplus_over(ahead)
    if not (behind.primary and ahead.primary) or surplus is None:
        return f"{successor} is not the successor of {stale} any more"
    return await find_more_than_pings(stale, behind, ahead.second_offset) if surplus > 0 else ""
