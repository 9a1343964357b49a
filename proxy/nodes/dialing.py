"""Making the TCP connection to a node."""

import os
import socket

import trio

from proxy.nodes.address import Address, SockAddr, resolve
from proxy.nodes.errors import LinkLost

# A peer whose machine is gone is found out after 15 s, whether something was sent to it or not.
OPTIONS = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 6),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 3),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 15_000),  # ms
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
)


async def dial(address: Address) -> tuple[SockAddr, socket.socket]:
    """Try what the address resolves to, one after the other; return the peer and a non-blocking socket.

    `LinkLost` tells what happened with each. There is no limit on the time: the caller sets a deadline.
    """
    try:
        places = await resolve(address)
    except OSError as error:
        raise LinkLost(f"{address}: {error}") from None
    failures: dict[SockAddr, OSError] = {}
    for family, place in places:
        try:
            return place, await _connect(family, place)
        except OSError as error:
            failures[place] = error
    why = ", ".join(dict.fromkeys(os.strerror(error.errno or 0) for error in failures.values()))
    everybody_refused = all(isinstance(error, ConnectionRefusedError) for error in failures.values())
    raise LinkLost(f"{address}: {why}", frozenset(failures) if everybody_refused else frozenset())


async def _connect(family: socket.AddressFamily, place: SockAddr) -> socket.socket:
    attempt = trio.socket.socket(family, socket.SOCK_STREAM)
    with attempt:
        for option in OPTIONS:
            attempt.setsockopt(*option)
        await attempt.connect(place)
        connected = socket.socket(fileno=attempt.detach())
    connected.setblocking(False)
    return connected
