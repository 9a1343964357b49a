"""TLS to a console: how it is known to be the right one, and what it is shown."""

import os
import re
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from attrs import frozen

from proxy.config import SettingsError

VARIABLES = {name: f"BATON_CONSOLE_TLS_{name.upper()}_FILE" for name in ("ca", "certificate", "key")}
_LEAF = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


@frozen
class Tls:
    """Whom to believe: who signed it; or the very certificate of a proxy on this machine; or the system."""

    ca: Path | None = None
    leaf: str = ""
    certificate: Path | None = None
    key: Path | None = None

    @classmethod
    def found_by(
        cls,
        shows: Path | None,
        tls: bool = False,
        tls_ca_file: str | None = None,
        tls_certificate_file: str | None = None,
        tls_key_file: str | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> Self | None:
        """What flags and environment say; `shows` is the certificate of the proxy whose settings these are.
        None where it speaks no TLS. Raises SettingsError."""
        ca = _file("ca", tls_ca_file, environ)
        certificate = _file("certificate", tls_certificate_file, environ)
        key = _file("key", tls_key_file, environ)
        if key and not certificate:
            raise SettingsError("--tls-key-file: is of no use without --tls-certificate-file")
        if not (tls or ca or certificate or shows):
            return None
        return cls(ca, _leaf_in(shows) if shows and not (tls or ca) else "", certificate, key)

    def options(self) -> dict[str, Any]:
        """Of redis-py."""
        given: dict[str, Any] = {"ssl": True, "ssl_min_version": ssl.TLSVersion.TLSv1_2}
        if self.ca:
            given["ssl_ca_certs"] = str(self.ca)
        elif self.leaf:  # it is known by itself, so neither its name nor who signed it matters
            given |= {"ssl_ca_data": self.leaf, "ssl_check_hostname": False}
            given["ssl_include_verify_flags"] = [ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN]
        if self.certificate:
            given |= {"ssl_certfile": str(self.certificate), "ssl_keyfile": str(self.key or self.certificate)}
        return given


def _file(name: str, said: str | None, environ: Mapping[str, str]) -> Path | None:
    place, text = (f"--tls-{name}-file", said) if said else (VARIABLES[name], environ.get(VARIABLES[name]))
    if not text:
        return None
    _read(place, Path(text))
    return Path(text)


def _leaf_in(shows: Path) -> str:
    """The first certificate; those behind it are whose signature it has."""
    found = _LEAF.search(_read("admin.tls_certificate_file", shows))
    if found is None:
        raise SettingsError(f"admin.tls_certificate_file: {shows}: there is no certificate in it, in PEM")
    return found[0] + "\n"


def _read(place: str, path: Path) -> str:
    try:
        return path.read_text("ascii", "replace")
    except (OSError, ValueError) as fault:
        why = fault.strerror if isinstance(fault, OSError) else "no file has such a name"
        raise SettingsError(f"{place}: {path}: {why}") from None
