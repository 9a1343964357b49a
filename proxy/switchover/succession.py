"""Who succeeded whom: what a proxy that starts concludes from the nodes that call themselves primary.

A promoted replica remembers the history that it came from: its `replid2` is the `replid` of the primary that
it replaced, and `second_offset` the first byte that it no longer shares with it. If that primary still calls
itself one, a switchover was left half done between promote and demote. An operator who detached a replica
to keep it as a clone leaves the same marks; there, too, a demotion loses nothing as long as the other one has
everything. Whatever is not that plain is the operator's to decide, and nothing is touched.
"""

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from attrs import frozen

from proxy.switchover.facts import PING_BYTES, PROVABLE_BYTES, Standing


@frozen
class Settled:
    """There is one primary."""

    primary: Standing


@frozen
class Finish:
    """`successor` took over from `stale`, which has not been told.

    `surplus` bytes of its stream the successor does not have: they may be PINGs, and before the demotion it
    has to be proven that they are nothing else.
    """

    stale: Standing
    successor: Standing
    surplus: int


@frozen
class Ambiguous:
    """Nobody can tell without knowing more than the nodes say."""

    why: str


Succession: TypeAlias = Settled | Finish | Ambiguous


def decide(claims: Sequence[Standing], replicas: Iterable[Standing] = ()) -> Succession:
    """Judge the nodes that claim to be primary; `replicas` bear witness of one that does not answer."""
    match claims:
        case []:
            return Ambiguous("no node is primary")
        case [only]:
            return _judge_one(only, replicas)
        case [one, other]:
            return _judge_two(one, other)
    return Ambiguous(f"{len(claims)} nodes call themselves primary: {_name(claims)}")


def _judge_one(primary: Standing, replicas: Iterable[Standing]) -> Succession:
    for replica in replicas:
        # One that has lost its link may have a history of its own, from a promotion that was taken back.
        if replica.link_up and primary.surplus_over(replica) is not None:
            return Ambiguous(
                f"{primary.address} calls itself primary, but its replica {replica.address} has gone over to "
                f"{replica.follows}, which took its place and does not answer here"
            )
    return Settled(primary)


def _judge_two(one: Standing, other: Standing) -> Succession:
    both = f"{_name([one, other])} both call themselves primary"
    for stale, successor in ((one, other), (other, one)):
        surplus = stale.surplus_over(successor)
        if surplus is None:
            continue
        if surplus <= 0:
            return Finish(stale, successor, 0)
        if surplus % PING_BYTES or surplus > PROVABLE_BYTES:
            return Ambiguous(
                f"{both}; {successor.address} took over from {stale.address}, which has been written to "
                f"since: {surplus} bytes that {successor.address} does not have"
            )
        return Finish(stale, successor, surplus)
    return Ambiguous(f"{both}, and neither took over from the other")


def _name(claims: Iterable[Standing]) -> str:
    return " and ".join(claim.address for claim in claims)
