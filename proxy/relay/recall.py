"""Draining the lanes, and recalling the commands that are blocked on them.

A node answers a blocked command when it is told to (``CLIENT UNBLOCK id ERROR``); the reply is the element
that it had just found, or ``-UNBLOCKED``, which parks the command in the proxy. Rules:

1. Telling it once is not enough: the command may not have begun to block yet, so it is told again while no
   reply has come.
2. The order goes another way than the commands, and may come late. Until it is answered, what blocks on that
   lane counts as recalled from its beginning (``Route.unblocking``). XREAD with ``$`` is parked at once: if
   it were issued and then issued again, it would miss what came between.
3. An order whose answer nobody awaits any more is settled when the node is reached again, for then it is
   carried out or taken back: see :meth:`proxy.nodes.reaching.Reachable._revoke`.
"""

from typing import TYPE_CHECKING

import trio

from proxy.nodes.errors import NodeError
from proxy.nodes.node import Node
from proxy.relay.directory import learn
from proxy.relay.lane import Lane
from proxy.relay.quiet import until_idle
from proxy.session.blocking import Blocking
from proxy.session.muting import Muted

if TYPE_CHECKING:
    from proxy.relay.client import Client
    from proxy.relay.route import Route

TAKE_BACK_SECONDS = 1.0
AGAIN = 0.002
"""Seconds after which a blocked command that has not answered is recalled again."""
REST = 0.02
"""Seconds, again and again, while the gate is closed."""
PAUSE_MAX = 0.25
"""Seconds. A node that cannot be reached is tried less and less often, up to that."""


def owing(route: "Route") -> list[tuple["Client", Lane]]:
    """The clients whose own lanes owe something, and the lanes. A lane that is dead owes nothing any more."""
    return [(client, lane) for client, lane in route.own_lanes() if lane.ledger and not lane.closed]


def blocked(client: "Client") -> Blocking | None:
    """The command on the client's lane that may be blocked."""
    blocking = client.session.blocked
    return None if blocking is None or blocking.parked else blocking


def only_blocked(client: "Client", lane: Lane) -> bool:
    """All that the lane owes is a command that may be blocked."""
    blocking, want = blocked(client), lane.ledger[0].want
    if isinstance(want, Muted):
        want = want.inner
    return blocking is not None and want is blocking


def only_reads(client: "Client", lane: Lane) -> bool:
    """All that the lane owes is a blocked command that writes nothing; it may stay until the pause."""
    blocking = blocked(client)
    return blocking is not None and not blocking.writes and only_blocked(client, lane)


async def learn_ids(route: "Route", node: Node) -> None:
    """Ask the node for the ids of the lanes on which commands are blocked."""
    lanes = [lane for client, lane in owing(route) if blocked(client) and lane.id is None]
    if lanes:
        await learn(lanes, node)


async def drain(route: "Route", node: Node, readers_too: bool) -> None:
    """Return when no lane owes anything; else blocked commands that only read may stay."""
    while True:
        waiting = [each for each in owing(route) if readers_too or not only_reads(*each)]
        lanes = [*(lane for _, lane in waiting), *route.lanes.owing()]
        if not lanes:
            return
        for lane in lanes:
            # Also where the client does not read: what is due to it is drained all the same.
            lane.listen(True)
        await _recall(route, node, [each for each in waiting if _to_recall(each[0], readers_too)])
        with trio.move_on_after(AGAIN):
            await until_idle(lanes)


def _to_recall(client: "Client", readers_too: bool) -> bool:
    blocking = blocked(client)
    return blocking is not None and (readers_too or blocking.writes)


async def _recall(route: "Route", node: Node, waiting: list[tuple["Client", Lane]]) -> None:
    if not waiting:
        return
    await learn_ids(route, node)
    told: dict[Lane, int] = {}
    for client, lane in waiting:
        if client.own_lane is lane and (blocking := blocked(client)):  # a lane may be another client's by now
            blocking.recalled = True
            if lane.id:
                told[lane] = lane.id
    if not told:
        return
    before = set(route.unblocking)
    route.unblocking.update(told)
    try:
        await node.unblock(list(told.values()))
    except BaseException:
        route.unblocking.update(told)  # whoever else told the same lanes may have been answered meanwhile
        raise
    route.unblocking -= before.union(told)


async def _settle(route: "Route", node: Node) -> None:
    """Have what the node was told and did not answer carried out or taken back."""
    before = set(route.unblocking)
    await node.role()
    route.unblocking -= before


def parked(route: "Route") -> list["Client"]:
    """The clients whose blocked command was recalled, in the order in which they first blocked."""
    since = {
        client: blocking.since or 0.0
        for client in route.apart
        if (blocking := client.session.blocked) is not None and blocking.parked
    }
    return sorted(since, key=since.__getitem__)


def late(route: "Route") -> list[tuple["Client", Lane]]:
    """The clients whose blocked command was recalled and has not been answered yet."""
    return [each for each in owing(route) if (blocking := blocked(each[0])) and blocking.recalled]


async def take_back(route: "Route") -> None:
    """After a switchover was called off: issue again what was recalled, once all of it is in, in its order,
    and have settled what the node was told. One of these goes on at a time, and it rests while the gate is
    closed: the next switchover does the same."""
    if route.taking_back:
        return
    route.taking_back, pause = True, AGAIN
    try:
        while True:
            route.unblocking = {lane for lane in route.unblocking if not lane.closed}
            if route.gate.closed or route.primary is None:
                await trio.sleep(REST)
                continue
            waiting = late(route)
            if not waiting:
                reissue_all(route)
                if not route.unblocking:
                    return
            try:
                with trio.fail_after(TAKE_BACK_SECONDS):
                    await (
                        _recall(route, route.primary, waiting) if waiting else _settle(route, route.primary)
                    )
                pause = AGAIN
            except (NodeError, trio.TooSlowError):
                route.suspect.set()  # without an answer the lanes will not last either
                await trio.sleep(pause)
                pause = min(2 * pause, PAUSE_MAX)
            with trio.move_on_after(AGAIN):
                await until_idle([lane for _, lane in waiting])
    finally:
        route.taking_back = False


def reissue_all(route: "Route") -> None:
    """Issue every parked command again, on the lane that its client has now."""
    for client in parked(route):
        client.reissue()


async def fix_stream_ids(route: "Route", node: Node) -> None:
    """Under the pause: put the newest id in the place of ``$`` in every blocked XREAD."""
    wanted: dict[int, dict[bytes, None]] = {}
    readers = [client for client in route.apart if (blocking := blocked(client)) and blocking.newest()]
    for client in readers:
        if blocking := blocked(client):
            wanted.setdefault(client.session.db, {}).update(dict.fromkeys(blocking.newest()))
    ids = {db: await node.stream_last_ids(db, list(keys)) for db, keys in wanted.items()}
    for client in readers:
        if blocking := blocked(client):
            blocking.since_entries(ids[client.session.db])
