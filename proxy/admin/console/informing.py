"""INFO's sections: the proxy's own, and in them what existing scrapers of Redis look for.

What they need was read in their sources. redis_exporter makes its ``redis_instance_info`` of
``redis_version``, ``redis_mode``, ``role``, ``process_id`` and more, its start time of
``uptime_in_seconds``, a series for each ``slave<n>:ip=…,port=…,state=…,offset=…``, and takes every other
number by its name. telegraf takes ``uptime_in_seconds``, ``redis_version``, ``role`` and every number. Both
go by the exact names of the sections. Nothing is invented for them: what the proxy has not (a data set, hits
and misses, keys) is left out.
"""

import ctypes
import resource
from collections.abc import Mapping, Sequence
from pathlib import Path

from proxy.admin.operator import Operator
from proxy.nodes.address import Address
from proxy.operation.views import NodeView

Sections = dict[str, dict[str, object]]


def sections(operator: Operator) -> Sections:
    """All of them, in order; what the operator says itself stands first."""
    overview = operator.overview()
    found: Sections = {name: dict(fields) for name, fields in operator.info().items()}
    for name, fields in {
        "Server": _server(overview.nodes),
        "Clients": {"connected_clients": overview.clients},
        "Memory": _memory(),
        "Stats": {"total_commands_processed": overview.commands},
        "Replication": _replication(overview.nodes),
        "CPU": _cpu(),
    }.items():
        found[name] = found.get(name, {}) | {
            key: each for key, each in fields.items() if key not in found.get(name, {})
        }
    return found


def _leader(nodes: Sequence[NodeView]) -> NodeView | None:
    return next((node for node in nodes if node.leads), None)


def _server(nodes: Sequence[NodeView]) -> Mapping[str, object]:
    """The version is that of the server whose commands clients get; while nobody leads, of any."""
    leader = _leader(nodes)
    known = [node.version for node in (*([leader] if leader else []), *nodes) if node.version]
    return ({"redis_version": known[0]} if known else {}) | {"redis_mode": "standalone"}


def _replication(nodes: Sequence[NodeView]) -> Mapping[str, object]:
    """As the primary would tell it: clients may write here, so the role is master. Redis's lag in seconds is
    not known; the lag in bytes is in the section Nodes."""
    leader = _leader(nodes)
    replicas = [node for node in nodes if node is not leader and node.role == "replica"]
    fields: dict[str, object] = {"role": "master", "connected_slaves": sum(node.link_up for node in replicas)}
    for at, node in enumerate(replicas):
        address = Address.parse(node.address)
        state = "online" if node.link_up else "wait_bgsave"
        fields[f"slave{at}"] = (
            f"ip={address.host},port={address.port},state={state},offset={max(node.offset, 0)}"
        )
    return fields | ({"master_repl_offset": leader.offset} if leader and leader.offset >= 0 else {})


class _Allocator(ctypes.Structure):
    """What mallinfo2(3) of the GNU C library, 2.33 and newer, tells; all in bytes but the counts."""

    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
            *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
        )
    )
    hblkhd: int
    uordblks: int


_mallinfo2 = getattr(ctypes.CDLL(None), "mallinfo2", None)
if _mallinfo2 is not None:
    _mallinfo2.restype = _Allocator


def _memory() -> Mapping[str, object]:
    """Of this process. What the data take is told by the nodes.

    ``malloc_bytes`` is what the C library has given out and not got back: all that is larger than Python's
    small objects (512 bytes), which ``allocated_blocks`` counts. Other C libraries do not tell it.
    """
    told: dict[str, object] = {}
    if _mallinfo2 is not None:
        given = _mallinfo2()
        told["malloc_bytes"] = given.uordblks + given.hblkhd
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return told
    return told | {"used_memory_rss": pages * resource.getpagesize()}


def _cpu() -> Mapping[str, object]:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {"used_cpu_sys": f"{used.ru_stime:.6f}", "used_cpu_user": f"{used.ru_utime:.6f}"}
