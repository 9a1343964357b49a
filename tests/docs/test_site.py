"""The site builds, strictly and without any outside address, and shows what it should."""

import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

from tests.binaries import ROOT
from tests.docs.conftest import build

FETCHED = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src", "object": "data"}
NOT_FETCHED = {"canonical", "prev", "next"}
"""Kinds of <link> that a browser does not fetch."""


class Fetches(HTMLParser):
    """Collects what a browser that opens the page would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in FETCHED and given.get("rel") not in NOT_FETCHED:
            self.addresses.append(given.get(FETCHED[tag]) or "")


def outside(page: str) -> list[str]:
    reader = Fetches()
    reader.feed(page)
    return [address for address in reader.addresses if re.match(r"(\w+:)?//", address)]


def test_nothing_is_fetched_from_another_address(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 15
    assert {page: found for page in pages if (found := outside(page.read_text()))} == {}


def test_no_style_sheet_fetches_anything_from_another_address(site: Path) -> None:
    for sheet in site.rglob("*.css"):
        assert not re.search(r"(@import|url\()\s*[\"']?(https?:)?//", sheet.read_text()), sheet


def test_no_page_makes_the_theme_fetch_what_it_would_for_diagrams_and_repositories(site: Path) -> None:
    for page in site.rglob("*.html"):
        text = page.read_text()
        assert 'class="mermaid"' not in text and 'data-md-component="source"' not in text, page


def test_an_address_outside_is_noticed() -> None:
    assert outside('<script src="https://example.org/a.js"></script><img src="//example.org/b">') == [
        "https://example.org/a.js",
        "//example.org/b",
    ]
    assert outside('<a href="https://example.org">a source</a><img src="a.svg">') == []


def test_pictures_are_in_the_page_in_colours_that_change(site: Path) -> None:
    page = (site / "life-of-a-switchover/index.html").read_text()
    assert '<div class="picture"' in page and "<svg" in page and "var(--picture-" in page
    sheet = (site / "site/baton.css").read_text()
    used = set(re.findall(r"var\((--picture-\w+)", page))
    assert {colour for colour in used if f"{colour}:" not in sheet} == set(), "each has a dark one"


def test_links_to_the_sources_are_names_of_files(site: Path) -> None:
    page = (site / "life-of-a-switchover/index.html").read_text()
    assert "<code>proxy/switchover/story.py</code>" in page
    assert 'href="../proxy' not in page and 'href="../../proxy' not in page


def test_what_is_folded_up_is_a_list_there_too(site: Path) -> None:
    page = (site / "conformance/index.html").read_text()
    folded = re.findall(r"<details>(.*?)</details>", page, re.DOTALL)
    assert folded
    assert all("<li>" in part for part in folded)


def test_every_page_can_be_searched(site: Path) -> None:
    index = (site / "search/search_index.json").read_text()
    for word in ("CALLEDOFF", "budget_ms", "CLIENT UNBLOCK"):
        assert word in index


def test_a_link_that_leads_nowhere_is_an_error(tmp_path: Path) -> None:
    for name in ("docs", "scripts/baton_docs"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for name in ("mkdocs.yml", "README.md", "CHANGELOG.md", "SECURITY.md"):
        shutil.copy(ROOT / name, tmp_path / name)
    page = tmp_path / "docs/settings.md"
    mistakes = "[nowhere](no-such-page.md) [no such part](settings.md#no-such-part) ![](no-such.svg)"
    page.write_text(f"{page.read_text()}\n{mistakes}\n")
    done = build(tmp_path, tmp_path / "site")
    assert done.returncode != 0, done.stderr
    told = [line for line in done.stderr.splitlines() if "settings.md" in line]
    for mistake in ("no-such-page.md", "#no-such-part", "no-such.svg"):
        assert any(mistake in line for line in told), done.stderr
