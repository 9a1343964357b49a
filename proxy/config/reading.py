"""One layer after the other: the file, the environment, the flags."""

import difflib
import itertools
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

from proxy.config.secrets import read_secret, read_text
from proxy.config.together import check_together
from proxy.config.values import Given, Mistake, Reading, SettingsError
from proxy.kinds import PATH
from proxy.settings import PASSWORDS, SETTINGS, Settings

CONFIG_ENV = "BATON_CONFIG"
"""The file of settings, where ``--config`` does not name one."""

_KUBERNETES = re.compile(
    r"BATON_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT|PORT_\d+_[A-Z]+(_(PROTO|PORT|ADDR))?)"
)
"""What Kubernetes puts into every pod beside a Service called ``baton`` or ``baton-…``."""

_OURS = frozenset(
    {"BATON_PURE", *(f"BATON_CONSOLE_TLS_{name}_FILE" for name in ("CA", "CERTIFICATE", "KEY"))}
)
"""Variables that are no settings: with BATON_PURE nothing is compiled when Baton is installed, and the others
are for who asks a console."""

_SECRETS = tuple(PASSWORDS.items())
"""Two ways to say one thing: the higher layer's way replaces the lower one's."""

_Layer = dict[str, Given]
Flags = Mapping[str, str | list[str]]


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
        if file_name in given and (secret := read_secret(name, given[file_name], wrong)):
            given[name] = secret
    reading = Reading(file, given, wrong)
    check_together(reading)
    return reading


def _from_file(path: Path, named_by: str, wrong: list[Mistake]) -> _Layer:
    everything = frozenset(SETTINGS)
    try:
        tables = tomllib.loads(read_text(path))
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
    for name, each in layer.items():
        if SETTINGS[name].kind is PATH:
            layer[name] = Given(each.place, path.parent / each.value)
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
    elif key.endswith(("password", "token")) and instead:
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
