"""Draining the lanes, and recalling the commands that are blocked on them.

A node answers a blocked command when it is told to (``CLIENT UNBLOCK id ERROR``); the reply is the element
that it had just found, or ``-UNBLOCKED``, which parks the command in the proxy. Telling it once is not
enough: the command may not have begun to block yet, so it is told again while no reply has come.
"""

from typing import TYPE_CHECKING

import trio

from proxy.nodes.node import Node
from proxy.relay.lane import Lane
from proxy.relay.quiet import until_idle
from proxy.session.table import resume

if TYPE_CHECKING:
    from proxy.relay.client import Client
    from proxy.relay.route import Route

AGAIN = 0.002
"""Seconds after which a blocked command that has not answered is recalled again."""


def blocked(client: "Client") -> bool:
    """The client has a command on its lane that may be blocked."""
    return client.session.blocked is not None and not client.session.blocked.parked


def reads(client: "Client") -> bool:
    """All that the lane owes is a blocked command that writes nothing; it may stay until the pause."""
    blocking = client.session.blocked
    return (
        blocking is not None
        and not blocking.writes
        and client.lane is not None
        and len(client.lane.ledger) == 1
    )


def busy(route: "Route") -> list["Client"]:
    """The clients whose lanes owe something."""
    return [client for client in route.clients if client.lane is not None and client.lane.ledger]


async def learn_ids(route: "Route", node: Node) -> None:
    """Ask the node for the ids of the lanes on which commands are blocked."""
    lanes = [client.lane for client in route.clients if client.lane is not None and blocked(client)]
    if all(lane.id is not None for lane in lanes):
        return
    ids = await node.client_ids()
    for lane in lanes:
        lane.id = ids.get(local_address(lane), lane.id)


def local_address(lane: Lane) -> str:
    """The lane's own end, as CLIENT LIST writes it."""
    host, port, *_ = lane.transport.getsockname()
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


async def drain(route: "Route", node: Node, readers_too: bool) -> None:
    """Return when no lane owes anything; without ``readers_too``, blocked commands that only read may
    stay."""
    while waiting := [client for client in busy(route) if readers_too or not reads(client)]:
        for client in waiting:
            if client.lane is not None:
                client.lane.listen(
                    True
                )  # the client may not be reading: what is due to it is drained all the same
        recalled = [
            c
            for c in waiting
            if blocked(c) and c.session.blocked and (readers_too or c.session.blocked.writes)
        ]
        if recalled:
            await _recall(route, node, recalled)
        with trio.move_on_after(AGAIN):
            await until_idle([client.lane for client in waiting if client.lane is not None])


async def _recall(route: "Route", node: Node, clients: list["Client"]) -> None:
    await learn_ids(route, node)
    for client in clients:
        if client.session.blocked is not None:
            client.session.blocked.recall()
    await node.unblock([c.lane.id for c in clients if c.lane is not None and c.lane.id is not None])


def parked(route: "Route") -> list["Client"]:
    """The clients whose blocked command was recalled, in the order in which they first blocked."""
    clients = [c for c in route.clients if c.session.blocked is not None and c.session.blocked.parked]
    return sorted(clients, key=lambda c: (c.session.blocked and c.session.blocked.since) or 0.0)


def reissue(client: "Client") -> None:
    """Issue the client's parked command again, on the lane that it has now."""
    if (
        client.closed
        or client.lane is None
        or client.session.blocked is None
        or not client.session.blocked.parked
    ):
        return
    client.answering = None
    for step in resume(client.session, client.route.now()):
        client.do(step)


async def fix_stream_ids(route: "Route", node: Node) -> None:
    """Under the pause: put the newest id in the place of ``$`` in every blocked XREAD."""
    wanted: dict[int, set[bytes]] = {}
    readers = [c for c in route.clients if c.session.blocked is not None and c.session.blocked.newest()]
    for client in readers:
        assert client.session.blocked is not None
        wanted.setdefault(client.session.db, set()).update(client.session.blocked.newest())
    ids = {db: await node.stream_last_ids(db, sorted(keys)) for db, keys in wanted.items()}
    for client in readers:
        if client.session.blocked is not None:
            client.session.blocked.since_entries(ids[client.session.db])
