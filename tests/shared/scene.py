"""A proxy with shared lanes and its nodes, and what they tell of who is on which lane."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs

from tests.baton import BatonProcess
from tests.servers import RedisServer
from tests.talking import Talk
from tests.waiting import wait_until

FEW = 16
"""Connections to a node, however many clients there are: the proxy's own, shared lanes, spare ones."""
SOON_SECONDS = 1.0
"""Who does not wait for another is answered within this, on a busy machine too."""


def fields(line: str) -> dict[str, str]:
    """The name=value pairs of a line of CLIENTS or of CLIENT LIST."""
    return dict(re.findall(r"([\w-]+)=(\S*)", line))


def address(talk: Talk) -> str:
    host, port = talk.socket.getsockname()
    return f"{host}:{port}"


@attrs.define(eq=False)
class Shared:
    """One proxy before one node, or before a primary and its replica."""

    nodes: Sequence[RedisServer]
    proxy: BatonProcess
    _connections: list[socket.socket] = attrs.field(factory=list)

    @property
    def primary(self) -> RedisServer:
        return next(node for node in self.nodes if node.info()["role"] == "master")

    @property
    def replica(self) -> RedisServer:
        return next(node for node in self.nodes if node.info()["role"] == "slave")

    def talk(self, *opening: str, timeout: float = 10.0) -> Talk:
        """A new connection to the proxy, on which these commands have been answered without an error."""
        talk = Talk(self.connect(timeout))
        for command in opening:
            told = talk.ask(*command.split())
            assert not isinstance(told, Exception), (command, told)
        return talk

    def connect(self, timeout: float = 10.0) -> socket.socket:
        """A new connection to the proxy, until `leave`."""
        self._connections.append(self.proxy.raw(timeout))
        return self._connections[-1]

    def leave(self) -> None:
        """Close every client, wait until the proxy knows it, and leave no data behind."""
        for connection in self._connections:
            connection.close()
        self._connections.clear()
        self.primary.command("CLIENT", "UNPAUSE")
        wait_until(
            lambda: not self.proxy.admin("CLIENTS"), lambda: f"all are gone: {self.proxy.admin('CLIENTS')}"
        )
        self.primary.command("FLUSHALL")

    def picker(self, timeout: float = 10.0) -> Talk:
        """A new connection of the user whose lanes can be told from others at the node."""
        return self.talk("AUTH picker fig", "PING", timeout=timeout)

    def straight(self) -> Talk:
        """A new connection to the primary itself."""
        self._connections.append(self.primary.raw())
        return Talk(self._connections[-1])

    def of(self, talk: Talk) -> dict[str, str]:
        """What the console tells of this client."""
        [line] = [line for line in self.proxy.admin("CLIENTS") if fields(line)["addr"] == address(talk)]
        return fields(line)

    def lane(self, talk: Talk) -> str:
        """The kind of lane that this client is on: "shared" or "private"."""
        return self.of(talk)["lane"]

    def wait_shared(self, *talks: Talk) -> None:
        """Wait until each of these clients is on a shared lane, or will be with its next command, as the
        console tells."""
        wanted = {address(talk) for talk in talks}

        def elsewhere() -> list[str]:
            lines = self.proxy.admin("CLIENTS")
            return [line for line in lines if fields(line)["addr"] in wanted and " lane=private" in line]

        wait_until(lambda: not elsewhere(), lambda: f"all are on shared lanes: {elsewhere()[:5]}")

    def assert_private(self, talk: Talk) -> None:
        told = self.of(talk)
        assert told["lane"] == "private" and told["why"], told

    def connections(self, **of: str) -> list[dict[str, str]]:
        """The connections to the primary of whom it tells this; its replicas and the asker are left out."""
        asker = self.straight()
        listed = [fields(line) for line in str(asker.ask("CLIENT", "LIST")).splitlines()]
        return [
            line
            for line in listed
            if line["addr"] != address(asker)
            and "S" not in line["flags"]
            and all(line[name] == value for name, value in of.items())
        ]

    def received(self) -> int:
        """How many connections the primary was ever asked for."""
        return int(self.primary.info("stats")["total_connections_received"])

    def lost(self) -> int:
        """How many lanes the node has closed."""
        return int(self.proxy.admin("INFO", "clients")["lost_lanes"])

    def peak_kib(self) -> int:
        """The most memory that the proxy has had, in KiB."""
        status = Path(f"/proc/{self.proxy.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0])

    def switch(self) -> dict[str, Any]:
        """Switch over; nobody is closed, and nothing is copied anew."""
        report = self.proxy.switchover(budget_ms=5000)
        assert report["outcome"] == "done"
        assert report["clients_closed"] == 0, self.proxy.log()
        assert report["full_resyncs"] == 0
        return report


def latency(talk: Talk) -> float:
    """How long a plain command takes, in seconds."""
    began = time.monotonic()
    assert talk.ask("ECHO", "here") == "here"
    return time.monotonic() - began


def alike(proxied: Talk, straight: Talk, *commands: str) -> None:
    """These commands, in one piece, are answered as by the node itself, errors included."""
    told = [str(reply) for reply in proxied.ask_all(*commands)]
    wanted = [str(reply) for reply in straight.ask_all(*commands)]
    assert told == wanted, f"{commands} are answered with {told}; the node says {wanted}"
