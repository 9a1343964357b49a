"""Waiting for a node that is slow, as its clients would.

A slow script, KEYS or a big DEL may take seconds, and is no reason to close anybody: whoever asked decides
how long he waits.
"""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import trio

from proxy.nodes.errors import Slow
from proxy.nodes.node import Node

if TYPE_CHECKING:
    from proxy.relay.route import Route

LONGEST = 8
"""Of one try, in ``connect_timeout``."""

T = TypeVar("T")


async def patiently(
    route: "Route", node: Node, wanted: Callable[[], bool], attempt: Callable[[], Awaitable[T]]
) -> T | None:
    """Try anew when it has taken ``connect_timeout``, and then ever longer: the node's name may lead
    elsewhere by now, but ten thousand who wait for it must not keep the proxy busy.

    None where it is not wanted any more, the gate has closed, or another node is the primary. Raises what the
    attempt raises, unless that is Slow.
    """
    within = route.connect_timeout
    while wanted() and node is route.primary and not route.gate.closed:
        try:
            with trio.move_on_after(within):
                return await attempt()
        except Slow:
            pass
        route.suspect.set()
        within = min(2 * within, LONGEST * route.connect_timeout)
    return None
