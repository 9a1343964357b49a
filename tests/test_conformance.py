"""`./scripts/conformance`: a part of redis-py's suite through the proxy, and whether a difference is seen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.baton_conformance.compare import compare
from scripts.baton_conformance.document import Chapter, write
from scripts.baton_conformance.endings import Ending, read_pytest, read_tcl
from scripts.baton_conformance.suites import SUITES
from tests.baton import with_lanes
from tests.binaries import ROOT

PASSED, FAILED = Ending("passed"), Ending("failed", "AssertionError: 1 == 2")
SUBSET = ("tests/test_lock.py", "tests/test_scripting.py", "tests/test_asyncio/test_encoding.py")
REFUSED = "tests/test_commands.py::TestRedisCommands::test_replicaof"
LIMIT_S = 280  # the environment of the suite is made once, which is a download of many packages


@pytest.mark.alone
@pytest.mark.timeout(LIMIT_S + 10)
def test_a_part_of_the_suite_of_redis_py_differs_only_where_baton_refuses_by_design(
    lanes: str, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "scripts.baton_conformance", "--suite", "redis-py RESP2"]
    for test in (*SUBSET, REFUSED):
        command += ["--only", test]
    written = tmp_path / "tables.md"
    (tmp_path / "temporary").mkdir()
    ended = subprocess.run(
        [*command, "--write", str(written)],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(tmp_path / "temporary")} | with_lanes(lanes),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "0 differ, 1 by design, 0 stale" in ended.stdout
    assert f"`{REFUSED}`: REPLICAOF through the proxy is refused" in written.read_text()
    row = next(line for line in written.read_text().splitlines() if line.startswith("| redis-py RESP2"))
    _, _, _, tests, passed, spoke, *_ = row.strip("| ").split(" | ")
    assert int(tests) >= int(passed) >= int(spoke) > 50
    assert list((tmp_path / "temporary").iterdir()) == [], "nothing is left behind"


def test_a_test_that_fails_only_through_the_proxy_differs() -> None:
    told = compare([{"a": PASSED, "b": PASSED}] * 2, [{"a": PASSED, "b": FAILED}])
    assert [(one.test, one.straight, one.through) for one in told.differing] == [
        ("b", (PASSED, PASSED), (FAILED,))
    ]
    assert not told.is_clean


def test_a_test_that_passes_only_through_the_proxy_differs() -> None:
    assert not compare([{"a": FAILED}] * 2, [{"a": PASSED}]).is_clean


def test_a_test_that_fails_otherwise_through_the_proxy_differs() -> None:
    assert not compare([{"a": FAILED}] * 2, [{"a": Ending("failed", "TimeoutError")}]).is_clean


def test_a_test_that_is_skipped_or_missing_on_one_side_differs() -> None:
    assert not compare([{"a": PASSED}] * 2, [{"a": Ending("skipped", "no such command")}]).is_clean
    assert not compare([{"a": PASSED}] * 2, [{}]).is_clean
    assert not compare([{}] * 2, [{"a": PASSED}]).is_clean


def test_ports_and_ids_in_a_message_are_no_difference() -> None:
    straight = Ending("failed", "Error 111 connecting to 127.0.0.1:23456 <Mock id='139731060951568'>")
    through = Ending("failed", "Error 111 connecting to 127.0.0.1:29999 <Mock id='0x7fe1060951f8'>")
    told = compare([{"a": straight}] * 2, [{"a": through}])
    assert told.is_clean
    assert told.failing_alike == {"a": straight}


def test_a_test_that_flaps_by_itself_is_named_and_may_do_the_same_through_the_proxy() -> None:
    told = compare([{"a": PASSED}, {"a": FAILED}], [{"a": FAILED}])
    assert (told.is_clean, told.flapping) == (True, ("a",))


def test_a_difference_by_design_has_its_reason_and_must_still_be_one() -> None:
    told = compare([{"a": PASSED}] * 2, [{"a": FAILED}], {"a": "refused"})
    assert (told.is_clean, told.by_design) == (True, {"a": "refused"})
    told = compare([{"a": PASSED}] * 2, [{"a": PASSED}], {"a": "refused", "gone": "refused"})
    assert (told.is_clean, told.stale) == (False, ("a", "gone"))


def test_a_run_of_pytest_that_dies_tells_in_which_test() -> None:
    over = {"test": "a", "outcome": "passed", "why": "", "peers": ["127.0.0.1:1"], "seconds": 0.1}
    lines = [{"begun": "a"}, over, {"begun": "b"}]
    assert read_pytest(map(json.dumps, lines)) == {
        "a": Ending("passed", "", ("127.0.0.1:1",)),
        "b": Ending("died"),
    }


def test_the_words_of_redis_own_runner_are_understood() -> None:
    said = (
        "[ready]: 4711\n[\x1b[0;32;49mok\x1b[0m]: SET and GET\n[ok]: SET and GET\n"
        "[err]: WAIT in tests/unit/u.tcl\nExpected 1\n[ignore]: Tag: needs:repl denied\n"
    )
    endings = {
        "unit/u: SET and GET": PASSED,
        "unit/u: SET and GET #2": PASSED,
        "unit/u: WAIT": Ending("failed", "Expected 1"),
        "unit/u: (left out)": Ending("skipped", "Tag: needs:repl denied"),
    }
    assert read_tcl("unit/u", f"{said}[1/1 done]: unit/u (3 seconds)\n") == endings
    cut_short = {"unit/u: (the run)": Ending("died", "it did not come to its end")}
    assert read_tcl("unit/u", said) == endings | cut_short
    assert read_tcl("unit/u", "[exception]: Executing test client: EOF\n")["unit/u: (the run)"] == Ending(
        "died", "Executing test client: EOF"
    )


def test_the_document_names_what_differs_and_what_was_not_run() -> None:
    skipped = Ending("skipped", "Redis version required >= 9")
    straight = {"f::a": PASSED, "f::b[1]": skipped, "f::b[2]": skipped, "f::c": FAILED}
    told = compare([straight] * 2, [straight | {"f::a": FAILED}])
    text = write([Chapter(SUITES[0], "7.4.1", "through Baton", told, {})])
    assert "| 7.4.1 | 4 | 1 | 0 | 1 | 2 | 1 |" in text
    assert "- `f::a`: straight passed; through Baton failed AssertionError: 1 == 2" in text
    assert "- `f::c`: AssertionError: 1 == 2" in text
    assert "- Redis version required >= 9 (2): f b" in text
    for what, reason in SUITES[0].left_out.items():
        assert f"- `{what}`: {reason}" in text


def test_every_pin_is_exact() -> None:
    for suite in SUITES:
        assert "==" in suite.distribution
        if suite.requirements is not None:
            pins = suite.requirements.read_text().split()
            assert pins and all("==" in pin for pin in pins)
            assert suite.distribution in pins
