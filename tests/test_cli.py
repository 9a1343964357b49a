"""The command line: what it accepts, and that what it does not is one line and status 2."""

import logging
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import trio

from proxy.cli import main, set_up_log
from proxy.config import Settings
from proxy.settings import SETTINGS

ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for setting in SETTINGS.values():
        monkeypatch.delenv(setting.env, raising=False)
    monkeypatch.delenv("BATON_CONFIG", raising=False)


@pytest.fixture
def root_log() -> Iterator[logging.Logger]:
    """The root logger, put back as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield root
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch, root_log: logging.Logger) -> list[Settings]:
    """The settings with which the app was started, in place of starting it."""
    started: list[Settings] = []

    async def serve(settings: Settings) -> None:
        await trio.lowlevel.checkpoint()
        started.append(settings)

    app = ModuleType("proxy.app")
    app.serve = serve  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "proxy.app", app)
    return started


def test_serve_starts_the_app_with_flags_over_environment_over_file(
    served: list[Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "b.toml").write_text('[admin]\nlisten = "127.0.0.1:1"\n[proxy]\nlisten = "127.0.0.1:2"\n')
    monkeypatch.setenv("BATON_ADMIN", "127.0.0.1:3")
    flags = ["--config", str(tmp_path / "b.toml"), "--node=a:1", "--node", "b:2", "--budget-ms", "50"]
    assert main(["serve", *flags]) == 0
    [settings] = served
    assert [str(node) for node in settings.nodes] == ["a:1", "b:2"]
    assert (str(settings.listen), str(settings.admin)) == ("127.0.0.1:2", "127.0.0.1:3")
    assert settings.budget_ms == 50


MISTAKES = [
    ([], "baton: no command; baton --help tells them"),
    (["sevre"], "baton: COMMAND: invalid choice: 'sevre'"),
    (["--node", "a:1"], "baton: COMMAND: invalid choice: 'a:1'"),
    (["--nodes"], "baton: --nodes: unknown argument; did you mean --node?"),
    (["serve"], "baton: --node: no nodes"),
    (["serve", "--lisen", "a:1"], "baton: --lisen: unknown argument; did you mean --listen?"),
    (["serve", "--lis", "a:1"], "baton: --lis: unknown argument"),
    (["serve", "a:1"], "baton: a:1: unknown argument"),
    (["serve", "--listen"], "baton: --listen: expected one argument"),
    (["serve", "--listen", "a:x", "--node", "a:1"], "baton: --listen: 'a:x' is not HOST:PORT"),
    (["serve", "--listen", "", "--node", "a:1"], "baton: --listen: '' is not HOST:PORT"),
    (["serve", "--nodes-password", "secret"], "baton: --nodes-password: unknown argument"),
    (["serve", "--config", "/nowhere.toml"], "baton: --config: /nowhere.toml: No such file"),
    (["serve", "--budget-ms", "-1", "--node", "a:1"], "baton: --budget-ms: "),
]


@pytest.mark.parametrize(("argv", "expected"), MISTAKES)
def test_a_mistake_is_one_line_on_stderr_and_status_2(
    argv: list[str], expected: str, served: list[Settings], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(argv) == 2
    out, err = capsys.readouterr()
    assert err.startswith(expected)
    assert (out, err.count("\n"), served) == ("", 1, [])


def test_no_flag_takes_a_password() -> None:
    assert [setting.flag for setting in SETTINGS.values() if "assword" in (setting.flag or "")] == [
        "--nodes-password-file"
    ]


def test_help_tells_every_flag_with_its_variable(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--help"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    for setting in SETTINGS.values():
        if setting.flag:
            assert f"{setting.flag} " in told
            assert re.search(rf"\[{setting.env}[];]", told)
    assert main(["--help"]) == 0
    assert "serve" in capsys.readouterr().out


def test_a_log_line_is_the_time_and_the_text(
    root_log: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    set_up_log()
    logging.getLogger("proxy.anything").info("serving on %s", "127.0.0.1:7000")
    assert re.fullmatch(r"\d\d:\d\d:\d\d\.\d{3}  serving on 127\.0\.0\.1:7000\n", capsys.readouterr().err)


def test_it_runs_as_a_module_too() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "proxy.cli", "--version"], cwd=ROOT, capture_output=True, text=True, timeout=30
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith("baton ")
    ran = subprocess.run(
        [sys.executable, "-m", "proxy.cli", "serve"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        env={},
    )
    assert ran.returncode == 2
    assert (
        ran.stderr
        == "baton: --node: no nodes; name the primary and its replicas: --node HOST:PORT --node HOST:PORT\n"
    )
