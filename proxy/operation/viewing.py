"""What an operator sees of a route: its nodes, its clients, and all of it at a glance."""

import os
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Literal, overload

import trio
from attrs import define, field

from proxy.nodes.node import Node
from proxy.nodes.roster import history_of
from proxy.operation.ground import Ground
from proxy.operation.switching import Switching
from proxy.operation.views import ClientView, NodeView, Overview, Values
from proxy.relay.client import Client
from proxy.release import VERSION
from proxy.session.sharing import pinned
from proxy.switchover.facts import Standing
from proxy.wire.counting import COMPILED
from proxy.wire.requests import arguments

HELD_MAX = 1000
"""Held clients that are counted in one go: about 1.5 ms."""


@define(eq=False)
class Viewing:
    """Looks, and changes nothing."""

    ground: Ground
    switching: Switching
    _began: float = field(factory=time.monotonic)

    def nodes(self) -> Sequence[NodeView]:
        return [self.node(node) for node in self.ground.route.nodes]

    def node(self, node: Node) -> NodeView:
        """As it was when the keeper looked last."""
        route, found = self.ground.route, self.ground.keeper.last
        leads = node is route.primary
        standing = found.standings.get(node) if found else None
        if standing is None:
            silent = (found.silent.get(node) if found else None) or f"{node}: not asked yet"
            return NodeView(address=str(node), role="unknown", leads=leads, silent=silent)
        primary = found.standings.get(route.primary) if found and route.primary else None
        return NodeView(
            address=str(node),
            role="primary" if standing.primary else "replica",
            leads=leads,
            follows=standing.follows,
            link_up=standing.link_up,
            offset=standing.offset,
            lag_bytes=_lag(standing, primary),
            version=".".join(map(str, node.version)),
            history=history_of(standing),
        )

    def clients(self) -> Sequence[ClientView]:
        """Each is looked at when it is taken from the sequence, so that ten thousand need not be looked at in
        one go."""
        route = self.ground.route
        return _Clients(tuple(route.clients), route.reactor.held_back)

    def status(self) -> Values:
        """What is under way, or how the last one ended."""
        report = self.switching.report
        return report.status() if report is not None else {"state": "none yet"}

    def overview(self) -> Overview:
        ground, route = self.ground, self.ground.route
        return Overview(
            primary=str(route.primary or ""),
            why=ground.keeper.why,
            gate=route.gate.reasons,
            draining=ground.leaving,
            nodes=self.nodes(),
            clients=len(route.clients),
            held=self._held(),
            lanes_private=len(route.own_lanes()),
            lanes_shared=sum(not lane.closed for lane in route.lanes),
            commands=self._commands(),
            uptime_s=time.monotonic() - self._began,
            switchover=self.status(),
            done=self.switching.done,
        )

    def _held(self) -> int:
        """Who waits at the gate, and of those who wait in the kernel as many as can be counted without making
        the others wait."""
        return len(self.ground.route.gate.queue) + len(self.ground.route.reactor.held_some(HELD_MAX))

    def _commands(self) -> int:
        counts = self.ground.route.reactor.counts
        return counts.shared.commands + counts.private.commands + counts.answered

    def _owed_lines(self) -> int:
        """In the ledgers of all lanes, those that were left among them."""
        route = self.ground.route
        shared = [each for lane in route.lanes for each in (lane, *lane.left)]
        return sum(len(lane.ledger) for lane in (*shared, *(lane for _, lane in route.own_lanes())))

    def info(self) -> Mapping[str, Mapping[str, object]]:
        """In Redis's own words where there are any, so that what reads INFO of Redis reads this."""
        ground, route = self.ground, self.ground.route
        counts = route.reactor.counts
        uptime = int(time.monotonic() - self._began)
        blocked = sum(client.session.blocked is not None for client in route.clients)
        subscribed = sum(client.session.subscriptions is not None for client in route.clients)
        return {
            "Server": {
                "baton_version": VERSION,
                "process_id": os.getpid(),
                "instance": ground.instance,
                "counting": "compiled" if COMPILED else "plain",
                "uptime_in_seconds": uptime,
                "uptime_in_days": uptime // 86400,
                "tasks": trio.lowlevel.current_statistics().tasks_living,
            },
            "Clients": {
                "connected_clients": len(route.clients),
                "maxclients": ground.settings.clients,
                "kept_bytes": route.hoard.kept,
                "total_connections_received": route.accepted,
                "lanes": len(route.own_lanes()),
                "shared_lanes": sum(not lane.closed for lane in route.lanes),
                "spare_lanes": route.lanes.spare,
                "owed_lines": self._owed_lines(),
                "blocked_clients": blocked,
                "pubsub_clients": subscribed,
                "lost_lanes": route.lost_lanes,
                "handler_faults": route.reactor.crashed,
            },
            "Memory": {"allocated_blocks": sys.getallocatedblocks()},
            "Stats": {
                "total_connections_received": route.accepted,
                "rejected_connections": route.refused.total(),
                "total_commands_processed": self._commands(),
                "total_net_input_bytes": counts.clients.received,
                "total_net_output_bytes": counts.clients.sent,
            },
            "Route": {
                "primary": route.primary or "",
                "nodes": len(route.nodes),
                "gate": "closed: " + ", ".join(route.gate.reasons) if route.gate.closed else "open",
                "waiting_clients": self._held(),
                "scripts": len(route.common.scripts),
                "draining": int(ground.leaving),
            },
            "Nodes": {f"node{at}": _info_line(view) for at, view in enumerate(self.nodes())},
            "Switchover": {"switchovers_done": self.switching.done, **self.status()},
        }


def _lag(standing: Standing, primary: Standing | None) -> int:
    """Both were asked at about the same time, so a replica may seem to be ahead by what came meanwhile."""
    if primary is None or standing.offset < 0 or standing.replid != primary.replid:
        return -1
    return max(0, primary.offset - standing.offset)


def _info_line(view: NodeView) -> str:
    """As Redis writes ``slave0:``."""
    link = "up" if view.link_up or view.role == "primary" else "down"
    why = "".join(" " if char in ",=" else char for char in view.silent)
    return (
        f"address={view.address},role={view.role},leads={int(view.leads)},follows={view.follows},link={link},"
        f"offset={view.offset},lag={view.lag_bytes},version={view.version},why={why}"
    )


class _Clients(Sequence[ClientView]):
    """Views that are made when they are wanted."""

    def __init__(self, clients: tuple[Client, ...], held: set[int]) -> None:
        self._clients = clients
        self._held = held

    def __len__(self) -> int:
        return len(self._clients)

    @overload
    def __getitem__(self, at: int) -> ClientView: ...
    @overload
    def __getitem__(self, at: slice) -> "_Clients": ...
    def __getitem__(self, at: int | slice) -> "ClientView | _Clients":
        if isinstance(at, slice):
            return _Clients(self._clients[at], self._held)
        client = self._clients[at]
        return _client(client, client.fd in self._held)


def _client(client: Client, held: bool) -> ClientView:
    session = client.session
    doing = {
        "multi": session.transaction,
        "watch": session.watch,
        "blocked": session.blocked,
        "subscribed": session.subscriptions,
        "waiting": client.waiting or held,
        "monitor": session.monitoring,
        "silent": session.mute,
        "tracking": session.tracking,
    }
    lane, why, owed = _lane(client)
    return ClientView(
        id=client.number,
        address=client.peer_name,
        name=_name(client),
        user=session.user.decode("utf-8", "replace"),
        protocol=session.protocol,
        db=session.db,
        lane=lane,
        why=why,
        owed=owed,
        unread_bytes=client.unsent_bytes,
        state=[word for word, so in doing.items() if so],
    )


def _lane(client: Client) -> tuple[Literal["shared", "private", "none"], str, int]:
    """Which lane it is on, and why, if others do not share it; and what that owes it."""
    lane = client.lane
    if lane is None:
        return "none", "", 0
    if lane.shared:
        return "shared", "", client.owed
    why = pinned(client.session) or client.why or "mode"
    return "private", why.replace(" ", "-").lower(), len(lane.ledger)


def _name(client: Client) -> str:
    """As the client named itself."""
    said = (client.session.settings or {}).get(b"SETNAME")
    return arguments(said)[-1].decode("utf-8", "replace") if said else ""
