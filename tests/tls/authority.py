"""Certificates for the tests, made by the tests: an authority, and what it signs, as PEM files."""

import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import trustme

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


class Papers(NamedTuple):
    """A certificate with its key, and who signed it."""

    certificate: Path
    key: Path
    ca: Path


class Authority:
    """Signs for a test; what it signs goes into its folder."""

    def __init__(self, folder: Path, name: str = "ca") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.name = folder, name
        self._ca = trustme.CA(organization_name=name)
        self.ca = folder / f"{name}.crt"
        self._ca.cert_pem.write_to_path(self.ca)

    def issue(self, *names: str, called: str = "server", not_after: datetime | None = None) -> Papers:
        """For these host names or IP addresses, in files called so; an old one of this name is replaced."""
        leaf = self._ca.issue_cert(*(names or ("localhost", "127.0.0.1")), not_after=not_after)
        certificate, key = (self.folder / f"{called}.{end}" for end in ("crt", "key"))
        key.write_bytes(leaf.private_key_pem.bytes())
        certificate.write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
        return Papers(certificate, key, self.ca)


def trusting(ca: Path, shown: Papers | None = None) -> ssl.SSLContext:
    """What a client of the tests uses: it checks the certificate, and shows its own if it has one."""
    context = ssl.create_default_context(cafile=ca)
    if shown is not None:
        context.load_cert_chain(shown.certificate, shown.key)
    return context
