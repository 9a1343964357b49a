"""What the documents say of the code stays true: names, settings, links, commands, the ACL line itself.

What is made from the code, the examples and the site are looked after in tests/docs.
"""

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from proxy.admin.console.commands import COURTESIES
from proxy.admin.http.table import CALLS
from proxy.admin.metrics.families import FAMILIES
from proxy.config import load
from proxy.settings import SETTINGS
from proxy.switchover.preflight import CHECKS
from proxy.switchover.report import STEPS, UNKNOWN, Report
from proxy.telling import EVENTS
from proxy.terminal import exits
from proxy.terminal.verbs import VERBS
from scripts.baton_docs.hooks import PAGES as MADE
from tests.baton import BatonProcess
from tests.binaries import ROOT
from tests.docs.pages import DOCS, PAGES, README, acl_lines, anchors, blocks, name_of
from tests.servers import Pair, RedisServer

CODE = re.compile(r"`[^`]*`|^ *```.*?^ *```$", re.DOTALL | re.MULTILINE)
# Found by preflight's caller rather than by a check of its own.
OTHER_CHECKS = {"primary", "answers", "candidate", "descriptors", "probes", "identity", "resolve"}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)\s]+)\)", CODE.sub("", page.read_text()))
    broken = []
    for target in targets:
        path, _, anchor = target.partition("#")
        if "://" in target:
            continue
        file = (page.parent / path) if path else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(target)
    assert broken == []


def test_every_script_that_is_named_can_be_run() -> None:
    named = {name for page in PAGES for name in re.findall(r"\./(scripts/[\w-]+)", page.read_text())}
    assert named
    assert [name for name in named if not (ROOT / name).stat().st_mode & 0o100] == []


def test_every_verb_that_is_named_exists() -> None:
    for page in PAGES:
        spans = [span for span in CODE.findall(page.read_text()) if "-->" not in span]
        named = {verb for span in spans for verb in re.findall(r"(?:^|[`\n/] *)baton ([a-z][\w-]*)", span)}
        assert named <= set(VERBS), page


def test_every_page_is_in_the_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text().split("\nnav:\n")[1].split("\n\n")[0]
    told = re.findall(r"[:-] ([\w-]+\.md)$", navigation, re.MULTILINE)
    assert sorted(told) == sorted([*(page.name for page in DOCS.glob("*.md")), *MADE.values()])


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_what_belongs_to_a_list_is_indented_so_that_the_site_has_it_there_too(page: Path) -> None:
    assert re.findall(r"\n\n {1,3}\S.*", page.read_text()) == [], "by four"


def test_the_readme_is_short() -> None:
    assert len(README.read_text().splitlines()) <= 150


def test_the_life_of_a_switchover_tells_the_steps_in_order() -> None:
    headings = re.findall(r"^## \d\. (\w+)$", (DOCS / "life-of-a-switchover.md").read_text(), re.MULTILINE)
    assert tuple(headings) == STEPS


def test_the_page_of_the_console_has_every_field_of_the_report() -> None:
    text = (DOCS / "console.md").read_text()
    for name in Report(lambda: 0.0).flat():
        field = "steps_ms.…" if name.startswith("steps_ms.") else name
        assert f"`{field}`" in text


def test_the_page_of_the_console_says_what_is_answered_before_the_password() -> None:
    [told] = re.findall(r"Before that all but (.*?) is answered", (DOCS / "console.md").read_text())
    assert set(re.findall("[A-Z]+", told)) == {name for name, each in COURTESIES.items() if each.before_login}


def rows_below(page: Path, heading: str) -> list[str]:
    """Return the first cells of the table below a heading."""
    part = page.read_text().split(f"\n{heading}\n")[1].split("\n#")[0]
    return re.findall(r"^\| `([^`]+)` \|", part, re.MULTILINE)


def test_the_page_for_the_night_has_every_check_and_no_other() -> None:
    told = rows_below(DOCS / "troubleshooting.md", "### The checks")
    assert set(told) == {name for name, _ in CHECKS} | OTHER_CHECKS
    code = "".join(path.read_text() for path in (ROOT / "proxy").rglob("*.py"))
    assert [name for name in OTHER_CHECKS if f'"{name}' not in code] == []


def test_the_page_for_the_night_has_every_other_refusal() -> None:
    page = DOCS / "troubleshooting.md"
    told = {*rows_below(page, "### The checks"), *rows_below(page, "### Other refusals")}
    code = "".join(path.read_text() for path in (ROOT / "proxy/operation").rglob("*.py"))
    raised = set(re.findall(r'Refused\(\s*f?"([a-z-]+): ', code))
    assert raised and raised - told == set()


def test_the_page_for_the_night_has_every_step_that_can_be_called_off() -> None:
    told = rows_below(DOCS / "troubleshooting.md", "### By step")
    assert set(STEPS[1 : STEPS.index("promote") + 1]) <= set(told)
    assert f"`{UNKNOWN}`" in (DOCS / "troubleshooting.md").read_text()


def test_the_exit_statuses_are_those_of_the_command_line() -> None:
    text = (DOCS / "command-line.md").read_text()
    told = dict(re.findall(r"^\| (\d+) \| (\w+)", text, re.MULTILINE))
    assert told[str(exits.DONE)] == "done"
    assert told[str(exits.REFUSED)] == "refused"
    assert told[str(exits.CALLED_OFF)] == "called"
    assert told[str(exits.BUSY)] == "busy"
    assert told[str(exits.INTERRUPTED)] == "interrupted"


def test_every_setting_that_a_page_names_exists() -> None:
    places = {f"{setting.table}.{setting.key}" for setting in SETTINGS.values()}
    tables = {place.partition(".")[0] for place in places}
    named = {
        name for page in PAGES for name in re.findall(r"`([a-z]+\.[a-z_]+)(?: = [^`]*)?`", page.read_text())
    }
    wrong = {name for name in named - places if name.partition(".")[0] in tables}
    assert {name for name in wrong if not name.endswith(".md")} == set()


def test_every_variable_that_a_page_names_exists() -> None:
    others = {"BATON_CONFIG", "BATON_PURE", "BATON_SOAK_SECONDS"}
    known = {setting.env for setting in SETTINGS.values()} | others
    named = {name for page in PAGES for name in re.findall(r"\bBATON_[A-Z_]+[A-Z]\b", page.read_text())}
    assert named - known == set()


def spans(page: Path) -> list[str]:
    """Return what stands between single backticks on one line."""
    return re.findall(r"`([^`\n]+)`", page.read_text())


def test_every_event_that_a_page_names_exists() -> None:
    named = {
        span for page in PAGES for span in spans(page) if re.fullmatch(r"[+-][a-z]+(-[a-z]+)+|\+[a-z]+", span)
    }
    rule_of_acl, event_of_sentinel = "+waitaof", "+convert-to-slave"
    assert named - set(EVENTS) <= {rule_of_acl, event_of_sentinel}
    assert len(named) > 20


def test_every_metric_that_a_page_names_exists() -> None:
    families = {family.name for family in FAMILIES}
    named = {span for page in PAGES for span in spans(page) if re.fullmatch(r"baton_[a-z_]+", span)}
    packages = {path.name for path in (ROOT / "scripts").iterdir()}
    assert named - families - packages == set()


def test_every_path_over_http_that_a_page_names_exists() -> None:
    known = {call.path for call in CALLS} | {"/v1/openapi.json", "/"}
    text = "".join(page.read_text() for page in PAGES)
    named = set(re.findall(r"(?<![\w.])(/v1/[a-z.]+|/livez|/readyz|/metrics)\b", text))
    assert named <= known
    assert "/v1/openapi.json" in named


def test_the_settings_in_the_readme_are_accepted(tmp_path: Path) -> None:
    [text] = blocks(README, "toml")
    secret = tmp_path / "password"
    secret.write_text("secret\n")
    file = tmp_path / "baton.toml"
    file.write_text(text.replace("baton.password", secret.name))
    settings = load({"config": str(file)}, {})
    assert (settings.user, settings.password) == ("baton", "secret")
    assert [str(node) for node in settings.nodes] == ["redis-a:6379", "redis-b:6379"]


def acl_line(server: RedisServer) -> list[str]:
    """Return the words of the README's ACL SETUSER line for this server's version."""
    lines = acl_lines()
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
