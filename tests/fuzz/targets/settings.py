"""Configuration: whatever stands in the file, the environment and the flags, settings or mistakes come of it.

An input is the file, a line for each variable behind :data:`THEN`, and one for each flag behind another. Each
mistake is one line, and none has a password in it.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

from proxy.config import read
from proxy.config.values import TOLD_MAX
from proxy.settings import SETTINGS
from tests.fuzz.tape import CUT

THEN = b"\x1d"
SECRET = "swordfish-4711"
SECRETS = [setting.env for setting in SETTINGS.values() if setting.env.endswith(("_PASSWORD", "_TOKEN"))]
NAME = "baton.toml"
TABLES = {setting.table for setting in SETTINGS.values()}
_VALUES = (
    "127.0.0.1:7000",
    '"[::1]:1"',
    '["a:1", "b:2"]',
    "true",
    "10",
    "-1",
    '"off"',
    "0.5",
    "{}",
    '"700"',
    "1e400",
)
WORDS = (
    *(THEN, b"\n", b'"', b" = ", b"\\u0000", b"1979-05-27", SECRET.encode()),
    *(f"[{table}]\n".encode() for table in TABLES if table),
    *(f"{setting.key} = ".encode() for setting in SETTINGS.values() if setting.key),
    *(f"{setting.env}=".encode() for setting in SETTINGS.values()),
    *(f"{name}=".encode() for name in SETTINGS),
    *(value.encode() for value in _VALUES),
)


def files(text: bytes) -> Callable[..., str]:
    """In the place of what reads a file: one has the input in it, one a password, and all others are
    missing."""

    def read_text(path: Path, *encoding: Any) -> str:
        if str(path) == NAME:
            return text.decode("utf-8")
        if "\0" in str(path):
            raise ValueError("embedded null byte")
        if path.name == "secret":
            return SECRET + "\n"
        raise FileNotFoundError(2, "No such file or directory", str(path))

    return read_text


def throw(data: bytes) -> None:
    parts = (*data.replace(CUT, b"").split(THEN, 2), b"", b"")
    environ = {name: value for name, value in _pairs(parts[1]) if "\0" not in name + value}
    flags: dict[str, Any] = {name: value for name, value in _pairs(parts[2]) if name != "config"}
    flags["config"] = NAME
    with mock.patch.object(Path, "read_text", files(parts[0])):
        reading = read(flags, environ)
        told = list(map(str, reading.mistakes))
        assert told or reading.settings
    for mistake in told:
        assert len(mistake.splitlines()) == 1 and mistake.isprintable(), mistake
        assert len(mistake) <= 10 * (TOLD_MAX + 1), mistake
    open_places = parts[0] + b"".join(
        f"{name}={value}".encode("utf-8", "replace") for name, value in environ.items() if name not in SECRETS
    )
    if SECRET.encode() not in open_places + parts[2]:
        assert SECRET not in " ".join(told) + repr(reading)


def _pairs(text: bytes) -> list[tuple[str, str]]:
    lines = text.decode("utf-8", "surrogateescape").split("\n")
    return [(name, value) for name, equals, value in (line.partition("=") for line in lines) if equals]
