"""Making the connection to a node: TCP, and TLS over it where the nodes speak that."""

import os
import socket

import trio

from proxy.nodes.address import Address, SockAddr, resolve
from proxy.nodes.errors import LinkLost
from proxy.transport.contexts import Dialled
from proxy.transport.faults import TlsFault
from proxy.transport.handshake import shake_hands
from proxy.transport.plain import Plain
from proxy.transport.transport import Transport

# A peer whose machine is gone is found out after 15 s, whether something was sent to it or not.
OPTIONS = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 6),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 3),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 15_000),  # ms
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
)


async def dial(address: Address, security: Dialled | None = None) -> tuple[SockAddr, Transport]:
    """Try what the address resolves to, one after the other; return the peer and the connection to it.

    `LinkLost` tells what happened with each. There is no limit on the time: the caller sets a deadline.
    """
    try:
        places = await resolve(address)
    except OSError as error:
        raise LinkLost(f"{address}: {error}") from None
    failures: dict[SockAddr, OSError] = {}
    for family, place in places:
        try:
            plain = Plain.adopt(await _connect(family, place))
            if security is None:
                return place, plain
            name = security.server_name or address.host
            return place, await shake_hands(plain, security.context, name)
        except OSError as error:
            failures[place] = error
    why = ", ".join(dict.fromkeys(_told(error) for error in failures.values()))
    everybody_refused = all(isinstance(error, ConnectionRefusedError) for error in failures.values())
    raise LinkLost(f"{address}: {why}", frozenset(failures) if everybody_refused else frozenset())


def _told(error: OSError) -> str:
    return f"TLS: {error}" if isinstance(error, TlsFault) else os.strerror(error.errno or 0)


async def _connect(family: socket.AddressFamily, place: SockAddr) -> socket.socket:
    attempt = trio.socket.socket(family, socket.SOCK_STREAM)
    with attempt:
        for option in OPTIONS:
            attempt.setsockopt(*option)
        await attempt.connect(place)
        connected = socket.socket(fileno=attempt.detach())
    connected.setblocking(False)
    return connected
