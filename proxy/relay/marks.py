"""Handing over subscriptions without loss and without doubling.

While the pause keeps publishers quiet and the candidate has every byte, a mark (a PING with a nonce) goes
down both lanes of each subscriber; whatever answers it is the mark. The old lane gives out what comes ahead
of its mark, the warm lane throws that away; what comes behind the mark is kept on either, until it is known
which lane goes on.
"""

import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING

import trio
from attrs import frozen

from proxy.relay.lane import Lane
from proxy.relay.quiet import until_idle
from proxy.session.session import Session, Want
from proxy.wire.encoding import command

if TYPE_CHECKING:
    from proxy.relay.client import Client


@frozen(eq=False)
class Mark(Want):
    """The reply to the mark: from here on the lane's messages are kept."""

    lane: Lane

    def take(self, session: Session, piece: bytes, last: bool) -> bytes:
        if last:
            self.lane.kept = []
        return b""


async def mark(warm: Mapping["Client", Lane], within: float) -> list["Client"]:
    """Mark both lanes of every subscriber; gives those whose lanes did not answer in so many seconds."""
    nonce = command("PING", "baton:" + secrets.token_hex(8))
    marked: dict[Client, list[Lane]] = {}
    for client, lane in warm.items():
        if client.session.subscriptions is not None and client.lane is not None and not client.closed:
            marked[client] = [client.lane, lane]
            for each in marked[client]:
                each.owe_wanted(client, Mark(each))
                each.send(nonce)
    with trio.move_on_after(within):
        await until_idle([lane for lanes in marked.values() for lane in lanes])
    return [client for client, lanes in marked.items() if any(lane.kept is None for lane in lanes)]
