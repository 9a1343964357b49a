"""Giving a client a private lane: a spare one that is set up anew for it, or one that is opened."""

from functools import partial
from typing import TYPE_CHECKING

from proxy.nodes.errors import NodeError
from proxy.nodes.node import Node
from proxy.relay.lane import Lane
from proxy.relay.opening import LaneRefused, open_lane
from proxy.relay.patience import patiently
from proxy.session.replay import Score
from proxy.telling import tell

if TYPE_CHECKING:
    from proxy.relay.client import Client
    from proxy.relay.route import Route

BUSY = "BUSY "
"""A script runs too long: the node sets up nothing, and says so to each command."""


async def give_lane(route: "Route", client: "Client") -> None:
    """Bind the client to a lane that leads to the primary. Where the node refuses, the client is told so, or
    closed, as Redis would; where things have changed meanwhile, it asks again."""
    node, lane = route.primary, None
    score, admission = Score.of(client.session), client.session.admission
    try:
        if node is not None:
            here = partial(_is_here, client)
            lane = await patiently(route, node, here, partial(_find_lane, route, node, client, score))
    except (NodeError, LaneRefused) as fault:
        route.suspect.set()
        if client.heavy_until:
            client.heavy_until = 0.0  # it can do without
        elif BUSY in str(fault):
            client.refuse(fault)
        else:
            tell("-client-closed", client=client.number, why=f"no lane to {node}: {fault}")
            route.turn_away(client, fault)
    except Exception:
        tell("-fault", where="opening a lane", client=client.number, exc_info=True)
        client.close()
    if lane is None:
        return
    moved = not _is_here(client) or route.gate.closed or route.primary is not node
    altered = (score, admission) != (Score.of(client.session), client.session.admission)
    if moved or altered or lane.closed or client.lane is not None:
        lane.drop()
    else:
        client.bind(lane)
        client.reopen()
        client.reissue()


def _is_here(client: "Client") -> bool:
    return not (client.closed or client.leaving)


async def _find_lane(route: "Route", node: Node, client: "Client", score: Score) -> Lane | None:
    await route.ask_role(node)
    lane = await route.lanes.adapt(client, score)
    if lane is None and client.lane is None:  # it may have got one meanwhile
        lane = await open_lane(route, node, client, score)
    return lane
