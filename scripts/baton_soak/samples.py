"""What the proxy takes: asked of its console and its metrics, and of the kernel."""

from __future__ import annotations

import re
import threading
import time
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from attrs import define, field, frozen

from scripts.baton_bench.usage import cpu_s, resident_bytes

from .ground import Ground

MEASURES: Final = {
    "resident": "KiB that the process has in memory, as the kernel counts them page by page",
    "large": "KiB that the C library has given out: whatever is larger than 512 bytes",
    "blocks": "objects and the like that Python has allocated; what is garbage already is among them",
    "descriptors": "open files",
    "tasks": "of trio",
    "clients": "connected",
    "held": "clients that wait because the gate is closed",
    "private": "lanes that one client has",
    "shared": "lanes of many clients",
    "spare": "lanes of nobody",
    "owed": "lines in the ledgers of all lanes",
    "scripts": "that the proxy knows",
    "nodes' clients": "connections that the nodes have, of whomever",
}
STARVED: Final = Path("/proc/pressure/cpu")
"""Where the kernel tells for how long somebody who could have run had to wait."""
INFO: Final = {
    "blocks": "allocated_blocks",
    "tasks": "tasks",
    "clients": "connected_clients",
    "held": "waiting_clients",
    "private": "lanes",
    "shared": "shared_lanes",
    "spare": "spare_lanes",
    "owed": "owed_lines",
    "scripts": "scripts",
}
METRICS_LIMIT_S = 30.0


@frozen
class Sample:
    at_s: float
    """Since the beginning."""
    switchovers: int
    cpu_s: float
    """That the proxy has used."""
    starved_s: float
    """For how long somebody on this machine had to wait for a CPU; 0 where the kernel does not tell."""
    values: Mapping[str, float]


def take(ground: Ground, began_s: float) -> Sample:
    info = ground.info()
    pid = ground.proxy.pid
    values = {name: float(info[told]) for name, told in INFO.items()}
    values["resident"] = resident_bytes(pid) / 1024
    values["large"] = int(info["malloc_bytes"]) / 1024
    values["descriptors"] = metric(ground, "process_open_fds")
    values["nodes' clients"] = sum(
        int(node.info("clients")["connected_clients"]) for node in ground.nodes if node._process is not None
    )
    starved = re.search(r"some .* total=(\d+)", STARVED.read_text()) if STARVED.exists() else None
    return Sample(
        at_s=time.monotonic() - began_s,
        switchovers=int(info["switchovers_done"]),
        cpu_s=cpu_s(pid),
        starved_s=int(starved[1]) / 1e6 if starved else 0.0,
        values={name: values[name] for name in MEASURES},
    )


def metric(ground: Ground, name: str) -> float:
    url = f"http://127.0.0.1:{ground.proxy.http_port}/metrics"
    with urllib.request.urlopen(url, timeout=METRICS_LIMIT_S) as got:
        found = re.search(rf"^{name} (\S+)$", got.read().decode(), re.MULTILINE)
    if found is None:
        raise AssertionError(f"no {name} among the metrics")
    return float(found[1])


def descriptors(pid: int) -> list[str]:
    """What a process has open, in words: of sockets the two ends and the state, as the kernel numbers it."""
    sockets = {}
    for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]:
        _, near, far, state, *_, inode = line.split()[:10]
        ends = [f"port {int(end.rpartition(':')[2], 16)}" for end in (near, far)]
        sockets[inode] = f"tcp from {ends[0]} to {ends[1]}, state {int(state, 16)}"
    found = []
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):  # closed meanwhile
            target = str(link.readlink())
            found.append(f"{link.name}: {sockets.get(target.removeprefix('socket:[').rstrip(']'), target)}")
    return sorted(found, key=lambda told: int(told.partition(":")[0]))


@define(eq=False)
class Sampler:
    """A thread that takes one again and again; never while a node is killed or frozen."""

    ground: Ground
    began_s: float
    every_s: float
    taken: list[Sample] = field(factory=list)
    failures: list[str] = field(factory=list)
    aside: threading.Lock = field(factory=threading.Lock)
    """Held by who has a node that does not answer."""
    _over: threading.Event = field(factory=threading.Event)
    _thread: threading.Thread | None = None

    def begin(self) -> None:
        self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)
        self._thread.start()

    def end(self) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join(METRICS_LIMIT_S)

    def _run(self) -> None:
        while not self._over.wait(self.every_s):
            try:
                with self.aside:
                    self.taken.append(take(self.ground, self.began_s))
            except Exception as fault:  # is told in the end: a sampler that is silent hides growth
                self.failures.append(f"sampling: {type(fault).__name__} {fault}")
