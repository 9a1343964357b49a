"""Every family of metrics: its name, its help, its labels, and where its values come from.

Names, units and help are as Prometheus's conventions ask (``promtool check metrics`` objects to nothing). A
name in this table is a promise: dashboards and alerts are written with it. The sets of label values are
bounded; a node that was removed is in the next answer no more.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Literal

from attrs import frozen

from proxy.operation.counted import Counted, Distribution
from proxy.operation.views import NodeView

Value = float | Distribution
Samples = Iterable[tuple[tuple[str, ...], Value]]


@frozen
class Family:
    """One of them."""

    name: str
    """With ``_total`` where it counts."""
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    samples: Callable[[Counted], Samples]
    """The values of the labels, and the value."""
    labels: tuple[str, ...] = ()
    of: str = ""
    """What values the labels take, in words, where that is not plain."""


def _one(value: Callable[[Counted], Value]) -> Callable[[Counted], Samples]:
    return lambda counted: [((), value(counted))]


def _by(values: Callable[[Counted], Mapping[str, Value]]) -> Callable[[Counted], Samples]:
    return lambda counted: [((label,), value) for label, value in values(counted).items()]


def _node(value: Callable[[NodeView], float | None]) -> Callable[[Counted], Samples]:
    """Of each node, but those of which it is not known."""

    def samples(counted: Counted) -> Samples:
        for node in counted.nodes:
            if (known := value(node)) is not None:
                yield (node.address,), known

    return samples


def _process(name: str) -> Callable[[Counted], Samples]:
    return _one(lambda counted: counted.process[name])


FAMILIES = (
    Family(
        "baton_build_info",
        "gauge",
        "Which Baton this is, and whether it counts bytes by compiled or plain code; always 1.",
        lambda counted: [((counted.version, counted.counting), 1)],
        ("version", "counting"),
    ),
    Family(
        "baton_clients",
        "gauge",
        "Connected clients, by the kind of lane that they have.",
        _by(lambda counted: counted.clients),
        ("lane",),
        "shared, private, none",
    ),
    Family(
        "baton_clients_apart",
        "gauge",
        "Clients that have a lane of their own, by what they have it for.",
        _by(lambda counted: counted.apart),
        ("reason",),
        "multi, watch, blocked, subscribed, monitor, tracking, reply, large, mode (`lanes.mode` is private),"
        " other",
    ),
    Family(
        "baton_clients_held",
        "gauge",
        "Clients that have sent a command and wait because the gate is closed.",
        _one(lambda counted: counted.held),
    ),
    Family(
        "baton_clients_accepted_total",
        "counter",
        "Clients that have connected.",
        _one(lambda counted: counted.accepted),
    ),
    Family(
        "baton_clients_refused_total",
        "counter",
        "Connections that did not become clients: at which limit, or because what came first was not right.",
        _by(lambda counted: counted.refused),
        ("limit",),
        "clients, clients_per_address, process_bytes, handshake_ms; tls, proxy_header",
    ),
    Family(
        "baton_clients_let_go_total",
        "counter",
        "Clients that were closed at a limit, by its name.",
        _by(lambda counted: counted.let_go),
        ("limit",),
        "client_output_bytes, command_bytes, clients_bytes, process_bytes, idle_s",
    ),
    Family(
        "baton_clients_kept_bytes",
        "gauge",
        "Kept for clients: halves of commands, commands that wait, open transactions, unread replies.",
        _one(lambda counted: counted.kept),
    ),
    Family(
        "baton_lanes",
        "gauge",
        "Open lanes to nodes: shared by clients, private to one, or spare.",
        _by(lambda counted: counted.lanes),
        ("kind",),
        "shared, private, spare",
    ),
    Family(
        "baton_lanes_lost_total",
        "counter",
        "Lanes that died unasked; whom they owed something was closed.",
        _one(lambda counted: counted.lanes_lost),
    ),
    Family(
        "baton_commands_total",
        "counter",
        "Commands of clients that went down a lane, or that the proxy itself answered.",
        _by(lambda counted: counted.commands),
        ("lane",),
        "shared, private, proxy (answered without a lane)",
    ),
    Family(
        "baton_received_bytes_total",
        "counter",
        "Bytes received from clients, and from nodes over lanes.",
        _by(lambda counted: counted.received),
        ("peer",),
        "client, node",
    ),
    Family(
        "baton_sent_bytes_total",
        "counter",
        "Bytes sent to clients, and to nodes over lanes.",
        _by(lambda counted: counted.sent),
        ("peer",),
        "client, node",
    ),
    Family(
        "baton_command_seconds",
        "histogram",
        "Time from when a command was sent to the node until its reply was given to the client: every batch"
        " of a shared lane, one in sixteen commands of private lanes. What waits in the proxy before is not"
        " counted.",
        _by(lambda counted: counted.took),
        ("lane",),
        "shared, private",
    ),
    Family(
        "baton_hold_seconds",
        "histogram",
        "How long switchovers held the clients.",
        _one(lambda counted: counted.holds),
    ),
    Family(
        "baton_switchovers_total",
        "counter",
        "Switchovers that are over, by outcome; dry runs are not among them.",
        _by(lambda counted: counted.switchovers),
        ("outcome",),
        "done, promoted, refused, called_off, failed",
    ),
    Family(
        "baton_switchover_under_way",
        "gauge",
        "Whether a switchover, or a dry run, is under way: 1 or 0.",
        _one(lambda counted: counted.under_way),
    ),
    Family(
        "baton_switchover_step_seconds",
        "histogram",
        "How long the steps of switchovers took that came to their end.",
        _by(lambda counted: counted.steps),
        ("step",),
        "preflight, warm, hold, pause, converge, promote, demote, swap, settle",
    ),
    Family(
        "baton_gate_closed",
        "gauge",
        "Whether the gate is closed for this reason: 1 or 0.",
        _by(lambda counted: counted.gate),
        ("reason",),
        "switchover, no_primary, by_hand",
    ),
    Family(
        "baton_node_up",
        "gauge",
        "Whether a node answered when it was asked last: 1 or 0.",
        _node(lambda node: not node.silent),
        ("node",),
    ),
    Family(
        "baton_node_primary",
        "gauge",
        "Whether a node says that it is a primary: 1 or 0. To which clients go, baton_node_leads tells.",
        _node(lambda node: node.role == "primary"),
        ("node",),
    ),
    Family(
        "baton_node_leads",
        "gauge",
        "Whether clients go to this node: 1 or 0.",
        _node(lambda node: node.leads),
        ("node",),
    ),
    Family(
        "baton_node_link_up",
        "gauge",
        "Of a replica, whether its link to its primary is up: 1 or 0.",
        _node(lambda node: node.link_up if node.role == "replica" else None),
        ("node",),
    ),
    Family(
        "baton_node_lag_bytes",
        "gauge",
        "How far a replica is behind the node that clients go to, where that is known.",
        _node(lambda node: node.lag_bytes if node.role == "replica" and node.lag_bytes >= 0 else None),
        ("node",),
    ),
    Family(
        "baton_events_total",
        "counter",
        "Events told, by name, whatever the level of the log.",
        _by(lambda counted: counted.events),
        ("event",),
        "the names of the page on events",
    ),
    Family(
        "baton_handler_faults_total",
        "counter",
        "Faults of the proxy's own in handling a connection, which was closed.",
        _one(lambda counted: counted.faults),
    ),
    Family(
        "process_cpu_seconds_total",
        "counter",
        "Total user and system CPU time spent in seconds.",
        _process("cpu_seconds_total"),
    ),
    Family("process_open_fds", "gauge", "Number of open file descriptors.", _process("open_fds")),
    Family("process_max_fds", "gauge", "Maximum number of open file descriptors.", _process("max_fds")),
    Family(
        "process_virtual_memory_bytes",
        "gauge",
        "Virtual memory size in bytes.",
        _process("virtual_memory_bytes"),
    ),
    Family(
        "process_resident_memory_bytes",
        "gauge",
        "Resident memory size in bytes.",
        _process("resident_memory_bytes"),
    ),
    Family(
        "process_start_time_seconds",
        "gauge",
        "Start time of the process since unix epoch in seconds.",
        _process("start_time_seconds"),
    ),
)
