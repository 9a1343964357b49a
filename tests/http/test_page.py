"""The page to watch, looked at in a real browser, with a real proxy and real nodes behind it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.baton import BatonProcess
from tests.http.browser import Browser, binaries
from tests.http.recorder import TOKEN
from tests.servers import Pair

pytestmark = pytest.mark.skipif(
    binaries() is None, reason="no chromium and chromedriver on the PATH; as root: scripts/chromium"
)

HTTP = ("--http", "127.0.0.1:0")
WITH_TOKEN = {"BATON_HTTP_TOKEN": TOKEN}
TAB, ENTER, ESCAPE = "\ue004", "\ue007", "\ue00c"

CONTRAST = (Path(__file__).parent / "contrast.js").read_text()
"""Gives what is too faint to read, by WCAG 2.1, 1.4.3."""

UNNAMED = (Path(__file__).parent / "unnamed.js").read_text()
"""Gives what a screen reader would have no name for."""
SETTLED = (Path(__file__).parent / "settled.js").read_text()
"""Returns when nothing changes its colour any more."""


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    browser = Browser.start(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.end()


@pytest.fixture
def browser(opened: Browser) -> Browser:
    """As wide as a desk's, light, and with nothing said yet."""
    opened.measures(1280, 900)
    opened.looks("light")
    opened.open("about:blank")
    opened.complaints()
    opened.requested()
    return opened


@pytest.fixture
def proxy(baton: Callable[..., BatonProcess], pair: Pair) -> BatonProcess:
    return baton(*pair, *HTTP, environment=WITH_TOKEN)


def visit(browser: Browser, proxy: BatonProcess) -> None:
    browser.open(f"http://127.0.0.1:{proxy.http_port}/")
    browser.wait(lambda: browser.text("#live") == "live", "the page is live")


def leads(browser: Browser) -> str:
    return browser.text(".node.leads .address")


def switch_over(browser: Browser) -> None:
    browser.click("#switch")
    browser.wait(lambda: browser.run("return document.activeElement.id") == "no", "asked whether it is sure")
    browser.click("#yes")


@pytest.fixture
def lanes() -> str:
    """Of no account here."""
    return "shared"


@pytest.fixture
def redis_binary(redis_binaries: dict[str, Path]) -> Path:
    """The version is of no account either."""
    return next(iter(redis_binaries.values()))


def test_the_page_shows_the_nodes_and_a_switchover_moves_the_primary(
    browser: Browser, proxy: BatonProcess, pair: Pair
) -> None:
    visit(browser, proxy)
    client = proxy.client()
    client.set("fruit", "fig")
    assert sorted(browser.texts(".node .address")) == sorted(node.address for node in pair)
    assert leads(browser) == pair.primary.address
    assert browser.text("#gate-word") == "Open"
    browser.wait(lambda: browser.text("#clients") == "1", "the client is counted")
    assert browser.texts(".over") == []

    browser.type("#token", TOKEN)
    browser.click("#check")
    browser.wait(lambda: "Fit to switch over" in browser.text("#answer"), "the check is done")
    assert "ok" in browser.texts(".findings .outcome")

    switch_over(browser)
    browser.wait(lambda: leads(browser) == pair.replica.address, "the primary has moved")
    said = f"{pair.replica.address} is the primary now"
    browser.wait(lambda: said in browser.text("#answer"), "its end is told")
    browser.wait(lambda: "done" in browser.text(".over .outcome"), "the timeline is there")
    assert browser.texts(".step .name") == [
        *("preflight", "warm", "hold", "pause", "converge", "promote", "demote", "swap", "settle")
    ]
    assert all(text.endswith(" ms") for text in browser.texts(".step .ms"))
    widths = browser.run("return [...document.querySelectorAll('.step .bar')].map((bar) => bar.style.width)")
    assert 0 < sum(float(width.rstrip("%")) for width in widths) < 200
    browser.wait(lambda: "+switched-over" in browser.text("#events"), "the event is listed")
    browser.wait(lambda: "last held for" in browser.text("#gate-why"), "the hold is told")
    assert client.get("fruit") == "fig"

    assert browser.complaints() == []
    asked = {urlsplit(url).netloc for url in browser.requested() if url.startswith(("http", "ws"))}
    assert asked == {f"127.0.0.1:{proxy.http_port}"}


def test_what_is_refused_is_said_and_a_wrong_token_too(
    browser: Browser, proxy: BatonProcess, pair: Pair
) -> None:
    visit(browser, proxy)
    browser.type("#token", "wrong")
    browser.click("#check")
    browser.wait(lambda: "the token is wrong" in browser.text("#answer"), "the token is refused")
    assert browser.run("return document.activeElement.id") == "token"
    browser.run("document.querySelector('#token').value = ''")
    browser.type("#token", TOKEN)
    pair.replica.command("CONFIG", "SET", "replica-priority", 0)
    switch_over(browser)
    browser.wait(lambda: "Refused" in browser.text("#answer"), "the refusal is told")
    browser.wait(lambda: browser.text(".over .outcome") == "refused", "it stands in the list")
    assert leads(browser) == pair.primary.address


def test_keys_alone_will_do(browser: Browser, proxy: BatonProcess, pair: Pair) -> None:
    visit(browser, proxy)
    browser.run("document.querySelector('#to').focus()")
    browser.press(TAB, *TOKEN, TAB, TAB)
    assert browser.run("return document.activeElement.id") == "switch"
    outline = browser.run("return getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    browser.press(ENTER)
    browser.wait(lambda: browser.run("return document.querySelector('#sure').open"), "it asks")
    browser.press(ESCAPE)
    browser.wait(lambda: not browser.run("return document.querySelector('#sure').open"), "it is closed")
    assert browser.run("return document.activeElement.id") == "switch"
    browser.press(ENTER, TAB, ENTER)
    browser.wait(lambda: leads(browser) == pair.replica.address, "the primary has moved")
    browser.wait(lambda: "done" in browser.text(".over .outcome"), "the timeline is there")
    browser.run("document.querySelector('.over summary').focus()")
    browser.press(ENTER)
    browser.wait(lambda: not browser.run("return document.querySelector('.over').open"), "it is folded")
    assert browser.run(UNNAMED) == []


def test_a_hold_by_hand_is_shown_big_and_clear(browser: Browser, proxy: BatonProcess) -> None:
    visit(browser, proxy)
    proxy.admin("HOLD", "60000")
    browser.wait(lambda: browser.text("#gate-word") == "Held", "the gate is shown closed")
    browser.wait(lambda: "by hand" in browser.text("#gate-why"), "and why")
    assert browser.run("return document.title") == "Held · Baton"
    proxy.admin("RELEASE")
    browser.wait(lambda: browser.text("#gate-word") == "Open", "the gate is shown open")


def test_everything_can_be_read_on_a_desk_and_on_a_phone_in_light_and_dark(
    browser: Browser, proxy: BatonProcess
) -> None:
    visit(browser, proxy)
    proxy.switchover()
    browser.type("#token", TOKEN)
    browser.click("#check")
    browser.wait(lambda: browser.texts(".findings li") and browser.texts(".step"), "all is there")
    browser.wait(lambda: browser.text("#gate-word") == "Open", "the gate is open")
    grounds = set()
    for width, height in ((1280, 900), (820, 1100), (375, 740), (320, 560)):
        browser.measures(width, height, mobile=width < 500)
        for scheme in ("light", "dark"):
            browser.looks(scheme)
            assert browser.run("return document.documentElement.scrollWidth") <= width
            if width in (1280, 375):
                browser.run(SETTLED)
                assert browser.run(CONTRAST) == []
            grounds.add((scheme, browser.run("return getComputedStyle(document.body).backgroundColor")))
    assert grounds == {("light", "rgb(243, 245, 246)"), ("dark", "rgb(13, 18, 22)")}


def test_a_lost_connection_is_said_and_the_page_goes_on_by_itself(
    browser: Browser, baton: Callable[..., BatonProcess], pair: Pair, tmp_path: Path
) -> None:
    proxy = baton(*pair, *HTTP, environment=WITH_TOKEN)
    visit(browser, proxy)
    proxy.kill()
    browser.wait(lambda: "Connection lost" in browser.text("#trouble"), "the loss is said")
    assert browser.text("#live") == "connection lost" and browser.text("#gate-word") == "–"
    proxy.command = [
        f"127.0.0.1:{proxy.http_port}" if word == HTTP[1] and before == HTTP[0] else word
        for before, word in zip(["", *proxy.command], proxy.command, strict=False)
    ]
    proxy.restart()
    browser.wait(lambda: browser.text("#live") == "live" and not browser.text("#trouble"), "it is live again")
    proxy.switchover()
    browser.wait(lambda: "+switched-over" in browser.text("#events"), "events come again")
