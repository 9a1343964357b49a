"""The nodes, the proxy before them, and what is asked of its console."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import redis
from attrs import Factory, define, frozen

from tests import encryption
from tests.baton import ANY_PORT, BatonProcess, port_in, with_lanes
from tests.servers import RedisServer
from tests.waiting import wait_until

from .callers import USER

SYNC_LIMIT_S = 60.0
"""Within which a replica has everything, on a machine that is busy with other things."""
NODE_SETTINGS = (
    f"user {USER[0]} on >{USER[1]} ~* &* +@all",
    "client-output-buffer-limit pubsub 64mb 16mb 60",
)

PATIENT = {"BATON_LIMITS_CONNECT_TIMEOUT_MS": "5000"}
"""A machine that is busy with other things may let a connection wait for longer than the usual second."""


@frozen
class Outcome:
    """What the console said to a SWITCHOVER."""

    how: str
    """done, promoted, refused, calledoff, busy …"""
    why: str = ""
    hold_ms: float = 0.0
    total_ms: float = 0.0
    full_resyncs: int = 0
    clients_closed: int = 0


@define(eq=False)
class Ground:
    """What stands there from the first to the last."""

    nodes: list[RedisServer]
    proxy: BatonProcess
    primary: RedisServer
    """As of the last look."""
    plain_port: int
    """Where clients connect without TLS; the proxy's own port is that with it, if there is one."""
    urgent: bool = False
    """Nodes and proxy run as soon as they can, whatever else the machine does: see sched(7), SCHED_RR."""
    holds_ms: list[float] = Factory(list)

    def hurry(self, pid: int) -> None:
        """Where the user may. What a node forks is not urgent."""
        if self.urgent:
            with suppress(PermissionError):
                os.sched_setscheduler(pid, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(1))

    def look(self) -> RedisServer:
        """Who says that it is the primary. An AssertionError where that is not exactly one."""
        found = [node for node in self.nodes if node.command("ROLE")[0] == "master"]
        if len(found) != 1:
            raise AssertionError(f"{len(found)} nodes say that they are the primary")
        self.primary = found[0]
        return self.primary

    @property
    def replicas(self) -> list[RedisServer]:
        return [node for node in self.nodes if node is not self.primary]

    def until_in_sync(self) -> None:
        """Every replica follows the primary, as both of them tell."""
        primary = self.look()
        for replica in self.replicas:
            try:
                wait_until(partial(follows, replica, primary), "it follows", SYNC_LIMIT_S)
            except AssertionError:
                told = replica.info()
                raise AssertionError(f"{replica.address} does not follow {primary.address}: {told}") from None

    def switch_over(self, to: RedisServer, budget_ms: int) -> Outcome:
        began_s = time.monotonic()
        try:
            told = self.proxy.switchover(to.address, budget_ms)
        except redis.ResponseError as error:
            kind, _, why = str(error).partition(" ")
            return Outcome(kind.rstrip(":").lower(), why, total_ms=(time.monotonic() - began_s) * 1000)
        return Outcome(
            str(told["outcome"]),
            hold_ms=float(told["hold_ms"]),
            total_ms=(time.monotonic() - began_s) * 1000,
            full_resyncs=int(told["full_resyncs"]),
            clients_closed=int(told["clients_closed"]),
        )

    def ask(self, *words: str) -> Any:
        """What the console answers; an error reply as its text."""
        try:
            return self.proxy.admin(*words)
        except redis.ResponseError as error:
            return str(error)

    def info(self) -> dict[str, Any]:
        told: dict[str, Any] = self.proxy.admin("INFO")
        return told

    def restart(self, replica: RedisServer) -> None:
        """A replica that was killed comes back with nothing, and follows the primary of now."""
        replica.restart()
        self.hurry(replica.pid)
        replica.replicate(self.primary)
        self.until_in_sync()

    def connections(self) -> list[str]:
        """Who is connected to the nodes, in words."""
        wanted = ("name", "user", "age", "idle", "db", "cmd")
        found = []
        for node in self.nodes:
            for line in str(node.command("CLIENT", "LIST")).splitlines():
                told = dict(word.split("=", 1) for word in line.split(" "))
                found.append(f"{node.address}: " + " ".join(f"{key}={told.get(key)}" for key in wanted))
        return found

    def digests(self) -> dict[str, str]:
        return {node.address: node.command("DEBUG", "DIGEST") for node in self.nodes}


def follows(replica: RedisServer, primary: RedisServer) -> bool:
    told = replica.info()
    return told.get("master_link_status") == "up" and told.get("master_port") == primary.port


def doors(log: str) -> tuple[int, int]:
    """The ports where clients connect: the plain one, and that with TLS, or 0."""
    found = {"tls=true" in line: line for line in log.splitlines() if "+serving" in line}
    plain, secure = (port_in(f"{found.get(tls, '')}\n", "+serving") for tls in (False, True))
    return plain, secure


@contextmanager
def lay(
    binary: Path, directory: Path, count: int, *, lanes: str, urgent: bool = False, tls: bool = False
) -> Iterator[Ground]:
    """A primary and its replicas, in sync, and a proxy with all its faces.

    An AssertionError where the proxy ends by itself or tells of a fault of its own, in the end.
    """
    with ExitStack() as stack:
        if tls:
            stack.enter_context(encryption.everywhere(directory / "papers"))
        nodes = []
        for number in range(count):
            nodes.append(RedisServer.start(binary, directory / f"redis-{number}", *NODE_SETTINGS))
            stack.callback(nodes[-1].end)
        primary, *replicas = nodes
        for replica in replicas:
            replica.replicate(primary)
        for replica in replicas:
            replica.wait_link_up()
            replica.command("CONFIG", "REWRITE")  # killed early, it comes back as a replica
        primary.wait_replicas(len(replicas))
        proxy = BatonProcess.start(
            [node.address for node in nodes],
            directory / "baton.log",
            *("--http", ANY_PORT, "--listen", ANY_PORT),  # with TLS, clients have both doors
            environment=with_lanes(lanes) | PATIENT,
        )
        stack.callback(proxy.end)
        wait_until(lambda: proxy.admin("PING"), "the console answers")
        plain_port, tls_port = doors(proxy.log())
        proxy.port = tls_port or plain_port
        ground = Ground(nodes, proxy, primary, plain_port, urgent)
        for pid in (proxy.pid, *(node.pid for node in nodes)):
            ground.hurry(pid)
        yield ground
