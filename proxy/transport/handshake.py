"""Shaking hands: from a connected socket to a :class:`Secure`, on the client's side and on the server's.

There is no limit on the time here: the caller sets a deadline, and limits how many do it at once. A step of a
handshake takes about a millisecond of arithmetic. Where many shake hands at once they are given a `turn`, so
that everybody else (the reactor, a switchover) comes between any two of those steps.
"""

import contextlib
import socket
import ssl

import trio

from proxy.transport.faults import TlsFault, words_of
from proxy.transport.plain import Plain
from proxy.transport.secure import RECORD, Secure


async def shake_hands(
    sock: Plain, context: ssl.SSLContext, server_name: str | None = None, turn: trio.Lock | None = None
) -> Secure:
    """Shake hands over a non-blocking socket: as a client where there is a name to check, which may be an IP
    address, else as a server.

    Raises OSError, whose strerror says in one line what is wrong, and closes the socket then.
    """
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    way = context.wrap_bio(incoming, outgoing, server_side=server_name is None, server_hostname=server_name)
    try:
        while True:
            async with turn or contextlib.nullcontext():
                agreed = _agreed(way, sock, outgoing)
            if agreed:
                break
            await _say(sock, outgoing)
            incoming.write(await _hear(sock))
        await _say(sock, outgoing)
        return Secure(sock, way, incoming, outgoing)
    except BaseException:
        sock.close()
        raise


def _agreed(way: ssl.SSLObject, sock: socket.socket, outgoing: ssl.MemoryBIO) -> bool:
    """Go on with what has come; true when both sides have finished. Raises TlsFault, and tells the peer."""
    try:
        way.do_handshake()
    except ssl.SSLWantReadError:
        return False
    except (ssl.SSLError, ssl.CertificateError) as fault:
        with contextlib.suppress(OSError):
            sock.send(outgoing.read())  # the alert, from which the other side learns why
        raise TlsFault(words_of(fault)) from None
    return True


async def _say(sock: socket.socket, outgoing: ssl.MemoryBIO) -> None:
    data = outgoing.read()
    while data:
        try:
            data = data[sock.send(data) :]
        except BlockingIOError:
            await trio.lowlevel.wait_writable(sock)


async def _hear(sock: socket.socket) -> bytes:
    while True:
        try:
            data = sock.recv(RECORD)
        except BlockingIOError:
            await trio.lowlevel.wait_readable(sock)
        else:
            if data:
                return data
            raise TlsFault("the other side hung up during the TLS handshake")
