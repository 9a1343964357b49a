"""Two ends of one TLS connection in this process, without a server: ours is a Secure."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import NamedTuple

import trio

from proxy.transport.contexts import Served
from proxy.transport.handshake import shake_hands
from proxy.transport.plain import Plain
from proxy.transport.secure import Secure
from tests.tls.authority import Papers, trusting

LIMIT_SECONDS = 10.0


class Ends(NamedTuple):
    """Connected, the handshake done."""

    ours: Secure
    theirs: ssl.SSLSocket


def sockets() -> tuple[Plain, socket.socket]:
    """Both ends of a connection of TCP; theirs blocks, with a limit."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        theirs = socket.create_connection(listener.getsockname(), LIMIT_SECONDS)
        accepted, _ = listener.accept()
    return Plain.adopt(accepted).prepared(), theirs


@contextmanager
def connected(papers: Papers, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> Iterator[Ends]:
    """Shake hands as the server, with a client that speaks this version."""
    near, far = sockets()
    context = trusting(papers.ca)
    context.maximum_version = version
    made: list[ssl.SSLSocket] = []
    other = Thread(target=lambda: made.append(context.wrap_socket(far, server_hostname="localhost")))
    other.start()

    async def shake() -> Secure:
        with trio.fail_after(LIMIT_SECONDS):
            return await shake_hands(near, Served(papers.certificate, papers.key, None).context)

    secure = trio.run(shake)
    other.join()
    try:
        yield Ends(secure, made[0])
    finally:
        secure.close()
        made[0].close()
