"""The process: one nursery that owns every task."""

import os
import resource
import secrets
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

import trio

from proxy.admin.console.serving import serve_console
from proxy.config import Mistake, Settings, SettingsError
from proxy.nodes.link import Login
from proxy.nodes.node import Node
from proxy.operation.auditing import Asker, audited
from proxy.operation.certificates import Certificates
from proxy.operation.door.door import Door
from proxy.operation.door.listening import listen, open_entrances, place_of
from proxy.operation.operation import Operation
from proxy.operation.systemd import Systemd
from proxy.operation.tuning import allowance
from proxy.relay.idling import close_idle
from proxy.relay.keeper import NO_PRIMARY, Keeper
from proxy.relay.reactor import Reactor
from proxy.relay.route import Route
from proxy.session.common import Common, Limits
from proxy.session.scripts import Scripts
from proxy.telling import tell
from proxy.transport.contexts import Dialled


async def serve(settings: Settings, load_again: Callable[[], Settings] | None = None) -> None:
    """Serve until SIGTERM or SIGINT has let the clients finish; a second one ends it at once. SIGHUP reads
    the settings again, by `load_again`. Raises SettingsError where an address cannot be listened on."""
    _take_descriptors()
    certificates = Certificates.load(settings)
    admin = await listen("--admin", settings.admin)
    http = await _prepare_http(settings)
    entrances = await open_entrances(settings, certificates.clients)
    instance = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
    systemd = Systemd.of(os.environ)
    reactor = Reactor()
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as signals:
        async with trio.open_nursery() as last:  # no signal ends a switchover that is carried through
            async with trio.open_nursery() as nursery:
                route, keeper = make_route(settings, instance, nursery, reactor, certificates.nodes)
                operation = Operation.of(route, keeper, settings, instance, load_again)
                operation.secrets.watch_over(certificates)
                last.start_soon(_obey, signals, operation, systemd, nursery.cancel_scope)
                await _begin(operation, nursery)
                door = Door(operation.ground, entrances)
                nursery.start_soon(door.stand_open)
                nursery.start_soon(serve_console, _listeners(admin), operation, certificates.admin)
                nursery.start_soon(operation.secrets.watch)
                if http is not None:
                    await nursery.start(http, operation, certificates.http)
                for entrance in entrances:
                    tell("+serving", address=entrance.place, tls=entrance.served is not None or None)
                for listener in admin:
                    tell("+admin", address=place_of(listener))
                certificates.warn()
                systemd.ready()
                nursery.start_soon(systemd.feed, operation.alive)
                await operation.leaving.asked.wait()
                systemd.stopping()
                door.close()
                if left := await operation.leaving.let_finish():
                    tell("-clients-left", clients=left)
                nursery.cancel_scope.cancel()
            last.cancel_scope.cancel()
    operation.pulse.close()
    reactor.close()
    tell("+left")


def mistakes_in_certificates(settings: Settings) -> list[Mistake]:
    """For who checks settings without serving."""
    return Certificates.mistakes(settings)


async def _prepare_http(settings: Settings) -> Callable[..., Awaitable[None]] | None:
    """Listen, and load what it takes, before any client is there to wait for that."""
    if settings.http is None:
        return None
    from proxy.admin.http.serving import serve_http  # who does without it need not load it

    return partial(serve_http, _listeners(await listen("--http", settings.http)))


def _listeners(sockets: list[trio.socket.SocketType]) -> list[trio.SocketListener]:
    return [trio.SocketListener(each) for each in sockets]


async def _begin(operation: Operation, nursery: trio.Nursery) -> None:
    """Find the primary, and let the tasks run that watch over everything."""
    route, keeper = operation.ground.route, operation.ground.keeper
    async with keeper.watching:
        await keeper.look()
    for node in operation.nodes():
        tell(
            "+node",
            node=node.address,
            role=node.role,
            leads=node.leads,
            follows=node.follows or None,
            why=node.silent or None,
        )
    nursery.start_soon(route.reactor.run)
    if route.shares:
        nursery.start_soon(route.lanes.sweep)
        nursery.start_soon(route.stalls.watch)
    nursery.start_soon(keeper.run)
    nursery.start_soon(route.hoard.watch)
    nursery.start_soon(close_idle, route)


async def _obey(
    signals: AsyncIterator[int], operation: Operation, systemd: Systemd, everything: trio.CancelScope
) -> None:
    async with trio.open_nursery() as nursery:
        async for number in signals:
            asker = Asker(face="signal")
            if number == signal.SIGHUP:  # reading may take seconds, in which other signals count
                nursery.start_soon(_reload, operation, systemd, asker)
            elif operation.leaving.asked.is_set():
                with audited(asker, f"{signal.Signals(number).name} again"):
                    everything.cancel()
            else:
                with audited(asker, signal.Signals(number).name):
                    operation.drain()


async def _reload(operation: Operation, systemd: Systemd, asker: Asker) -> None:
    systemd.reloading()
    try:
        with audited(asker, "SIGHUP"):
            await operation.reload_settings()
    except SettingsError as mistakes:
        tell("-not-reloaded", why=mistakes)
    except Exception:  # a bug of ours is no reason to leave the clients
        tell("-fault", where="SIGHUP", exc_info=True)
    systemd.ready()


def _take_descriptors() -> None:
    """Each client takes one, and two more with a lane of its own during a switchover; the usual soft limit of
    1024 is soon reached."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def make_route(
    settings: Settings,
    instance: str,
    nursery: trio.Nursery,
    reactor: Reactor,
    security: Dialled | None = None,
) -> tuple[Route, Keeper]:
    """The one route, and who watches over it. No node has been asked yet, so the gate is closed."""
    timeout = settings.connect_timeout_ms / 1000
    login = Login(settings.user, settings.password)
    route = Route(
        reactor=reactor,
        nursery=nursery,
        nodes=[Node(address, login, f"baton:{instance}", timeout, security) for address in settings.nodes],
        security=security,
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
    route.allow(allowance(settings))
    route.gate.close(NO_PRIMARY)
    announce = {
        node: (settings.announce[node.address].host, settings.announce[node.address].port)
        for node in route.nodes
        if node.address in settings.announce
    }
    return route, Keeper(route, announce, settings.no_primary_wait_ms / 1000)
