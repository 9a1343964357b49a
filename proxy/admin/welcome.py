"""How whoever comes to the console, or by HTTP, is received where TLS is spoken there: the handshake.

Rules:

1. It is over within `HANDSHAKE_S`. How many there are at once is bounded by the face, where one who has not
   shaken hands gives way before everybody else.
2. Who speaks something else, or shows no certificate where one is wanted, is closed, and told why if he
   understands TLS at all; nobody is answered in plain.
3. A connection keeps the certificate with which it began; a renewed one is for the next.
"""

import contextlib
import ssl

import trio

from proxy.telling import tell
from proxy.transport.contexts import Served
from proxy.transport.faults import words_of

HANDSHAKE_S = 10.0

Secured = trio.SSLStream[trio.SocketStream]
Stream = trio.SocketStream | Secured

_SHORT = {
    "commonName": "CN",
    "organizationName": "O",
    "organizationalUnitName": "OU",
    "countryName": "C",
    "localityName": "L",
    "stateOrProvinceName": "ST",
    "domainComponent": "DC",
}


class NotWelcome(Exception):
    """It was closed, and that is told."""


async def welcome(
    stream: trio.SocketStream, certificate: Served | None, face: str, peer: str
) -> tuple[Stream, str]:
    """Shake hands where there is a certificate to show; returns what to speak over, and the subject of the
    certificate that was shown. Raises NotWelcome, and closes the stream then."""
    if certificate is None:
        return stream, ""
    # HTTP and RESP both tell where an answer ends, so nobody need wait for a close_notify.
    secured = trio.SSLStream(stream, certificate.context, server_side=True, https_compatible=True)
    try:
        with trio.fail_after(HANDSHAKE_S):
            await secured.do_handshake()
    except trio.TooSlowError:
        why = f"no TLS handshake within {HANDSHAKE_S:g} s"
    except trio.ClosedResourceError:
        why = "it gave way to others before it had shaken hands"
    except trio.BrokenResourceError as fault:
        why = _why(fault)
        with contextlib.suppress(OSError, trio.ClosedResourceError):  # trio sends no alert
            await stream.socket.send(secured._outgoing.read())
    else:
        return secured, subject_of(secured)
    stream.socket.close()
    tell("-not-secured", face=face, peer=peer, why=why)
    raise NotWelcome


def _why(fault: trio.BrokenResourceError) -> str:
    cause = fault.__cause__
    if isinstance(cause, ssl.SSLError):
        return words_of(cause)
    return "it has gone during the TLS handshake"


def subject_of(secured: Secured) -> str:
    """Of the certificate that was shown, as ``CN=ops,O=Example``; empty where none was."""
    shown: dict[str, object] = secured.getpeercert() or {}
    parts = shown.get("subject") or ()
    assert isinstance(parts, tuple)
    return ",".join(f"{_SHORT.get(name, name)}={_bare(value)}" for part in parts for name, value in part)


def _bare(value: str) -> str:
    """Whoever has his certificate signed may have chosen it: he must not look like somebody else."""
    return "".join(f"\\{letter}" if letter in ',+="\\<>;' else letter for letter in value)
