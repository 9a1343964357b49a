"""What comes before a client's first command: the header of a load balancer, and the handshake of TLS.

Theory. Each connection that has to do so is a task of its own, with one deadline for all of it. Nothing of
the route is touched until it is done, so a switchover meanwhile does not concern it: who arrives during a
hold waits at the gate like everybody else. Only so many may be at it at once; the others wait in the kernel.
Who keeps a place and says nothing gives it up when others want it: not who waits for us, as do ten thousand
that come at once.
"""

import select
import socket
from time import monotonic as clock

import trio
from attrs import define

from proxy.operation.door.admitting import Admittance
from proxy.operation.door.listening import Entrance
from proxy.telling import tell
from proxy.transport.handshake import shake_hands
from proxy.transport.plain import Plain
from proxy.transport.proxied import BLOCK_MAX, BadHeader, Header, parse
from proxy.transport.transport import Transport

AT_ONCE = 1024
"""Connections that may shake hands at the same time."""
PATIENCE_SECONDS = 0.5
"""How long one may be silent in a place that another wants."""


@define(eq=False)
class _Place:
    """One that is at it."""

    fd: int
    since: float
    scope: trio.CancelScope

    @property
    def is_silent(self) -> bool:
        """It is waited for, and has said nothing that we had no time to look at."""
        look = select.poll()
        look.register(self.fd, select.POLLIN)
        return not look.poll(0)


class Arrivals:
    """All of them."""

    def __init__(self, admittance: Admittance) -> None:
        self._admittance = admittance
        self._route = admittance.ground.route
        self._places: dict[_Place, None] = {}
        self._turn = trio.Lock()

    @property
    def full(self) -> bool:
        """There is no place for one more, nor can one be made."""
        if len(self._places) < AT_ONCE:
            return False
        oldest = next(iter(self._places))
        if clock() - oldest.since > PATIENCE_SECONDS:
            if oldest.is_silent:
                oldest.scope.cancel()
            else:  # look at another the next time
                self._places[oldest] = self._places.pop(oldest)
        return True

    def begin(self, nursery: trio.Nursery, entrance: Entrance, sock: Plain, host: str, proxied: bool) -> None:
        """Let one begin. `proxied`: a PROXY header comes first."""
        place = _Place(sock.fileno(), clock(), trio.CancelScope())
        self._places[place] = None
        self._route.arriving += 1
        nursery.start_soon(self._arrive, place, entrance, sock, host, proxied)

    async def _arrive(self, place: _Place, entrance: Entrance, sock: Plain, host: str, proxied: bool) -> None:
        admittance = self._admittance
        address, mine = sock.peer_name, True
        counted = "" if proxied else host
        admittance.shaking[counted] += 1
        place.scope.deadline = trio.current_time() + admittance.ground.settings.handshake_ms / 1000
        try:
            with place.scope:
                if proxied:
                    header = await read_header(sock)
                    sock.announced = header.name
                    if objection := admittance.objection_to(header.host):
                        speaks = entrance.served is None
                        mine = False
                        admittance.refuse(sock, objection, sock.peer_name, speaks)
                        return
                    admittance.shaking[counted] -= 1
                    counted = header.host
                    admittance.shaking[counted] += 1
                transport: Transport = sock
                if entrance.served is not None:
                    transport = await shake_hands(sock, entrance.served.context, turn=self._turn)
            if place.scope.cancelled_caught:
                admittance.count("handshake_ms", address)
            else:
                mine = False
                self._route.accept(transport, counted)
        except BadHeader as fault:
            admittance.count("proxy_header", address, str(fault))
        except OSError as fault:
            admittance.count("tls", address, fault.strerror or str(fault))
        except Exception:
            tell("-fault", where="a client's arrival", exc_info=True)
        finally:
            if mine:
                sock.close()
            self._leave(place, counted)

    def _leave(self, place: _Place, counted: str) -> None:
        shaking = self._admittance.shaking
        shaking[counted] -= 1
        if not shaking[counted]:
            del shaking[counted]
        self._route.arriving -= 1
        del self._places[place]


async def read_header(sock: socket.socket) -> Header:
    """The PROXY header; what comes behind it is left where it is. Raises BadHeader."""
    data = b""
    while True:
        try:
            seen = sock.recv(BLOCK_MAX, socket.MSG_PEEK)
        except BlockingIOError:
            await trio.lowlevel.wait_readable(sock)
            continue
        if not seen:
            raise BadHeader("the connection ended within it" if data else "the connection ended before it")
        header = parse(data + seen)
        size = len(seen) if header is None else header.size - len(data)
        data += sock.recv(size)
        if header is not None:
            return header
