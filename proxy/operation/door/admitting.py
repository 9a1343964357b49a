"""Who is let in: the limits on how many there may be, and what is said to who is one too many.

Rules:

1. Who is refused is told so in Redis's own words, as `maxclients` does, and then closed; over TLS he is
   closed without a word, as by Redis, for no handshake was made in which to say it.
2. Who has sent something that was not read is reset by the kernel when his connection is closed, and may
   lose the words. So what came is read, no more is sent, and the connection is closed a little later.
3. Of refusals it is told at once, then once a second with their number: a log is no target.
"""

import contextlib
import socket
from collections import Counter, deque
from ipaddress import IPv6Address, ip_address
from time import monotonic as clock

from attrs import define, field

from proxy.operation.ground import Ground
from proxy.relay.route import FULL
from proxy.telling import tell
from proxy.wire.encoding import error

REFUSED = ("clients", "clients_per_address", "process_bytes", "handshake_ms", "tls", "proxy_header")
"""Why a connection does not become a client: a limit, or a handshake or header that is wrong."""

LINGER_SECONDS = 0.25
LINGERING_MAX = 256
"""Refused connections that are kept so long; of more, the oldest is closed at once."""
TELL_SECONDS = 1.0
READ = 64 * 1024


@define
class _Untold:
    """Refusals of one kind that were not told yet."""

    clients: int = 0
    address: str = ""
    why: str = ""
    told: float = float("-inf")


@define(eq=False)
class Admittance:
    """Of one route."""

    ground: Ground
    shaking: Counter[str] = field(factory=Counter)
    """How many from where are not clients yet."""
    _untold: dict[str, _Untold] = field(factory=lambda: {why: _Untold() for why in REFUSED})
    _lingering: deque[tuple[float, socket.socket]] = field(factory=deque)
    """With when each is to be closed."""

    def objection(self, host: str) -> str:
        """Why one more from there cannot be let in, as one of :data:`REFUSED`; empty where he can."""
        settings, route = self.ground.settings, self.ground.route
        if len(route.clients) + route.arriving >= settings.clients:
            return "clients"
        if route.hoard.full:
            return "process_bytes"
        return self.objection_to(host)

    def objection_to(self, host: str) -> str:
        """The same, of the place alone."""
        most = self.ground.settings.clients_per_address
        if most and host and self.ground.route.hosts[host] + self.shaking[host] >= most:
            return "clients_per_address"
        return ""

    def is_balancer(self, host: str) -> bool:
        """What comes from there begins with a PROXY header."""
        networks = self.ground.settings.proxy_protocol_from
        if not networks:
            return False
        address = ip_address(host.partition("%")[0])
        if isinstance(address, IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        return any(address in network for network in networks)

    def refuse(self, sock: socket.socket, objection: str, address: str, speaks: bool = True) -> None:
        """Turn this connection away. `speaks`: the words can be understood there."""
        self.count(objection, address)
        sock.setblocking(False)
        if not speaks:
            sock.close()
            return
        with contextlib.suppress(OSError):
            sock.send(error(FULL))
            sock.shutdown(socket.SHUT_WR)
        self._lingering.append((clock() + LINGER_SECONDS, sock))
        if len(self._lingering) > LINGERING_MAX:
            _end(self._lingering.popleft()[1])

    def count(self, objection: str, address: str, why: str = "") -> None:
        """A connection was refused, or came to nothing."""
        self.ground.route.refused[objection] += 1
        untold = self._untold[objection]
        untold.clients += 1
        untold.address, untold.why = address, why
        if clock() - untold.told >= TELL_SECONDS:
            self._tell(objection, untold)

    def tend(self) -> None:
        """Close who has lingered long enough, and tell what was not told; to be called now and then."""
        now = clock()
        while self._lingering and self._lingering[0][0] <= now:
            _end(self._lingering.popleft()[1])
        for objection, untold in self._untold.items():
            if untold.clients and now - untold.told >= TELL_SECONDS:
                self._tell(objection, untold)

    def close(self) -> None:
        """Nobody lingers any more, and nothing is left untold."""
        while self._lingering:
            _end(self._lingering.popleft()[1])
        for objection, untold in self._untold.items():
            if untold.clients:
                self._tell(objection, untold)

    @staticmethod
    def _tell(objection: str, untold: _Untold) -> None:
        clients, untold.clients, untold.told = untold.clients, 0, clock()
        tell(
            "-client-refused",
            limit=objection,
            clients=clients,
            address=untold.address or None,
            why=untold.why or None,
        )


def _end(sock: socket.socket) -> None:
    """Read what came, so that the kernel does not reset it."""
    with contextlib.suppress(OSError):
        sock.recv(READ)
    sock.close()
