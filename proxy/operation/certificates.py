"""The certificates of each leg, as the settings name their files."""

from typing import Self

from attrs import frozen

from proxy.config import Mistake, SettingsError
from proxy.settings import SETTINGS, Settings
from proxy.telling import tell
from proxy.transport.contexts import CertificateFault, Dialled, Served, Shown


@frozen
class Certificates:
    """None for a leg on which no TLS is spoken. They are read again by their own ``renew``."""

    clients: Served | None = None
    nodes: Dialled | None = None
    admin: Served | None = None
    http: Served | None = None

    @classmethod
    def load(cls, settings: Settings) -> Self:
        """Read all files. Raises SettingsError with each mistake, and the setting that it belongs to."""
        legs: dict[str, Shown] = {}
        wrong: list[Mistake] = []
        for leg, begins in (("clients", ""), ("admin", "admin_"), ("http", "http_"), ("nodes", "nodes_")):
            try:
                made = _dialled(settings) if leg == "nodes" else _served(settings, begins)
            except CertificateFault as fault:
                wrong.append(_mistake(settings, f"{begins}tls_", fault))
            else:
                if made is not None:
                    legs[leg] = made
        if wrong:
            raise SettingsError(*wrong)
        return cls(**legs)  # type: ignore[arg-type]  # each leg has its own kind

    @staticmethod
    def mistakes(settings: Settings) -> list[Mistake]:
        """What `load` would raise, of settings that are right by themselves."""
        try:
            Certificates.load(settings)
        except SettingsError as wrong:
            return list(wrong.args)
        return []

    @property
    def all(self) -> tuple[Shown, ...]:
        return tuple(each for each in (self.clients, self.nodes, self.admin, self.http) if each is not None)

    def warn(self) -> None:
        """Tell of those that have expired, or soon will have."""
        for each in self.all:
            for text in each.warnings:
                tell("-certificate-old", why=text)


def _served(settings: Settings, begins: str) -> Served | None:
    certificate, key, ca = (
        getattr(settings, f"{begins}tls_{name}_file") for name in ("certificate", "key", "ca")
    )
    if certificate is None:
        return None
    optional = not begins and settings.tls_client_certificates == "optional"
    return Served(certificate, key, ca, optional=optional)


def _dialled(settings: Settings) -> Dialled | None:
    if not settings.nodes_tls:
        return None
    return Dialled(
        settings.nodes_tls_certificate_file,
        settings.nodes_tls_key_file,
        settings.nodes_tls_ca_file,
        server_name=settings.nodes_tls_server_name,
    )


def _mistake(settings: Settings, begins: str, fault: CertificateFault) -> Mistake:
    names = [f"{begins}{name}_file" for name in ("key", "ca", "certificate")]
    name = next((name for name in names if getattr(settings, name) == fault.path), names[-1])
    return Mistake(f"{SETTINGS[name].table}.{SETTINGS[name].key}", str(fault), frozenset({name}))
