"""Where a running proxy is found, and how it is logged in to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.baton import BatonProcess
from tests.servers import Pair
from tests.terminal.conftest import Ask

Start = Callable[..., BatonProcess]
PASSWORD = "persimmon pulp"


@pytest.fixture
def guarded(pair: Pair, baton: Start) -> str:
    """Where the console of a proxy is that wants a password."""
    proxy = baton(*pair, environment={"BATON_ADMIN_PASSWORD": PASSWORD})
    return f"127.0.0.1:{proxy.admin_port}"


def test_a_missing_password_is_one_line_that_tells_how_to_give_it(guarded: str, run: Ask) -> None:
    for verb in ("status", "switchover", "watch --once", "check --json"):
        said = run(*verb.split(), "--admin", guarded)
        assert said.status == 1
        told = said.json["why"] if "--json" in verb else said.mistake
        assert told == (
            f"{guarded} wants a password; give it by BATON_ADMIN_PASSWORD, BATON_ADMIN_PASSWORD_FILE or"
            " --password-file FILE"
        )


def test_a_wrong_password_is_one_line_without_it(
    guarded: str, run: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BATON_ADMIN_PASSWORD", "quince rind")
    said = run("status", "--admin", guarded)
    assert said.status == 1
    assert said.mistake.startswith(f"{guarded} does not accept this password; give it by ")
    assert "quince" not in said.err


def test_a_password_comes_by_variable_by_file_and_by_the_file_of_settings(
    guarded: str, run: Ask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text(f"{PASSWORD}\n")
    assert run("nodes", "--admin", guarded, "--password-file", str(secret)).status == 0
    settings = tmp_path / "baton.toml"
    settings.write_text(f'[admin]\nlisten = "{guarded}"\npassword_file = "secret"\n')
    assert run("nodes", "--config", str(settings)).status == 0
    with monkeypatch.context() as environment:
        environment.setenv("BATON_CONFIG", str(settings))
        assert run("switchover", "--dry-run", "--json").json["outcome"] == "dry run"
    with monkeypatch.context() as environment:
        environment.setenv("BATON_ADMIN", guarded)
        environment.setenv("BATON_ADMIN_PASSWORD", PASSWORD)
        assert run("nodes").status == 0
    monkeypatch.setenv("BATON_ADMIN_PASSWORD_FILE", str(secret))
    assert run("nodes", "--admin", guarded).status == 0


def test_a_password_that_nobody_wants_is_no_obstacle(
    run: Ask, proxy: BatonProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BATON_ADMIN_PASSWORD", PASSWORD)
    said = run("status", "--admin", f"127.0.0.1:{proxy.admin_port}")
    assert (said.status, said.err) == (0, "")


def test_where_a_proxy_listens_on_all_addresses_it_is_reached_on_loopback(
    guarded: str, run: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BATON_ADMIN", guarded.replace("127.0.0.1", "0.0.0.0"))
    assert run("status").mistake.startswith(f"{guarded} wants a password")


def test_mistakes_in_other_settings_do_not_matter_here(
    run: Ask, proxy: BatonProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BATON_NODES", "none of this is an address")
    assert run("nodes", "--admin", f"127.0.0.1:{proxy.admin_port}").status == 0
