"""Certificates and keys from their files, with errors that name the file, and read again without a restart.

A connection keeps the context with which it shook hands; `renew` only changes what the next ones get. Where a
new file is wrong, the old one stays in force. Speaks TLS 1.2 and later, with Python's choice of ciphers,
without compression and, in 1.2, without renegotiation, which lets a client make work for nothing.
"""

import contextlib
import ssl
import time
from pathlib import Path

from attrs import define, field

SOON_SECONDS = 14 * 24 * 3600.0
"""A certificate that has less than this to live is warned of."""
_EXPIRED, _NOT_YET = 10, 9  # X509_V_ERR_CERT_HAS_EXPIRED, …_NOT_YET_VALID


class CertificateFault(Exception):
    """A file is not what it should be: one line, which names the file."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path}: {why}")
        self.path = path


@define(eq=False)
class Shown:
    """What is common to both sides: files, and the context that was made of them last."""

    certificate: Path | None
    key: Path | None
    ca: Path | None
    context: ssl.SSLContext = field(init=False)
    warnings: tuple[str, ...] = field(init=False, default=())
    """What the operator should know of the certificate in force."""

    def __attrs_post_init__(self) -> None:
        self.renew()

    @property
    def files(self) -> tuple[Path, ...]:
        """Who sees one of them change calls `renew`."""
        return tuple(path for path in (self.certificate, self.key, self.ca) if path is not None)

    def renew(self) -> None:
        """Read the files. Raises CertificateFault, and then all stays as it was."""
        context = self._prepared()
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
        if self.ca is not None:
            _trust(context, self.ca)
        warnings: tuple[str, ...] = ()
        if self.certificate is not None:
            _show(context, self.certificate, self.key)
            try:
                text = _age(self.certificate, self.key)
            except (ssl.SSLError, OSError):  # it was in order when it was read a moment ago
                raise CertificateFault(self.certificate, "it or its key is being changed just now") from None
            warnings = (text,) if text else ()
        self.context, self.warnings = context, warnings

    def _prepared(self) -> ssl.SSLContext:
        raise NotImplementedError


@define(eq=False)
class Served(Shown):
    """What those who come here are shown, and what they must show: see `ca`."""

    optional: bool = False
    """Who shows no certificate is let in all the same; a wrong one never is."""

    def _prepared(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if self.ca is not None:
            context.verify_mode = ssl.CERT_OPTIONAL if self.optional else ssl.CERT_REQUIRED
        return context


@define(eq=False)
class Dialled(Shown):
    """What those to whom we connect are shown, and whom we believe."""

    server_name: str | None = None
    """For whom the certificate must be; without it, for the host that was dialled."""

    def _prepared(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # checks certificate and name
        if self.ca is None:
            context.load_default_certs()
        return context


def _trust(context: ssl.SSLContext, path: Path) -> None:
    _blocks(path, b"CERTIFICATE", "certificate")
    try:
        context.load_verify_locations(path)
    except ssl.SSLError:
        raise CertificateFault(path, "a certificate in it cannot be read") from None


def _show(context: ssl.SSLContext, certificate: Path, key: Path | None) -> None:
    _blocks(certificate, b"CERTIFICATE", "certificate")
    kept = key or certificate
    begins = _blocks(kept, b"PRIVATE KEY", "private key")
    if b"ENCRYPTED" in begins:
        raise CertificateFault(kept, "the key has a password, and nobody is there to type it")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(certificate)
    except ssl.SSLError:
        raise CertificateFault(certificate, "a certificate in it cannot be read") from None
    try:
        context.load_cert_chain(certificate, key, password="")  # never asks at the terminal
    except ssl.SSLError as fault:
        if fault.reason == "KEY_VALUES_MISMATCH":
            raise CertificateFault(kept, f"the key is not that of the certificate in {certificate}") from None
        reason = (fault.reason or "").lower().replace("_", " ")
        if reason in ("", "pem lib"):
            raise CertificateFault(kept, "the key cannot be read") from None
        raise CertificateFault(certificate, reason) from None
    except OSError as fault:
        raise CertificateFault(certificate, fault.strerror or "it cannot be read") from None


def _blocks(path: Path, kind: bytes, what: str) -> bytes:
    """The file, if it is PEM and has such a block; of keys, several kinds."""
    try:
        text = path.read_bytes()
    except OSError as fault:
        raise CertificateFault(path, fault.strerror or str(fault)) from None
    if kind + b"-----" not in text or b"-----BEGIN " not in text:
        raise CertificateFault(path, f"there is no {what} in it, in PEM")
    return text


def _age(certificate: Path, key: Path | None) -> str:
    """What is to be said of the certificate's time; empty while it is good.

    Python tells of a certificate only what a handshake has shown, so one is made, in memory.
    """
    showing = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    showing.load_cert_chain(certificate, key)
    doubting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    doubting.check_hostname = False
    doubting.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    doubting.load_verify_locations(certificate)
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = doubting.wrap_bio(back, there)
    server = showing.wrap_bio(there, back, server_side=True)
    try:
        for side in (client, server, client):
            with contextlib.suppress(ssl.SSLWantReadError):
                side.do_handshake()
    except ssl.SSLCertVerificationError as fault:
        if fault.verify_code in (_EXPIRED, _NOT_YET):
            return f"{certificate}: the {fault.verify_message}"
        return ""  # whether it is good for anything else is for the other side to judge
    told = (client.getpeercert() or {}).get("notAfter")
    left = ssl.cert_time_to_seconds(str(told)) - time.time() if told else SOON_SECONDS
    return f"{certificate}: the certificate expires on {told}" if left < SOON_SECONDS else ""
