"""The command line as a person or a script has it: words in, a status and what was written out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from proxy.cli import main
from proxy.settings import SETTINGS
from tests.baton import BatonProcess
from tests.binaries import ROOT
from tests.servers import Pair
from tests.terminal.pretend import PretendConsole
from tests.valve import ValvedPair

LIMIT_S = 30.0


@attrs.frozen
class Said:
    """How a verb ended, and what it wrote."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """All of stdout, as one JSON value."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def mistake(self) -> str:
        """The one line on stderr."""
        [line] = self.err.splitlines()
        assert line.startswith("baton: ")
        return line.removeprefix("baton: ")


Ask = Callable[..., Said]


@pytest.fixture
def redis_binary(redis_binaries: dict[str, Path]) -> Path:
    """One version will do: what the nodes are is the proxy's affair."""
    return redis_binaries[max(redis_binaries)]


@pytest.fixture
def lanes() -> str:
    return "shared"


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for setting in SETTINGS.values():
        monkeypatch.delenv(setting.env, raising=False)
    monkeypatch.delenv("BATON_CONFIG", raising=False)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Ask:
    """Run `baton` with these words, in this process."""

    def run_here(*words: str | int) -> Said:
        capsys.readouterr()
        status = main([str(word) for word in words])
        out, err = capsys.readouterr()
        return Said(status, out, err)

    return run_here


@pytest.fixture
def proxy(pair: Pair, baton: Callable[..., BatonProcess]) -> BatonProcess:
    """A real one before a pair."""
    return baton(*pair)


@pytest.fixture
def ask(run: Ask, proxy: BatonProcess, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Run `baton` with these words, where BATON_ADMIN tells the real proxy's console."""
    monkeypatch.setenv("BATON_ADMIN", f"127.0.0.1:{proxy.admin_port}")
    return run


@pytest.fixture
def valved(pair: Pair) -> Iterator[ValvedPair]:
    """The pair, behind a valve by which a hold lasts for as long as a test wants."""
    valved = ValvedPair.of(pair)
    yield valved
    valved.valve.close()


@pytest.fixture
def console(monkeypatch: pytest.MonkeyPatch) -> Iterator[PretendConsole]:
    """A console that answers what a test wants; BATON_ADMIN tells it."""
    with PretendConsole() as pretend:
        monkeypatch.setenv("BATON_ADMIN", f"127.0.0.1:{pretend.port}")
        yield pretend


def begin(*words: str, admin: int, **options: Any) -> subprocess.Popen[str]:
    """`baton` as a process of its own, for who wants to send it a signal."""
    not_theirs = ("BATON_", "PYTHONUNBUFFERED")  # a person's output is written when it is whole
    environment = {name: value for name, value in os.environ.items() if not name.startswith(not_theirs)}
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(
        [sys.executable, "-m", "proxy.cli", *words],
        cwd=ROOT,
        env=environment | {"BATON_ADMIN": f"127.0.0.1:{admin}"},
        text=True,
        **(streams | options),
    )
