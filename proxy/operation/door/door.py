"""The door of a route: it takes clients in, at each of its entrances, until the proxy leaves.

Rules:

1. Who comes is refused only where a limit says so, never because of a switchover: he waits at the gate.
2. Who comes too fast waits in the kernel, which keeps :data:`proxy.operation.door.listening.BACKLOG` of them.
3. What has to be said before the first command is a task of its own (``arriving``): nobody waits for that.
"""

import contextlib
import socket
from typing import Any

import trio
from attrs import define, field

from proxy.operation.door.admitting import Admittance
from proxy.operation.door.arriving import Arrivals
from proxy.operation.door.listening import BACKLOG, Entrance
from proxy.operation.door.pacing import Pace
from proxy.operation.ground import Ground
from proxy.telling import tell
from proxy.transport.naming import named
from proxy.transport.plain import Local, Plain

ACCEPT_PAUSE = 0.05
"""Seconds until the next try where accepting failed."""
FULL_PAUSE = 0.01
"""Seconds until it is looked again for a place where one could shake hands."""
TEND_SECONDS = 0.25
TOGETHER = 16
"""Clients that are taken in before everybody else has a turn: about half a millisecond."""


@define(eq=False)
class Door:
    """Of one route."""

    ground: Ground
    entrances: list[Entrance]
    admittance: Admittance = field(init=False)
    _arrivals: Arrivals = field(init=False)
    _pace: Pace = field(factory=Pace)
    _scope: trio.CancelScope = field(factory=trio.CancelScope)
    _nursery: trio.Nursery | None = None

    def __attrs_post_init__(self) -> None:
        self.admittance = Admittance(self.ground)
        self._arrivals = Arrivals(self.admittance)

    async def stand_open(self) -> None:
        """Until it is closed, and who was shaking hands then is done."""
        try:
            async with trio.open_nursery() as self._nursery:
                with self._scope:
                    async with trio.open_nursery() as nursery:
                        nursery.start_soon(self._tend)
                        for entrance in self.entrances:
                            nursery.start_soon(self._stand_at, entrance)
        finally:
            self._nursery = None
            self.admittance.close()
            for entrance in self.entrances:
                entrance.close()

    def close(self) -> None:
        """Take in who stands before it, for the kernel would reset him, and then nobody any more."""
        self._scope.cancel()
        for entrance in self.entrances:
            if entrance.socket.fileno() >= 0:
                with contextlib.suppress(OSError):
                    for _ in range(BACKLOG):
                        self._take(entrance, *entrance.socket.accept())
                entrance.close()

    async def _stand_at(self, entrance: Entrance) -> None:
        while True:
            await trio.lowlevel.wait_readable(entrance.socket)
            if pause := self._accept_some(entrance):
                await trio.sleep(pause)

    def _accept_some(self, entrance: Entrance) -> float:
        """Take in some who stand there; tells for how many seconds nobody is to be."""
        rate = self.ground.settings.connections_per_second
        may_come = self._pace.may_come(trio.current_time(), rate)
        if not may_come:
            return max(1 / rate, ACCEPT_PAUSE / 10)
        for _ in range(min(may_come, TOGETHER)):
            if (entrance.served or self.ground.settings.proxy_protocol_from) and self._arrivals.full:
                return FULL_PAUSE
            try:
                sock, where = entrance.socket.accept()
                self._pace.came()
                self._take(entrance, sock, where)
            except BlockingIOError:
                break
            except OSError as fault:  # out of descriptors, or a client that left before it was taken in
                tell("-not-accepted", why=fault)
                return ACCEPT_PAUSE
        return 0.0

    def _take(self, entrance: Entrance, sock: socket.socket, where: Any) -> None:
        """Let him in, let him shake hands, or turn him away."""
        local = sock.family == socket.AF_UNIX
        host = "" if local else where[0]
        proxied = not local and self.admittance.is_balancer(host)
        if objection := self.admittance.objection("" if proxied else host):
            place = entrance.place if local else named(where)
            self.admittance.refuse(sock, objection, str(place), speaks=entrance.served is None)
            return
        plain = (Local if local else Plain).adopt(sock)
        try:
            plain.prepared()
        except OSError:  # it has left already
            plain.close()
            return
        if not (proxied or entrance.served is not None):
            self.ground.route.accept(plain, host)
        elif self._nursery is not None:
            self._arrivals.begin(self._nursery, entrance, plain, host, proxied)
        else:
            plain.close()

    async def _tend(self) -> None:
        while True:
            await trio.sleep(TEND_SECONDS)
            self.admittance.tend()
