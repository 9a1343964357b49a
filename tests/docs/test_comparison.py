"""Whoever is compared is compared fairly: each claim of the page names where it is from."""

import re

from tests.docs.pages import DOCS

TEXT, SOURCES = (DOCS / "comparison.md").read_text().split("\n## Sources\n")
NAMED = (
    "Sentinel",
    "FAILOVER",
    "redirect",
    "Envoy",
    "HAProxy",
    "twemproxy",
    "predixy",
    "Dragonfly",
    "Redis Enterprise",
)


def test_each_mark_has_a_source_and_each_source_a_mark() -> None:
    marks = {int(mark) for mark in re.findall(r"\[(\d+)\]", TEXT)}
    sources = [int(number) for number in re.findall(r"^(\d+)\. ", SOURCES, re.MULTILINE)]
    assert sources == list(range(1, len(sources) + 1))
    assert marks == set(sources)


def test_each_peer_has_a_part_with_a_source() -> None:
    parts = re.split(r"^### ", TEXT, flags=re.MULTILINE)[1:]
    for peer in NAMED:
        part = next(part for part in parts if peer in part.splitlines()[0])
        assert re.search(r"\[(\d+|tried)\]", part), peer
