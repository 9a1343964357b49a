"""What fits together of the settings: each is right by itself, but not every one beside every other."""

import itertools

from attrs import define, field

from proxy.config.values import Mistake, Reading
from proxy.kinds import endpoint, is_loopback
from proxy.nodes.address import Address
from proxy.settings import SETTINGS, Setting, Settings

_FACES = {"listen": "clients", "tls_listen": "clients with TLS", "admin": "console", "http": "HTTP"}
_LEGS = {"": "tls_listen", "admin_": "admin", "http_": "http"}
"""What the settings of TLS begin with, and what listens there."""


def check_together(reading: Reading) -> None:
    """What fits together. Nothing is said of a setting that is a mistake by itself."""
    checked = _Together(reading)
    checked.places()
    checked.logins()
    checked.nodes()
    checked.tls()
    checked.times()


@define
class _Together:
    reading: Reading
    settings: Settings = field(init=False)
    _unknown: frozenset[str] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.settings = self.reading.settings
        self._unknown = frozenset[str]().union(*(mistake.names for mistake in self.reading.mistakes))

    def places(self) -> None:
        """Where it listens."""
        settings = self.settings
        if not (settings.listen or settings.tls_listen or settings.unix_listen):
            text = "no place for clients; [proxy] listen, tls_listen or unix_listen must name one"
            self._wrong("listen", text, "tls_listen", "unix_listen")
        places = {name: where for name in _FACES if (where := getattr(settings, name)) is not None}
        for (one, where), (other, there) in itertools.combinations(places.items(), 2):
            if _overlap(where, there):
                told = f"{_FACES[one]} and {_FACES[other]} cannot share {where}"
                self._wrong(*((other, told, one) if other in self.reading.given else (one, told, other)))
        for name, address in places.items():
            if endpoint(address) in map(endpoint, settings.nodes):
                setting = SETTINGS[name]
                self._wrong("nodes", f"{address} is the proxy's own [{setting.table}] {setting.key}", name)

    def nodes(self) -> None:
        """Who they are, and as whom they are asked."""
        settings = self.settings
        if not settings.nodes:
            text = "no nodes; name the primary and its replicas: --node HOST:PORT --node HOST:PORT"
            self._wrong("nodes", text)
        for node in settings.announce:
            if node not in settings.nodes:
                self._wrong("announce", f"{node} is not among the nodes", "nodes")
        if settings.user and not settings.password:
            text = "a user needs a password: password_file, or BATON_NODES_PASSWORD"
            self._wrong("user", text, "password", "password_file")

    def logins(self) -> None:
        """Who may come to the console and to HTTP."""
        settings = self.settings
        known = settings.admin_password or settings.admin_tls_ca_file
        if not (known or is_loopback(settings.admin)):
            text = (
                f"{settings.admin} is not loopback: who may come from elsewhere needs a password;"
                " set admin.password_file or BATON_ADMIN_PASSWORD, or listen on 127.0.0.1"
            )
            self._wrong("admin", text, "admin_password", "admin_password_file", "admin_tls_ca_file")
        viewer, operator = settings.admin_viewer_password, settings.admin_password
        if viewer and not operator:
            text = "without a password for operators, whoever comes is one; set admin.password_file"
            self._wrong("admin_viewer_password", text, "admin_password", "admin_password_file")
        elif viewer and viewer == operator:
            self._wrong("admin_viewer_password", "is the operator's password", "admin_password")
        if settings.http_viewer_token and settings.http_viewer_token == settings.http_token:
            self._wrong("http_viewer_token", "is the operator's token", "http_token")

    def tls(self) -> None:
        """Certificates, and where they are of use."""
        settings = self.settings
        for leg, listens in _LEGS.items():
            certificate = f"{leg}tls_certificate_file"
            for name in (f"{leg}tls_key_file", f"{leg}tls_ca_file"):
                self._useless_without(name, certificate)
            if leg:
                self._useless_without(certificate, listens)
        if settings.tls_listen and settings.tls_certificate_file is None:
            self._wrong("tls_listen", "TLS wants a certificate: tls_certificate_file", "tls_certificate_file")
        self._useless_without("tls_certificate_file", "tls_listen")
        if settings.tls_client_certificates != "required":
            self._useless_without("tls_client_certificates", "tls_ca_file")
        for name in ("ca_file", "server_name", "certificate_file", "key_file"):
            self._useless_without(f"nodes_tls_{name}", "nodes_tls")
        self._useless_without("nodes_tls_key_file", "nodes_tls_certificate_file")

    def times(self) -> None:
        """The fence outlasts the hold."""
        fence, budget = self.settings.fence_ms, self.settings.budget_ms
        if fence <= budget:
            text = f"the fence, {fence} ms, must be longer than the budget, {budget} ms"
            two = ("fence_ms", "budget_ms")
            one, other = two if "fence_ms" in self.reading.given else two[::-1]
            self._wrong(one, text, other)

    def _useless_without(self, name: str, needed: str) -> None:
        if getattr(self.settings, name) and not getattr(self.settings, needed):
            setting = SETTINGS[needed]
            self._wrong(name, f"is of no use without {setting.table}.{setting.key}", needed)

    def _place(self, name: str) -> str:
        setting: Setting = SETTINGS[name]
        if name in self.reading.given:
            return self.reading.given[name].place
        if self.reading.file and setting.key:
            return f"{self.reading.file}: {setting.in_file}"
        return str(setting.flag or setting.env)

    def _wrong(self, name: str, text: str, *others: str) -> None:
        if self._unknown.isdisjoint({name, *others}):
            mistake = Mistake(self._place(name), text, frozenset({name}), together=True)
            self.reading.mistakes.append(mistake)


def _overlap(one: Address, other: Address) -> bool:
    """Whether both cannot be listened on; port 0 is a free one each time."""
    everywhere = {"0.0.0.0", "::"}
    hosts = {endpoint(one)[0], endpoint(other)[0]}
    return one.port == other.port != 0 and (len(hosts) == 1 or bool(hosts & everywhere))
