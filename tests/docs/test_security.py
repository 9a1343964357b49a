"""SECURITY.md: each attempt that it tells of names tests that show what stops it, and they exist."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.binaries import ROOT

PAGE = ROOT / "SECURITY.md"
PORTS = ["clients' port", "console", "HTTP", "nodes", "Settings", "Supply", "image"]


def attempts(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield the heading, the attempt and the cell of tests of each row below "What can be tried"."""
    part = text.split("\n## What can be tried")[1].split("\n## ")[0]
    for chapter in part.split("\n### ")[1:]:
        for cells in re.findall(r"^\| ([^|]+) \| [^|]+ \| ([^|]*) \|$", chapter, re.MULTILINE):
            if cells[1] not in ("test", "---"):
                yield chapter.splitlines()[0], cells[0], cells[1]


def missing(text: str, tests: Path) -> list[str]:
    """Return what is named in a page and is no test, and the attempts that name none."""
    wrong = []
    for _, attempt, cell in attempts(text):
        named = re.findall(r"`([^`]+)`", cell)
        wrong += [attempt] if not named else []
        for name in named:
            path, _, function = name.partition("::")
            file = tests / path
            source = file.read_text() if file.is_file() else ""
            if not re.search(rf"^(async )?def {re.escape(function)}\(", source, re.MULTILINE):
                wrong.append(name)
    return wrong


def test_every_attempt_names_tests_and_each_of_them_exists() -> None:
    assert missing(PAGE.read_text(), ROOT / "tests") == []


def test_there_is_a_chapter_for_every_port_and_all_have_rows() -> None:
    headings = list(dict.fromkeys(heading for heading, _, _ in attempts(PAGE.read_text())))
    assert len(headings) == len(PORTS)
    assert [port for port, heading in zip(PORTS, headings, strict=True) if port not in heading] == []


@pytest.mark.parametrize(
    ("cell", "wrong"),
    [
        ("`some.py::test_there`", []),
        ("`some.py::test_there`, `some.py::test_waits`", []),
        ("`some.py::test_there`, `some.py::test_gone`", ["some.py::test_gone"]),
        ("`other.py::test_there`", ["other.py::test_there"]),
        ("`some.py::test_the`", ["some.py::test_the"]),
        ("`some.py`", ["some.py"]),
        ("by looking", ["break in"]),
    ],
)
def test_a_test_that_is_not_there_is_found(tmp_path: Path, cell: str, wrong: list[str]) -> None:
    (tmp_path / "some.py").write_text(
        "def test_there() -> None: ...\n\n\nasync def test_waits(x: int): ...\n"
    )
    page = "\n## What can be tried\n\n### A port\n\n| attempt | what stops it | test |\n| --- | --- | --- |\n"
    assert missing(f"{page}| break in | a lock | {cell} |\n\n## What is not\n", tmp_path) == wrong
