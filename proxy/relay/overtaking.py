"""Clients that wait behind somebody else's long reply, or behind a write that the node holds, overtake it.

A lane has left its connection to what is owed there. Who is owed nothing there but the answers to commands
that only read is served elsewhere: the commands are asked again, and their late answers are given to nobody.
So is the one whose reply is long: over a lane of his own he may take it as slowly as he likes. A command that
may have changed something is never asked twice.
"""

from collections.abc import Container
from typing import TYPE_CHECKING

from proxy.relay.ledger import NOBODY
from proxy.wire.requests import Frame, RequestCutter

if TYPE_CHECKING:
    from proxy.relay.performer import Performer
    from proxy.relay.shared import SharedLane


def overtake(left: "SharedLane", first: int, reads: Container[bytes]) -> None:
    """Serve elsewhere whom that can be done for. The line ``first`` of the first batch is the next to be
    answered, and nobody has been given a part of a reply."""
    found: dict[Performer, tuple[list[tuple[list[Performer], int]], list[tuple[bytes, Frame]]]] = {}
    barred = set()
    for batch in left.ledger:
        for place in range(first, len(batch.clients)):
            client, count = batch.clients[place], batch.counts[place]
            commands = list(RequestCutter().feed(batch.pieces[place]))[-count:] if count else []
            looked_at = batch.looked_at is not None and place in batch.looked_at
            if looked_at or any(name not in reads for name, _ in commands):
                barred.add(client)
            lines, asked = found.setdefault(client, ([], []))
            lines.append((batch.clients, place))
            asked += commands
        first = 0
    for client, (lines, asked) in found.items():
        if client not in barred and client is not NOBODY and not client.closed:
            for clients, place in lines:
                clients[place] = NOBODY
            for name, frame in reversed(asked):
                client.put_back(name, frame)
            client.owed = 0
            client.settled()
