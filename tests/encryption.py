"""TLS on every leg, or on none: what servers, proxies and clients of the tests speak.

``pytest --tls`` runs with TLS whatever is made by the fixtures; so does a test that takes `tls_on_every_leg`.
Only one Redis among those found on this machine speaks it, so there the tests of the others are left out.
"""

import contextlib
import select
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.tls.authority import Authority, Papers, trusting

SPEAKS_TLS = "7.0"
"""The version whose binary, Debian's, is built with TLS."""
TICKETS_SECONDS = 1.0
"""For the tickets that a server of TLS 1.3 sends behind the handshake."""
_in_force: list[Papers] = []


def is_on() -> bool:
    return bool(_in_force)


@contextlib.contextmanager
def everywhere(folder: Path) -> Iterator[Papers]:
    """From now on all speak TLS."""
    papers = Authority(folder).issue("localhost", "127.0.0.1")
    _in_force.append(papers)
    try:
        yield papers
    finally:
        _in_force.pop()


def node_lines(port: int) -> tuple[str, ...]:
    """Where a server listens, and how it speaks with clients and other servers: lines of redis.conf."""
    if not _in_force:
        return (f"port {port}",)
    papers = _in_force[-1]
    return (
        "port 0",
        f"tls-port {port}",
        f"tls-cert-file {papers.certificate}",
        f"tls-key-file {papers.key}",
        f"tls-ca-cert-file {papers.ca}",
        "tls-auth-clients yes",
        "tls-replication yes",
    )


def proxy_words(listen: str) -> list[str]:
    """Where a proxy listens, and how it speaks with clients and nodes: flags."""
    if not _in_force:
        return ["--listen", listen]
    papers = _in_force[-1]
    return [
        *("--listen", "off", "--tls-listen", listen, "--tls-certificate-file", str(papers.certificate)),
        *("--tls-key-file", str(papers.key), "--nodes-tls", "true", "--nodes-tls-ca-file", str(papers.ca)),
    ]


def proxy_environment() -> dict[str, str]:
    """What has no flag."""
    if not _in_force:
        return {}
    papers = _in_force[-1]
    return {
        "BATON_LIMITS_CONNECT_TIMEOUT_MS": "5000",  # handshakes on a machine that does many at once
        "BATON_NODES_TLS_CERTIFICATE_FILE": str(papers.certificate),
        "BATON_NODES_TLS_KEY_FILE": str(papers.key),
    }


def client_options() -> dict[str, Any]:
    """Of redis-py."""
    if not _in_force:
        return {}
    papers = _in_force[-1]
    return {
        "ssl": True,
        "ssl_ca_certs": str(papers.ca),
        "ssl_certfile": str(papers.certificate),
        "ssl_keyfile": str(papers.key),
    }


def wrapped(connection: socket.socket) -> socket.socket:
    """What a raw client goes on with."""
    if not _in_force:
        return connection
    context = trusting(_in_force[-1].ca, _in_force[-1])
    context.sslsocket_class = HalfClosing
    secured = context.wrap_socket(connection, server_hostname="127.0.0.1")
    limit = secured.gettimeout()
    if select.select([secured], [], [], TICKETS_SECONDS)[0]:  # or a test takes them for an answer
        secured.settimeout(0)
        with contextlib.suppress(ssl.SSLWantReadError):
            raise AssertionError(f"the server speaks first: {secured.recv(1)!r}")
    secured.settimeout(limit)
    return secured


class HalfClosing(ssl.SSLSocket):
    """The library's own, when it is told to end sending, forgets that it speaks TLS."""

    def read(self, len: int | None = 1024, buffer: Any = None) -> Any:
        try:
            return super().read(1024 if len is None else len, buffer)
        except ssl.SSLZeroReturnError:  # both sides have ended
            return b"" if buffer is None else 0

    def shutdown(self, how: int) -> None:
        if how == socket.SHUT_WR:
            limit = self.gettimeout()
            self.settimeout(0)
            with contextlib.suppress(ssl.SSLWantReadError):  # close_notify is sent, theirs not waited for
                self.unwrap()
            self.settimeout(limit)
        socket.socket.shutdown(self, how)
