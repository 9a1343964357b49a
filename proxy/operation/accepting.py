"""Where clients come in: the sockets that listen, until the proxy leaves."""

import contextlib
import os
import socket

import trio
from attrs import define, field

from proxy.config import SettingsError
from proxy.nodes.address import Address, resolve
from proxy.relay.route import Route
from proxy.telling import tell

BACKLOG = 4096
"""Connections that the kernel keeps until they are accepted; a stampede of clients must not be refused."""

ACCEPT_PAUSE = 0.05
"""Seconds until the next try where accepting failed."""


async def listen(flag: str, address: Address) -> list[trio.socket.SocketType]:
    """A listening socket for each place that the address stands for. Raises SettingsError."""
    try:
        places = await resolve(address)
    except OSError as fault:
        raise SettingsError(f"{flag}: {address}: {fault}") from None
    listeners = []
    for family, where in dict(places).items():
        listener = trio.socket.socket(family)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            await listener.bind(where)
            listener.listen(BACKLOG)
        except OSError as fault:
            listener.close()
            raise SettingsError(f"{flag}: {address}: {fault.strerror}") from None
        listeners.append(listener)
    return listeners


def place_of(listener: trio.socket.SocketType) -> Address:
    """The real one, where port 0 was asked for."""
    host, port, *_ = listener.getsockname()
    return Address(host, port)


@define(eq=False)
class Door:
    """The door of one route."""

    route: Route
    listeners: list[trio.socket.SocketType]
    _scope: trio.CancelScope = field(factory=trio.CancelScope)

    async def stand_open(self) -> None:
        """Until it is closed."""
        with self._scope:
            async with trio.open_nursery() as nursery:
                for listener in self.listeners:
                    nursery.start_soon(self._accept, listener)

    def close(self) -> None:
        """Take in who stands before it, for the kernel would reset him, and then nobody any more."""
        self._scope.cancel()
        for listener in self.listeners:
            with contextlib.suppress(OSError), socket.socket(fileno=os.dup(listener.fileno())) as door:
                door.setblocking(False)
                for _ in range(BACKLOG):
                    self.route.accept(door.accept()[0])
            listener.close()

    async def _accept(self, listener: trio.socket.SocketType) -> None:
        while True:
            try:
                accepted, _ = await listener.accept()
                family, kind, number = accepted.family, accepted.type, accepted.proto
                self.route.accept(socket.socket(family, kind, number, accepted.detach()))
            except OSError as fault:  # out of descriptors, or a client that left before it was taken in
                tell("-not-accepted", why=fault)
                await trio.sleep(ACCEPT_PAUSE)
