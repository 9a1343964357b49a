"""The licences: all that is locked is looked at, and what is not in the list, or tells nothing, is found."""

from importlib.metadata import PathDistribution
from pathlib import Path

import pytest

from scripts.baton_check.licences import (
    LOOKED_UP,
    SHIPPED,
    WORDS,
    WORKED_WITH,
    accepted,
    faults,
    objections,
    said,
)
from scripts.baton_check.locks import Pin, read
from tests.binaries import ROOT


def pins(name: str) -> list[Pin]:
    return read((ROOT / f"requirements/{name}.txt").read_text())[0]


def test_every_licence_is_in_the_list() -> None:
    assert faults(ROOT) == []


def test_nothing_that_is_shipped_is_copyleft() -> None:
    assert not [name for name in SHIPPED if "GPL" in name or "MPL" in name]


def test_a_licence_that_is_not_in_the_list_is_found() -> None:
    without = {name: why for name, why in SHIPPED.items() if name != "MIT"}
    assert "h11: MIT is not in the list" in {*objections(pins("baton"), without)}


def test_what_may_be_worked_with_is_not_therefore_shipped() -> None:
    assert [*objections(pins("dev"), WORKED_WITH)] == []
    assert "hypothesis: MPL-2.0 is not in the list" in {*objections(pins("dev"), SHIPPED)}


@pytest.mark.parametrize(
    ("metadata", "expression"),
    [
        ("License-Expression: MIT OR Apache-2.0", "MIT OR Apache-2.0"),
        ("License: MIT License", "MIT"),
        ("License: The MIT License (MIT)\n        Copyright (c)", "MIT"),
        ("License: UNKNOWN\nClassifier: License :: OSI Approved :: Apache Software License", "Apache-2.0"),
        ("Classifier: License :: OSI Approved :: BSD License", ""),
        ("License: as you like it", ""),
        ("Summary: nothing said", ""),
    ],
)
def test_what_a_package_says_of_itself_is_understood_or_not_taken(
    tmp_path: Path, metadata: str, expression: str
) -> None:
    folder = tmp_path / "some-1.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.4\nName: some\nVersion: 1\n{metadata}\n")
    assert said(PathDistribution(folder)) == expression


def test_a_package_that_tells_nothing_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(LOOKED_UP, "jinja2")
    [sentence] = objections(pins("dev"), WORKED_WITH)
    assert sentence.startswith("jinja2: no licence that is known")


@pytest.mark.parametrize(
    ("expression", "met"),
    [
        ("MIT", True),
        ("MIT OR GPL-3.0-only", True),
        ("MIT AND GPL-3.0-only", False),
        ("GPL-3.0-only OR MIT AND Apache-2.0", True),
        ("Apache-2.0 WITH LLVM-exception", False),
        ("(MIT OR GPL-3.0-only) AND BSD-3-Clause", False),
        ("GPL-3.0-only", False),
    ],
)
def test_or_leaves_a_choice_and_and_does_not(expression: str, met: bool) -> None:
    assert accepted(expression, SHIPPED) is met


def test_what_was_looked_up_is_still_locked_and_the_words_lead_into_the_list() -> None:
    assert {*LOOKED_UP} <= {pin.name for pin in pins("dev")}
    assert [words for words in WORDS.values() if not accepted(words, WORKED_WITH)] == []
