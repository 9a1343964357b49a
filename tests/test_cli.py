"""The command line: what it accepts, and that what it does not is one line and status 2."""

import logging
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
import trio

from proxy.cli import main
from proxy.config import Settings
from proxy.settings import SETTINGS
from proxy.telling import level, set_level
from proxy.terminal.verbs import VERBS

ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for setting in SETTINGS.values():
        monkeypatch.delenv(setting.env, raising=False)
    monkeypatch.delenv("BATON_CONFIG", raising=False)


@pytest.fixture
def log_as_it_was() -> Iterator[None]:
    """What `baton serve` sets up for the process goes with the test."""
    root = logging.getLogger()
    handlers, root_level, written = root.handlers[:], root.level, level()
    yield
    logging.captureWarnings(False)
    root.handlers[:] = handlers
    root.setLevel(root_level)
    set_level(written)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch, log_as_it_was: None) -> list[Settings]:
    """The settings with which the app was started, in place of starting it."""
    started: list[Settings] = []

    async def serve(settings: Settings, load_again: Callable[[], Settings]) -> None:
        await trio.lowlevel.checkpoint()
        started.append(settings)
        assert load_again() == settings

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
    (["sevre"], "baton: sevre: no such command; did you mean serve?"),
    (["zebra"], "baton: zebra: no such command; there are serve, switchover, check, "),
    (["clients", "kil", "1"], "baton: kil: no such command; did you mean kill?"),
    (["--node", "a:1"], "baton: --node: unknown option; baton --help tells them"),
    (["serve"], "baton: --node: no nodes"),
    (["serve", "--lisen", "a:1"], "baton: --lisen: unknown option; did you mean --listen?"),
    (["serve", "--lis", "a:1"], "baton: --lis: unknown option"),
    (["serve", "--zebra"], "baton: --zebra: unknown option; baton serve --help tells them"),
    (["serve", "a:1"], "baton: got unexpected extra argument (a:1)"),
    (["serve", "--listen"], "baton: --listen: wants a value"),
    (["serve", "--listen", "a:x", "--node", "a:1"], "baton: --listen: 'a:x' is not HOST:PORT"),
    (["serve", "--listen", "", "--node", "a:1"], "baton: --listen: '' is not HOST:PORT"),
    (["serve", "--nodes-password", "secret"], "baton: --nodes-password: unknown option"),
    (["serve", "--admin-password", "secret"], "baton: --admin-password: unknown option"),
    (["serve", "--node", "a:1", "--log-level", "loud"], "baton: --log-level: must be debug or info or"),
    (["switchover", "--budget", "0"], "baton: --budget: 0 is not in the range"),
    (["switchover", "--budget", "1s"], "baton: --budget: '1s' is not a valid integer range"),
    (["switchover", "a"], "baton: HOST:PORT: 'a' is not HOST:PORT"),
    (["switchover", "a:0"], "baton: HOST:PORT: a:0: port 0 is no place for a node"),
    (["switchover", "--cancel", "--dry-run"], "baton: --cancel: stands alone"),
    (["switchover", "--if-primary", "b"], "baton: --if-primary: 'b' is not HOST:PORT"),
    (["status", "--admin", "a"], "baton: --admin: 'a' is not HOST:PORT"),
    (["status", "--admin", "a:0"], "baton: --admin: a:0: port 0 is no place to reach"),
    (["status", "--password-file", "/none"], "baton: --password-file: /none: No such file"),
    (["clients", "--lane", "fast"], "baton: --lane: 'fast' is not one of 'shared', 'private', 'none'"),
    (["clients", "kill"], "baton: missing argument 'ID'"),
    (["hold", "0"], "baton: MS: 0 is not in the range"),
    (["history", "0"], "baton: N: 0 is not in the range"),
    (["completion", "csh"], "baton: SHELL: 'csh' is not one of 'bash', 'zsh', 'fish'"),
    (["config", "check"], "baton: missing argument 'FILE'"),
    (["watch"], "baton: watch: wants a terminal; --once prints one picture"),
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
    flags = [setting.flag or "" for setting in SETTINGS.values()]
    secret = [flag for flag in flags if "password" in flag or "token" in flag]
    assert secret == ["--admin-password-file", "--http-token-file", "--nodes-password-file"]


def test_every_mistake_in_the_settings_is_a_line(
    served: list[Settings], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", "--listen", "a", "--node", "b", "--budget-ms", "0"]) == 2
    out, err = capsys.readouterr()
    assert [line.split(": ")[:2] for line in err.splitlines()] == [
        ["baton", "--listen"],
        ["baton", "--node"],
        ["baton", "--budget-ms"],
    ]
    assert (out, served) == ("", [])


def test_help_tells_every_flag_with_its_variable(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--help"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    for setting in SETTINGS.values():
        if setting.flag:
            assert f"{setting.flag} " in told
            assert re.search(rf"\[{setting.env}[];]", told)
    assert main(["--help"]) == 0
    told = capsys.readouterr().out
    for verb in VERBS:
        assert re.search(rf"^  {verb}  ", told, re.MULTILINE)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb, "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"Usage: baton {verb} ")


def test_a_mistake_is_told_before_what_only_other_verbs_need_is_loaded() -> None:
    look = (
        "import sys; from proxy.cli import main; assert main(['serve', '--listen', 'a']) == 2;"
        " print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", look], cwd=ROOT, capture_output=True, text=True, timeout=30, env={}
    )
    loaded = set(ran.stdout.split())
    assert "click" in loaded, ran.stderr
    assert loaded.isdisjoint({"rich", "redis", "starlette", "hypercorn", "prometheus_client"})


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
