"""A proxy, its pair, and who is primary just now."""

from __future__ import annotations

import re
from typing import Any

import attrs

from tests.baton import BatonProcess
from tests.servers import Pair, RedisServer
from tests.talking import Talk
from tests.waiting import wait_until


@attrs.define(eq=False)
class Scene:
    """One proxy before two nodes."""

    pair: Pair
    proxy: BatonProcess

    @property
    def primary(self) -> RedisServer:
        return next(node for node in self.pair if node.info()["role"] == "master")

    @property
    def replica(self) -> RedisServer:
        return next(node for node in self.pair if node.info()["role"] == "slave")

    def talk(self) -> Talk:
        """A new connection to the proxy."""
        return Talk(self.proxy.raw())

    def bypass(self) -> Talk:
        """A new connection straight to who is primary now."""
        return Talk(self.primary.raw())

    def switch(self) -> dict[str, Any]:
        """Switch over; nobody is closed, and nothing is copied anew."""
        report = self.proxy.switchover()
        assert report["outcome"] == "done"
        assert report["clients_closed"] == 0, self.proxy.log()
        assert report["full_resyncs"] == 0
        return report

    def wait_blocked(self, count: int) -> None:
        """Wait until so many clients are blocked on the primary."""
        wait_until(
            lambda: self.primary.info("clients")["blocked_clients"] == count, f"{count} clients are blocked"
        )

    def wait_connected(self, count: int) -> None:
        """Wait until so many clients are connected to the proxy."""
        wait_until(
            lambda: self.proxy.admin("INFO", "clients")["connected_clients"] == count,
            f"{count} clients are connected",
        )


def at_node(talk: Talk) -> dict[str, str]:
    """What the node says of the lane of a client that asks for that, which is then its own (CLIENT INFO)."""
    return dict(re.findall(r"([\w-]+)=(\S*)", talk.ask("CLIENT", "INFO")))
