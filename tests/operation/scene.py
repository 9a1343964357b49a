"""An operation over real nodes within the test's own trio loop, and clients that talk through its route."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any, Self

import attrs
import hiredis
import trio

from proxy.app import make_route
from proxy.nodes.address import Address
from proxy.operation.door.door import Door
from proxy.operation.door.listening import entrances_at
from proxy.operation.operation import Operation
from proxy.relay.keeper import Keeper
from proxy.relay.reactor import Reactor
from proxy.relay.route import Route
from proxy.settings import Settings
from proxy.wire.encoding import command

REPLY_SECONDS = 10.0


@attrs.define(eq=False)
class Talk:
    """One client's conversation, in trio."""

    stream: trio.SocketStream
    _reader: hiredis.Reader = attrs.field(
        factory=lambda: hiredis.Reader(notEnoughData=Talk, encoding="utf-8", errors="surrogateescape")
    )

    async def send(self, *words: bytes | str | int) -> None:
        await self.stream.send_all(command(*words))

    async def reply(self) -> Any:
        """The next whole reply; an EOFError if the connection ends first."""
        with trio.fail_after(REPLY_SECONDS):
            while (value := self._reader.gets()) is Talk:
                data = await self.stream.receive_some()
                if not data:
                    raise EOFError("the connection was closed")
                self._reader.feed(data)
        return value

    async def ask(self, *words: bytes | str | int) -> Any:
        await self.send(*words)
        return await self.reply()

    async def is_closed(self) -> bool:
        """It comes to its end without another reply."""
        try:
            await self.reply()
        except (EOFError, trio.BrokenResourceError):
            return True
        return False


@attrs.define(eq=False)
class Scene:
    """One route with everything that an operator can do to it."""

    operation: Operation
    route: Route
    keeper: Keeper
    door: Door
    port: int
    _talks: list[Talk] = attrs.field(factory=list)

    @classmethod
    async def set(
        cls,
        nursery: trio.Nursery,
        settings: Settings,
        load_again: Callable[[], Settings] | None = None,
    ) -> Self:
        """Look for the primary, and accept clients."""
        route, keeper = make_route(settings, "test", nursery, Reactor())
        operation = Operation.of(route, keeper, settings, "test", load_again)
        await keeper.look()
        nursery.start_soon(route.reactor.run)
        if route.shares:
            nursery.start_soon(route.lanes.sweep)
            nursery.start_soon(route.stalls.watch)
        nursery.start_soon(keeper.run)
        entrances = await entrances_at("--listen", Address("127.0.0.1", 0))
        door = Door(operation.ground, entrances)
        nursery.start_soon(door.stand_open)
        return cls(operation, route, keeper, door, entrances[0].socket.getsockname()[1])

    async def client(self) -> Talk:
        """A client that has said nothing yet."""
        stream = await trio.open_tcp_stream("127.0.0.1", self.port)
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._talks.append(talk := Talk(stream))
        return talk

    def close(self) -> None:
        """When none of its tasks is left."""
        for talk in self._talks:
            talk.stream.socket.close()
        for client in list(self.route.clients):
            client.close()
        self.route.lanes.drop()
        self.route.admission.forget_node()
        for node in self.route.nodes:
            node.close()
        for entrance in self.door.entrances:
            entrance.close()
        self.operation.pulse.close()
        self.route.reactor.close()

    @property
    def gate(self) -> list[str]:
        """Why it is closed."""
        return list(self.route.gate.reasons)
