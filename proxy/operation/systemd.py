"""What systemd is told of a service of ``Type=notify``: sd_notify(3), in the few lines that it takes.

A datagram of NAME=VALUE lines goes to the socket that NOTIFY_SOCKET names. Where nobody wants to know,
nothing is said; that it cannot be said harms nobody.
"""

import contextlib
import os
import socket
import time
from collections.abc import Awaitable, Callable, Mapping

import trio
from attrs import define


@define
class Systemd:
    """Whoever started the process."""

    address: str = ""
    watchdog: float = 0.0
    """Seconds after which the process is killed if it has not shown that it lives; 0: never."""

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> "Systemd":
        """As the environment tells."""
        address = environ.get("NOTIFY_SOCKET", "")
        mine = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        period = environ.get("WATCHDOG_USEC", "") if mine else ""
        return cls(address, int(period) / 1e6 if period.isascii() and period.isdigit() else 0.0)

    def tell(self, *lines: str) -> None:
        """Say it, if somebody wants to know."""
        if self.address.startswith(("/", "@")):
            place = f"\0{self.address[1:]}" if self.address.startswith("@") else self.address
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.setblocking(False)
                sender.sendto("\n".join(lines).encode(), place)

    def ready(self) -> None:
        """It serves; also after ``reloading``."""
        self.tell("READY=1")

    def reloading(self) -> None:
        """It reads its settings again (``Type=notify-reload`` wants the time, too)."""
        self.tell("RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def stopping(self) -> None:
        self.tell("STOPPING=1")

    async def feed(self, alive: Callable[[], Awaitable[bool]]) -> None:
        """Show that the process lives, as long as it does; until cancelled."""
        while self.watchdog:
            if await alive():
                self.tell("WATCHDOG=1")
            await trio.sleep(self.watchdog / 2)
