"""`baton config` and `baton completion`."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from proxy.terminal.verbs import VERBS
from tests.binaries import ROOT
from tests.terminal.conftest import LIMIT_S, Ask

BAD = '[proxy]\nlisten = "a"\n[nodes]\nadresses = ["b:1"]\n[switchover]\nbudget_ms = 0\n'


def test_config_check_tells_every_mistake_at_once_with_its_place(run: Ask, tmp_path: Path) -> None:
    file = tmp_path / "baton.toml"
    file.write_text(BAD)
    said = run("config", "check", str(file))
    assert (said.status, said.out) == (2, "")
    assert said.err.splitlines() == [
        f"baton: {file}: [proxy] listen: 'a' is not HOST:PORT",
        f"baton: {file}: [nodes] adresses: unknown key; did you mean addresses?",
        f"baton: {file}: [switchover] budget_ms: must be from 1 to 600000, not 0",
    ]
    told = run("config", "check", str(file), "--json")
    assert (told.status, told.err, told.json["ok"]) == (2, "", False)
    assert told.json["mistakes"][0] == {"place": f"{file}: [proxy] listen", "text": "'a' is not HOST:PORT"}


def test_config_check_of_a_good_file_ends_with_0(run: Ask) -> None:
    said = run("config", "check", str(ROOT / "configs" / "baton.toml"))
    assert (said.status, said.err) == (0, "")
    assert said.out.endswith(": all is well\n")


def test_config_show_tells_each_setting_with_its_place_and_no_secret(
    run: Ask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "baton.toml"
    file.write_text('[nodes]\naddresses = ["a:1", "b:2"]\n[nodes.announce]\n"a:1" = "c:3"\n')
    monkeypatch.setenv("BATON_ADMIN_PASSWORD", "medlar")
    monkeypatch.setenv("BATON_LOG_LEVEL", "debug")
    said = run("config", "show", "--config", str(file), "--budget-ms", 7)
    assert said.status == 0
    told = {line.split()[0]: line.split(None, 1)[1] for line in said.lines[1:]}
    assert (
        told["nodes.addresses"].endswith(f"a:1 b:2            {file}: [nodes] addresses")
        or file.name in told["nodes.addresses"]
    )
    assert told["switchover.budget_ms"].split() == ["7", "--budget-ms"]
    assert told["log.level"].split() == ["debug", "BATON_LOG_LEVEL"]
    assert told["BATON_ADMIN_PASSWORD"].split("  ")[0] == "(kept secret)"
    assert told["proxy.listen"].split() == ["127.0.0.1:7000", "default"]
    shown = run("config", "show", "--config", str(file), "--json")
    assert shown.json["nodes.announce"] == {"value": "a:1=c:3", "from": f"{file}: [nodes] announce"}
    assert "medlar" not in said.out + shown.out


def test_config_show_with_mistakes_tells_all_of_them(run: Ask) -> None:
    said = run("config", "show", "--listen", "a", "--node", "b")
    assert (said.status, said.out, said.err.count("\n")) == (2, "", 2)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_for_each_shell(shell: str, run: Ask) -> None:
    said = run("completion", shell)
    assert (said.status, said.err) == (0, "")
    assert f"_BATON_COMPLETE={shell}_complete" in said.out
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=said.out, text=True, check=True, timeout=LIMIT_S)


def completed(words: str) -> list[str]:
    """What bash would be told to offer behind these words; the last one is not finished."""
    asked = {
        "_BATON_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
    }
    command = [sys.executable, "-c", "import sys; from proxy.cli import main; sys.exit(main())"]
    ended = subprocess.run(command, cwd=ROOT, env=asked, capture_output=True, text=True, timeout=LIMIT_S)
    assert ended.stderr == ""
    return [line.partition(",")[2] for line in ended.stdout.splitlines()]


def test_a_shell_completes_verbs_options_and_values() -> None:
    assert completed("baton ") == list(VERBS)
    assert completed("baton sw") == ["switchover"]
    assert completed("baton switchover --dr") == ["--dry-run"]
    assert completed("baton clients --lane p") == ["private"]
    assert "--budget-ms" in completed("baton serve --")
