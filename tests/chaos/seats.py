"""Who takes part: which program, how often, and which version of the protocol it speaks."""

from collections.abc import Sequence

from attrs import frozen

from tests.chaos import listening, programs
from tests.chaos.programs import Program


@frozen
class Seat:
    """A place for one client."""

    name: str
    program: Program
    protocol: int = 2
    bypasses: bool = False
    since: str = ""
    """The first version that has the commands."""


def each(name: str, program: Program, *protocols: int) -> list[Seat]:
    return [Seat(f"{name}-{number}", program, protocol) for number, protocol in enumerate(protocols)]


WRITING: Sequence[Seat] = (
    *each("mixed", programs.mixed, 2, 3, 2),
    *each("settled", programs.settled, 2, 3),
    *each("twins", programs.twins, 2, 3),
    *each("swapper", programs.swapper, 2, 3, 2, 3, 2, 3),
    *each("pusher", programs.pusher, 2, 3),
    *each("popper", programs.popper, 2, 3, 2),
    *each("ranked-popper", programs.ranked_popper, 3),
    *each("mover", programs.mover, 2, 3),
    *each("worker", programs.worker, 2, 3),
    *each("adder", programs.adder, 2),
    *each("follower", programs.follower, 2, 3),
    *each("publisher", programs.publisher, 2, 3),
    Seat("shard-publisher", programs.shard_publisher, since="7.0"),
)
"""Through the proxy."""

LISTENING: Sequence[Seat] = (
    *each("everything", listening.everything, 2, 3),
    *each("by-pattern", listening.by_pattern, 2),
    *each("fickle", listening.fickle, 2, 3),
    *each("busy", listening.busy, 3),
    *each("caching", listening.caching, 3, 3),
    Seat("sharded", listening.sharded, since="7.0"),
)
"""Through the proxy too; they stay until nobody writes any more."""

BYPASSING: Sequence[Seat] = (
    Seat("bypassing", programs.bypassing, bypasses=True),
    Seat("bypassing-publisher", programs.bypassing_publisher, bypasses=True),
)
"""Straight to a node, once for each."""
