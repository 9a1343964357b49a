"""Reading the settings: defaults < the TOML file < environment ``BATON_…`` < flags.

All mistakes are gathered, so that they can be mended at once; each begins with its place. Every layer is
checked whole, also where another one overrides it. What may be set is declared in ``settings.py``.
"""

import difflib
import itertools
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from attrs import field, frozen

from proxy.kinds import endpoint, is_loopback
from proxy.nodes.address import Address
from proxy.settings import SETTINGS, Setting, Settings

__all__ = [
    "Given",
    "Mistake",
    "Reading",
    "Settings",
    "SettingsError",
    "check_together",
    "load",
    "read",
]


@frozen
class Mistake:
    """What is wrong, and where. Which settings are thereby not known, so that nothing follows from them."""

    place: str
    text: str
    names: frozenset[str] = frozenset()
    together: bool = False
    """Each setting is right by itself, but not beside the others."""

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"


class SettingsError(Exception):
    """Settings that cannot be used: each mistake in one line, which names its place first."""

    def __init__(self, *mistakes: Mistake | str) -> None:
        super().__init__(*mistakes)
        self.mistakes = tuple(map(str, mistakes))

    def __str__(self) -> str:
        return "; ".join(self.mistakes)


CONFIG_ENV = "BATON_CONFIG"
"""The file of settings, where ``--config`` does not name one."""

_KUBERNETES = re.compile(
    r"BATON_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT|PORT_\d+_[A-Z]+(_(PROTO|PORT|ADDR))?)"
)
"""What Kubernetes puts into every pod beside a Service called ``baton`` or ``baton-…``."""

_OURS = frozenset({"BATON_PURE"})
"""Variables that are no settings: with BATON_PURE nothing is compiled when Baton is installed."""

_FACES = {"listen": "clients", "admin": "console", "http": "HTTP"}
_SECRETS = (
    ("password", "password_file"),
    ("admin_password", "admin_password_file"),
    ("http_token", "http_token_file"),
)
"""Two ways to say one thing: the higher layer's way replaces the lower one's."""


@frozen
class Given:
    """A value, and who gave it."""

    place: str
    value: Any = field(repr=False)


_Layer = dict[str, Given]
Flags = Mapping[str, str | list[str]]


@frozen
class Reading:
    """What all places together say. What is a mistake is not given."""

    file: str | None
    given: Mapping[str, Given]
    mistakes: list[Mistake] = field(factory=list)

    @property
    def settings(self) -> Settings:
        return Settings(**{name: each.value for name, each in self.given.items()})


def load(flags: Flags, environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings in force. `flags` has texts by field name, and perhaps ``config``, the file.

    An empty environment variable counts as not set. Raises SettingsError with all mistakes.
    """
    reading = read(flags, environ)
    if reading.mistakes:
        raise SettingsError(*reading.mistakes)
    return reading.settings


def read(flags: Flags, environ: Mapping[str, str] = os.environ) -> Reading:
    """The same for who wants to know where each value comes from, and what is right beside the mistakes."""
    environment = {name: text for name, text in environ.items() if name.startswith("BATON_") and text}
    variable = environment.pop(CONFIG_ENV, None)
    file = str(flags.get("config") or variable or "") or None
    wrong: list[Mistake] = []
    from_file = _from_file(Path(file), "--config" if "config" in flags else CONFIG_ENV, wrong) if file else {}
    given: _Layer = {}
    for layer in (from_file, _from_environment(environment, wrong), _from_flags(flags, wrong)):
        for ways in _SECRETS:
            if not layer.keys().isdisjoint(ways):
                given = {name: each for name, each in given.items() if name not in ways}
        given.update(layer)
    for name, file_name in _SECRETS:
        if file_name in given and (secret := _secret(name, given[file_name], wrong)):
            given[name] = secret
    reading = Reading(file, given, wrong)
    check_together(reading)
    return reading


def _from_file(path: Path, named_by: str, wrong: list[Mistake]) -> _Layer:
    everything = frozenset(SETTINGS)
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        wrong.append(Mistake(named_by, f"{path}: {error.strerror}", everything))
        return {}
    except (ValueError, RecursionError) as error:  # no TOML, no UTF-8, a number of 5000 digits, deep nesting
        wrong.append(Mistake(str(path), str(error), everything))
        return {}
    layer: _Layer = {}
    for table, keys in tables.items():
        if _is_table(path, table, keys, wrong):
            for key, raw in keys.items():
                _from_key(f"{path}: [{table}] {key}", table, key, raw, layer, wrong)
    for _, name in _SECRETS:
        if name in layer:
            layer[name] = Given(layer[name].place, path.parent / layer[name].value)
    return layer


def _is_table(path: Path, table: str, keys: object, wrong: list[Mistake]) -> bool:
    known = {setting.table for setting in SETTINGS.values()}
    if not isinstance(keys, dict):
        wrong.append(Mistake(f"{path}: {table}", "must be a table or stand in one, as in [proxy]"))
    elif table not in known:
        close, meant = _meant(table, known, "[{}]")
        names = [name for name, setting in SETTINGS.items() if setting.table == close]
        wrong.append(Mistake(f"{path}: [{table}]", f"unknown table{meant}", frozenset(names)))
    return isinstance(keys, dict) and table in known


def _from_key(place: str, table: str, key: str, raw: object, layer: _Layer, wrong: list[Mistake]) -> None:
    known = {
        setting.key: name for name, setting in SETTINGS.items() if setting.key and setting.table == table
    }
    instead = known.get(f"{key}_file")
    if key in known:
        _take(known[key], place, raw, layer, wrong)
    elif key in ("password", "token") and instead:
        secret = SETTINGS[instead].env.removesuffix("_FILE")
        text = f"no place for a {key}; use {key}_file or {secret}"
        wrong.append(Mistake(place, text, frozenset(itertools.chain(*(w for w in _SECRETS if instead in w)))))
    else:
        close, meant = _meant(key, known)
        names = frozenset({known[close]}) if close else frozenset()
        wrong.append(Mistake(place, f"unknown key{meant}", names))


def _from_environment(environment: Mapping[str, str], wrong: list[Mistake]) -> _Layer:
    known = {setting.env: name for name, setting in SETTINGS.items()}
    layer: _Layer = {}
    for variable, text in environment.items():
        if name := known.get(variable):
            _take_text(name, variable, text, layer, wrong)
        elif variable not in _OURS and not _KUBERNETES.fullmatch(variable):
            close, meant = _meant(variable, [*known, CONFIG_ENV])
            names = frozenset({known[close]}) if close in known else frozenset()
            wrong.append(Mistake(variable, f"unknown variable{meant}", names))
    for ways in _SECRETS:
        if layer.keys() >= set(ways):
            one, other = (SETTINGS[name].env for name in ways)
            wrong.append(Mistake(one, f"{other} is set too; one of them must go", frozenset(ways)))
            del layer[ways[1]]
    return layer


def _from_flags(flags: Flags, wrong: list[Mistake]) -> _Layer:
    layer: _Layer = {}
    for name, setting in SETTINGS.items():
        match flags.get(name):
            case str(text):
                _take_text(name, str(setting.flag), text, layer, wrong)
            case list(texts):
                _take(name, str(setting.flag), texts, layer, wrong)
    return layer


def _take_text(name: str, place: str, text: str, layer: _Layer, wrong: list[Mistake]) -> None:
    try:
        raw = SETTINGS[name].kind.from_text(text)
    except ValueError as error:
        wrong.append(Mistake(place, str(error), frozenset({name})))
    else:
        _take(name, place, raw, layer, wrong)


def _take(name: str, place: str, raw: object, layer: _Layer, wrong: list[Mistake]) -> None:
    try:
        layer[name] = Given(place, SETTINGS[name].kind.check(raw))
    except ValueError as error:
        wrong.append(Mistake(place, str(error), frozenset({name})))


def _meant(word: str, known: Iterable[str], form: str = "{}") -> tuple[str, str]:
    """Which of them was meant, if one comes close, and how to ask that."""
    close = difflib.get_close_matches(word, sorted(known), 1)
    return (close[0], f"; did you mean {form.format(close[0])}?") if close else ("", "")


def _secret(name: str, file: Given, wrong: list[Mistake]) -> Given | None:
    try:
        text = str(file.value.read_text("utf-8")).removesuffix("\n").removesuffix("\r")
        what = "" if text else "is empty"
    except OSError as error:
        what = str(error.strerror)
    except UnicodeDecodeError:
        what = "is not UTF-8 text"
    except ValueError:
        what = "no file has such a name"  # with a NUL in it
    if what:
        wrong.append(Mistake(file.place, f"{file.value}: {what}", frozenset({name})))
        return None
    return Given(file.place, text)


def check_together(reading: Reading) -> None:
    """What fits together. Nothing is said of a setting that is a mistake by itself."""
    settings, given = reading.settings, reading.given
    unknown = frozenset[str]().union(*(mistake.names for mistake in reading.mistakes))

    def place(name: str) -> str:
        setting: Setting = SETTINGS[name]
        if name in given:
            return given[name].place
        return f"{reading.file}: {setting.in_file}" if reading.file else str(setting.flag)

    def wrong(name: str, text: str, *others: str) -> None:
        if unknown.isdisjoint({name, *others}):
            reading.mistakes.append(Mistake(place(name), text, frozenset({name}), together=True))

    if not settings.nodes:
        wrong("nodes", "no nodes; name the primary and its replicas: --node HOST:PORT --node HOST:PORT")
    places = {"listen": settings.listen, "admin": settings.admin}
    if settings.http is not None:
        places["http"] = settings.http
    for (one, where), (other, there) in itertools.combinations(places.items(), 2):
        if _overlap(where, there):
            told = f"{_FACES[one]} and {_FACES[other]} cannot share {where}"
            wrong(*((other, told, one) if other in given else (one, told, other)))
    for name, address in places.items():
        if endpoint(address) in map(endpoint, settings.nodes):
            wrong("nodes", f"{address} is the proxy's own [{SETTINGS[name].table}] listen", name)
    if not (settings.admin_password or is_loopback(settings.admin)):
        text = (
            f"{settings.admin} is not loopback: who may come from elsewhere needs a password;"
            " set admin.password_file or BATON_ADMIN_PASSWORD, or listen on 127.0.0.1"
        )
        wrong("admin", text, "admin_password", "admin_password_file")
    for node in settings.announce:
        if node not in settings.nodes:
            wrong("announce", f"{node} is not among the nodes", "nodes")
    if settings.fence_ms <= settings.budget_ms:
        text = f"the fence, {settings.fence_ms} ms, must be longer than the budget, {settings.budget_ms} ms"
        wrong(*(("fence_ms", text, "budget_ms") if "fence_ms" in given else ("budget_ms", text, "fence_ms")))
    if settings.user and not settings.password:
        text = "a user needs a password: password_file, or BATON_NODES_PASSWORD"
        wrong("user", text, "password", "password_file")


def _overlap(one: Address, other: Address) -> bool:
    """Whether both cannot be listened on; port 0 is a free one each time."""
    everywhere = {"0.0.0.0", "::"}
    hosts = {endpoint(one)[0], endpoint(other)[0]}
    return one.port == other.port != 0 and (len(hosts) == 1 or bool(hosts & everywhere))
