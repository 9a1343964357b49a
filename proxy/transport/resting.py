"""For how long nothing has gone over a connection."""

import socket
import struct

from proxy.transport.plain import Local
from proxy.transport.transport import Transport

TCP_LAST_SENT, TCP_LAST_RECEIVED = 44, 52
"""Where ``tcpi_last_data_sent`` and ``tcpi_last_data_recv`` lie in Linux's ``struct tcp_info``: 32 bits each,
milliseconds."""


def idle_seconds(transport: Transport) -> float | None:
    """Since something was sent or received; None if it cannot be told."""
    if isinstance(transport, Local):
        return transport.idle_seconds
    try:
        told = transport.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 64)
    except OSError:
        return None
    sent, received = (struct.unpack_from("=I", told, place) for place in (TCP_LAST_SENT, TCP_LAST_RECEIVED))
    milliseconds: int = min(*sent, *received)
    return milliseconds / 1000
