"""The process: one nursery that owns every task."""

import logging
import os
import resource
import secrets
import signal
import socket
from collections.abc import AsyncIterator

import trio

from proxy.admin.console import serve_console
from proxy.admin.steering import Steering
from proxy.config import Settings, SettingsError
from proxy.nodes.address import Address, resolve
from proxy.nodes.link import Login
from proxy.nodes.node import Node
from proxy.relay.keeper import NO_PRIMARY, Keeper
from proxy.relay.reactor import Reactor
from proxy.relay.route import Route
from proxy.session.common import Common, Limits
from proxy.session.scripts import Scripts

log = logging.getLogger("baton")

BACKLOG = 4096
"""Connections that the kernel keeps until they are accepted; a stampede of clients must not be refused."""

ACCEPT_PAUSE = 0.05
"""Seconds until the next try where accepting failed."""


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises SettingsError where an address cannot be listened on."""
    _take_descriptors()
    clients = await _listen("--listen", settings.listen)
    admin = await _listen("--admin", settings.admin)
    instance = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
    reactor = Reactor()
    async with trio.open_nursery() as nursery:
        route, keeper = _route(settings, instance, nursery, reactor)
        steering = Steering(route, keeper, settings, instance)
        async with keeper.watching:
            await keeper.look()
        for line in steering.nodes():
            if not line.startswith("!"):  # that was said when it was found
                log.info("%s", line)
        nursery.start_soon(route.reactor.run)
        if route.shares:
            nursery.start_soon(route.lanes.sweep)
            nursery.start_soon(route.stalls.watch)
        nursery.start_soon(keeper.run)
        nursery.start_soon(_accept, clients, route)
        nursery.start_soon(serve_console, [trio.SocketListener(each) for each in admin], steering)
        for name, listeners in (("serving", clients), ("admin", admin)):
            for listener in listeners:
                host, port, *_ = listener.getsockname()
                log.info("%s on %s", name, Address(host, port))
        with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            await _first(signals)
        log.info("leaving")
        nursery.cancel_scope.cancel()
    reactor.close()


def _take_descriptors() -> None:
    """Each client takes one, and two more with a lane of its own during a switchover; the usual soft limit of
    1024 is soon reached."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _route(
    settings: Settings, instance: str, nursery: trio.Nursery, reactor: Reactor
) -> tuple[Route, Keeper]:
    timeout = settings.connect_timeout_ms / 1000
    login = Login(settings.user, settings.password)
    route = Route(
        reactor=reactor,
        nursery=nursery,
        nodes=[Node(address, login, f"baton:{instance}", timeout) for address in settings.nodes],
        common=Common(
            Scripts(settings.scripts_count, settings.scripts_bytes),
            Limits(settings.transaction_bytes),
            shares=settings.lanes == "shared",
            maintenance=settings.maint_notifications,
        ),
        client_output_bytes=settings.client_output_bytes,
        connect_timeout=timeout,
        shares=settings.lanes == "shared",
        per_identity=settings.lanes_per_identity,
    )
    route.gate.close(NO_PRIMARY)
    announce = {
        node: (settings.announce[node.address].host, settings.announce[node.address].port)
        for node in route.nodes
        if node.address in settings.announce
    }
    return route, Keeper(route, announce, settings.no_primary_wait_ms / 1000)


async def _listen(flag: str, address: Address) -> list[trio.socket.SocketType]:
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
            raise SettingsError(f"{flag}: {address}: {fault.strerror}") from None
        listeners.append(listener)
    return listeners


async def _accept(listeners: list[trio.socket.SocketType], route: Route) -> None:
    async with trio.open_nursery() as nursery:
        for listener in listeners:
            nursery.start_soon(_accept_from, listener, route)


async def _accept_from(listener: trio.socket.SocketType, route: Route) -> None:
    while True:
        try:
            accepted, _ = await listener.accept()
            route.accept(socket.socket(accepted.family, accepted.type, accepted.proto, accepted.detach()))
        except OSError as fault:  # out of descriptors, or a client that left before it was taken in
            log.warning("a client could not be accepted: %s", fault)
            await trio.sleep(ACCEPT_PAUSE)


async def _first(signals: AsyncIterator[int]) -> None:
    async for _ in signals:
        return
