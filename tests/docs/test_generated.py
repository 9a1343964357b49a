"""What is made from the code is in the pages as the code has it now."""

import re
from pathlib import Path

import pytest

from scripts.baton_docs import parts
from scripts.baton_docs.parts import DOCS, PARTS, PICTURES
from tests.docs.pages import name_of

MARKER = re.compile(r"<!-- written from the code: ([\w-]+) -->")


def test_the_pages_are_as_the_code_has_them() -> None:
    old = [name_of(path) for path in parts.stale()]
    assert old == [], "./scripts/docs --renew writes them anew"


def test_every_part_has_its_place_in_one_page() -> None:
    places = [name for page in DOCS.glob("*.md") for name in MARKER.findall(page.read_text())]
    assert sorted(places) == sorted(PARTS)


def test_every_marker_is_closed() -> None:
    for page in DOCS.glob("*.md"):
        text = page.read_text()
        assert len(parts.PART.findall(text)) == len(MARKER.findall(text)), page


def test_every_picture_is_shown() -> None:
    pages = "".join(page.read_text() for page in DOCS.glob("*.md"))
    assert [name for name in PICTURES if f"]({name})" not in pages] == []


def test_a_part_that_was_edited_by_hand_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (DOCS / "settings.md").read_text()
    (tmp_path / "settings.md").write_text(page.replace("`127.0.0.1:7000`", "`127.0.0.1:7001`"))
    for name in PICTURES:
        (tmp_path / name).write_text((DOCS / name).read_text())
    monkeypatch.setattr(parts, "DOCS", tmp_path)
    assert list(parts.stale()) == [tmp_path / "settings.md"]
    assert parts.renew() == [tmp_path / "settings.md"]
    assert (tmp_path / "settings.md").read_text() == page
