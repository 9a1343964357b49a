"""The two ways to a node: straight, and through the proxy."""

from __future__ import annotations

from pathlib import Path

import attrs

from tests.baton import BatonProcess
from tests.servers import RedisServer
from tests.talking import Talk


@attrs.define(eq=False, repr=False)
class Way:
    """One node and the proxy in front of it."""

    node: RedisServer
    proxy: BatonProcess

    def talk(self, timeout: float = 10.0) -> Talk:
        """A new connection through the proxy."""
        return Talk(self.proxy.raw(timeout))

    def straight(self) -> Talk:
        """A new connection to the node itself."""
        return Talk(self.node.raw())

    def peak_kib(self) -> int:
        """The most memory that the proxy has had, in KiB."""
        status = Path(f"/proc/{self.proxy.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0])
