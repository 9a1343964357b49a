"""What the documents say of the code stays true: names, settings, links, commands, the ACL line itself."""

import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from proxy.admin.commands import COMMANDS
from proxy.config import load
from proxy.settings import SETTINGS, Setting, Settings
from proxy.switchover.errors import Busy, CalledOff, Refused
from proxy.switchover.preflight import CHECKS
from proxy.switchover.report import STEPS, UNKNOWN, Report
from tests.baton import BatonProcess
from tests.binaries import ROOT
from tests.servers import Pair, RedisServer

DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(DOCS.glob("*.md"))]
README = PAGES[0]


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks(page: Path, language: str) -> Iterator[str]:
    """Yield the fenced blocks of one language, wherever they are indented to."""
    fence = re.compile(rf"^( *)```{language}\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)
    for indent, body in fence.findall(page.read_text()):
        yield re.sub(rf"^{indent}", "", body, flags=re.MULTILINE)


def shell_commands(page: Path) -> Iterator[list[str]]:
    """Yield the words of every command in the page's sh blocks, comments left out."""
    for block in blocks(page, "sh"):
        for line in block.replace("\\\n", " ").splitlines():
            if words := shlex.split(line, comments=True):
                yield words


def anchors(page: Path) -> set[str]:
    """Return the fragments under which GitHub offers the page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)\s]+)\)", page.read_text())
    broken = []
    for target in targets:
        path, _, anchor = target.partition("#")
        if "://" in target:
            continue
        file = (page.parent / path) if path else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_shell_command_exists(page: Path) -> None:
    for words in shell_commands(page):
        if words[0].startswith("./scripts/"):
            assert (ROOT / words[0]).stat().st_mode & 0o100, f"{words[0]} can be run"
        elif words[0] == ".venv/bin/baton":
            flags = {setting.flag for setting in SETTINGS.values()} | {"--config"}
            assert words[1] == "serve"
            assert {word for word in words if word.startswith("--")} <= flags
        else:
            assert words[0] == "redis-cli", f"what is {words[0]}?"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_console_command_exists(page: Path) -> None:
    for words in shell_commands(page):
        if words[0] == "redis-cli" and "7379" in words:
            verb = words[words.index("7379") + 1]
            assert verb in COMMANDS or verb == "help", words


def test_the_life_of_a_switchover_tells_the_steps_in_order() -> None:
    headings = re.findall(r"^## \d\. (\w+)$", (DOCS / "life-of-a-switchover.md").read_text(), re.MULTILINE)
    assert tuple(headings) == STEPS


def test_the_picture_of_a_switchover_names_the_steps_in_order() -> None:
    [picture] = blocks(DOCS / "life-of-a-switchover.md", "mermaid")
    notes = re.findall(r"^ *Note .*?: (\w+)", picture, re.MULTILINE)
    assert tuple(notes) == STEPS


def row(name: str, setting: Setting) -> str:
    """Return the line of docs/settings.md that tells of one setting."""
    default = getattr(Settings(), name)
    shown = "" if default in (None, (), {}) else f"`{str(default).lower()}`"
    in_file = f"`{setting.in_file}`" if setting.key else "not in a file"
    places = ", ".join(f"`{place}`" for place in (setting.env, setting.flag) if place)
    return f"| {in_file} | {places} | {shown} | {setting.doc} |"


def test_the_page_of_settings_has_every_setting_as_the_code_has_it() -> None:
    page = (DOCS / "settings.md").read_text()
    told = [line for line in page.splitlines() if line.startswith("|") and "BATON_" in line]
    assert told == [row(name, setting) for name, setting in SETTINGS.items()]


def test_the_readme_has_every_field_of_the_report() -> None:
    text = README.read_text()
    for name in Report(lambda: 0.0).flat():
        field = "steps_ms.…" if name.startswith("steps_ms.") else name
        assert f"`{field}`" in text


def test_the_operators_page_has_every_command_every_check_and_every_kind_of_error() -> None:
    text = (DOCS / "operating.md").read_text()
    forms = [form for command in COMMANDS.values() for form, _ in command.forms]
    checks = [name for name, _ in CHECKS]
    kinds = [kind.kind for kind in (Refused, CalledOff, Busy)]
    absent = [word for word in (*forms, *checks) if f"`{word}`" not in text]
    absent += [kind for kind in kinds if f"`{kind}" not in text]
    absent += [UNKNOWN] if f"`{UNKNOWN}`" not in text else []
    assert absent == []


def test_the_settings_in_the_readme_are_accepted(tmp_path: Path) -> None:
    [text] = blocks(README, "toml")
    secret = tmp_path / "password"
    secret.write_text("secret\n")
    file = tmp_path / "baton.toml"
    file.write_text(text.replace("/etc/baton/password", str(secret)))
    settings = load({"config": str(file)}, {})
    assert (settings.user, settings.password) == ("baton", "secret")
    assert [str(node) for node in settings.nodes] == ["redis-a:6379", "redis-b:6379"]


def acl_line(server: RedisServer) -> list[str]:
    """Return the words of the README's ACL SETUSER line for this server's version."""
    lines = re.findall(r"^ *(ACL SETUSER .*)$", README.read_text(), re.MULTILINE)
    assert len(lines) == 2, "one from 7.0 on, one for 6.2"
    return shlex.split(lines[server.version == "6.2"])


def test_the_acl_line_in_the_readme_suffices_for_a_switchover_there_and_back(
    pair: Pair, baton: Callable[..., BatonProcess], tmp_path: Path
) -> None:
    for server in pair:
        assert server.command(*acl_line(server)) == "OK"
    secret = tmp_path / "password"
    secret.write_text("PASSWORD\n")
    proxy = baton(*pair, "--nodes-user", "baton", "--nodes-password-file", str(secret))
    client = proxy.client()
    assert client.eval("return redis.call('set', 'key', '1')", 0)
    flaws = [line for line in proxy.admin("CHECK") if not line.startswith("ok")]
    # ACL DRYRUN came with 7.0: before it, nobody can tell what a user may do.
    assert [line.split()[1] for line in flaws] == (["commands"] if pair.primary.version == "6.2" else [])
    for _ in range(2):
        report: dict[str, Any] = proxy.switchover()
        assert report["outcome"] == "done"
        assert "kept" not in report["notes"], "the roles were written to the configuration"
        assert client.get("key") == "1"
