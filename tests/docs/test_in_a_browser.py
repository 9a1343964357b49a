"""The site in a real headless Chromium: it finds, it follows light and dark, a phone can read it."""

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.http.browser import Browser, binaries

needs_chromium = pytest.mark.skipif(binaries() is None, reason="no chromium and chromedriver on the PATH")
PAGES = ("", "troubleshooting/", "http/", "comparison/", "life-of-a-switchover/", "performance/")


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files, and says nothing."""

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    handler = functools.partial(Quiet, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        serving.join()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    browser = Browser.start(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.end()


@needs_chromium
def test_the_search_finds_what_is_in_the_pages(browser: Browser, address: str) -> None:
    browser.open(f"{address}/?q=CALLEDOFF")
    browser.wait(lambda: "Troubleshooting" in browser.text(".md-search-result__list"), "it is found", 30)


@needs_chromium
def test_the_pages_are_light_or_dark_as_the_system_is(browser: Browser, address: str) -> None:
    colours = {}
    for scheme in ("light", "dark"):
        browser.looks(scheme)
        browser.open(f"{address}/life-of-a-switchover/")
        colours[scheme] = browser.run(
            "return [document.body, document.querySelector('.picture svg > rect')].map("
            "(each) => getComputedStyle(each)[each === document.body ? 'backgroundColor' : 'fill'])"
        )
    assert colours["light"] == ["rgb(255, 255, 255)", "rgb(255, 255, 255)"]
    for colour in colours["dark"]:
        assert max(int(part) for part in colour.strip("rgb()").split(", ")) < 60, colours


@needs_chromium
@pytest.mark.parametrize("page", PAGES)
def test_a_phone_can_read_the_page_and_it_asks_nothing_of_another_host(
    browser: Browser, address: str, page: str
) -> None:
    browser.measures(390, 844, mobile=True)
    browser.open(f"{address}/{page}")
    assert browser.run("return document.documentElement.scrollWidth") <= 390
    asked = browser.run("return performance.getEntriesByType('resource').map((each) => each.name)")
    assert asked and [url for url in asked if not url.startswith(address)] == []
