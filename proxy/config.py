"""Reading the settings: defaults < the TOML file < environment ``BATON_…`` < flags.

A mistake is a `SettingsError`, whose text is one line that begins with the place. Every layer is checked
whole, also where another one overrides it. What may be set is declared in ``settings.py``.
"""

import difflib
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from proxy.nodes.address import Address
from proxy.settings import SETTINGS, Setting, Settings, endpoint

__all__ = ["Settings", "SettingsError", "load"]


class SettingsError(Exception):
    """A setting that cannot be used; the text names the place first."""


CONFIG_ENV = "BATON_CONFIG"
"""The file of settings, where ``--config`` does not name one."""

_KUBERNETES = re.compile(
    r"BATON_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT|PORT_\d+_[A-Z]+(_(PROTO|PORT|ADDR))?)"
)
"""What Kubernetes puts into every pod beside a Service called ``baton`` or ``baton-…``."""

_SECRETS = ("password", "password_file")
"""Two ways to say one thing: the higher layer's way replaces the lower one's."""


@frozen
class _Given:
    place: str
    value: Any


_Layer = Mapping[str, _Given]
Flags = Mapping[str, str | list[str]]


def load(flags: Flags, environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings in force. `flags` has texts by field name, and perhaps ``config``, the file.

    An empty environment variable counts as not set. Raises SettingsError.
    """
    environment = {name: text for name, text in environ.items() if name.startswith("BATON_") and text}
    file = flags.get("config") or environment.pop(CONFIG_ENV, None)
    from_file = _from_file(Path(str(file)), "--config" if "config" in flags else CONFIG_ENV) if file else {}
    given: dict[str, _Given] = {}
    for layer in (from_file, _from_environment(environment), _from_flags(flags)):
        if not layer.keys().isdisjoint(_SECRETS):
            given = {name: each for name, each in given.items() if name not in _SECRETS}
        given.update(layer)
    if "password_file" in given:
        given["password"] = _secret(given["password_file"])
    settings = Settings(**{name: each.value for name, each in given.items()})
    _check_together(settings, given, str(file) if file else None)
    return settings


def _from_file(path: Path, named_by: str) -> _Layer:
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SettingsError(f"{named_by}: {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: {error}") from None
    known = {(setting.table, setting.key): name for name, setting in SETTINGS.items() if setting.key}
    layer = {}
    for table, keys in tables.items():
        _check_table(path, table, keys, {table for table, _ in known})
        for key, raw in keys.items():
            place = f"{path}: [{table}] {key}"
            if (table, key) == ("nodes", "password"):
                raise SettingsError(
                    f"{place}: no place for a password; use password_file or BATON_NODES_PASSWORD"
                )
            name = known.get((table, key))
            if name is None:
                raise SettingsError(f"{place}: unknown key{_meant(key, [k for t, k in known if t == table])}")
            layer[name] = _checked(place, SETTINGS[name], raw)
    if "password_file" in layer:
        secret = layer["password_file"]
        layer["password_file"] = _Given(secret.place, path.parent / secret.value)
    return layer


def _check_table(path: Path, table: str, keys: object, known: set[str]) -> None:
    if not isinstance(keys, dict):
        raise SettingsError(f"{path}: {table}: must be a table or stand in one, as in [proxy]")
    if table not in known:
        raise SettingsError(f"{path}: [{table}]: unknown table{_meant(table, known, '[{}]')}")


def _from_environment(environment: Mapping[str, str]) -> _Layer:
    known = {setting.env: name for name, setting in SETTINGS.items()}
    layer = {}
    for variable, text in environment.items():
        if name := known.get(variable):
            layer[name] = _from_text(variable, SETTINGS[name], text)
        elif not _KUBERNETES.fullmatch(variable):
            raise SettingsError(f"{variable}: unknown variable{_meant(variable, [*known, CONFIG_ENV])}")
    if layer.keys() >= set(_SECRETS):
        places = [SETTINGS[name].env for name in _SECRETS]
        raise SettingsError(f"{places[0]}: {places[1]} is set too; one of them must go")
    return layer


def _from_flags(flags: Flags) -> _Layer:
    layer = {}
    for name, setting in SETTINGS.items():
        match flags.get(name):
            case str(text):
                layer[name] = _from_text(str(setting.flag), setting, text)
            case list(texts):
                layer[name] = _checked(str(setting.flag), setting, texts)
    return layer


def _from_text(place: str, setting: Setting, text: str) -> _Given:
    try:
        raw = setting.kind.from_text(text)
    except ValueError as error:
        raise SettingsError(f"{place}: {error}") from None
    return _checked(place, setting, raw)


def _checked(place: str, setting: Setting, raw: object) -> _Given:
    try:
        return _Given(place, setting.kind.check(raw))
    except ValueError as error:
        raise SettingsError(f"{place}: {error}") from None


def _meant(word: str, known: Iterable[str], form: str = "{}") -> str:
    close = difflib.get_close_matches(word, sorted(known), 1)
    return f"; did you mean {form.format(close[0])}?" if close else ""


def _secret(file: _Given) -> _Given:
    try:
        text = file.value.read_text("utf-8")
    except OSError as error:
        raise SettingsError(f"{file.place}: {file.value}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{file.place}: {file.value}: is not UTF-8 text") from None
    password = text.removesuffix("\n").removesuffix("\r")
    if not password:
        raise SettingsError(f"{file.place}: {file.value}: is empty")
    return _Given(file.place, password)


def _check_together(settings: Settings, given: _Layer, file: str | None) -> None:
    def fail(name: str, text: str) -> None:
        setting = SETTINGS[name]
        place = given[name].place if name in given else f"{file}: {setting.in_file}" if file else setting.flag
        raise SettingsError(f"{place}: {text}")

    if not settings.nodes:
        fail("nodes", "no nodes; name the primary and its replicas: --node HOST:PORT --node HOST:PORT")
    if _overlap(settings.listen, settings.admin):
        fail("admin" if "admin" in given else "listen", f"clients and console cannot share {settings.listen}")
    for name, address in (("listen", settings.listen), ("admin", settings.admin)):
        if endpoint(address) in map(endpoint, settings.nodes):
            fail("nodes", f"{address} is the proxy's own [{SETTINGS[name].table}] listen")
    for node in settings.announce:
        if node not in settings.nodes:
            fail("announce", f"{node} is not among the nodes")
    if settings.fence_ms <= settings.budget_ms:
        name = "fence_ms" if "fence_ms" in given else "budget_ms"
        fail(
            name,
            f"the fence, {settings.fence_ms} ms, must be longer than the budget, {settings.budget_ms} ms",
        )
    if settings.user and not settings.password:
        fail("user", "a user needs a password: password_file, or BATON_NODES_PASSWORD")


def _overlap(one: Address, other: Address) -> bool:
    """Whether both cannot be listened on; port 0 is a free one each time."""
    everywhere = {"0.0.0.0", "::"}
    hosts = {endpoint(one)[0], endpoint(other)[0]}
    return one.port == other.port != 0 and (len(hosts) == 1 or bool(hosts & everywhere))
