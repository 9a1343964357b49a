"""HTTP's two tokens: the operator's, with which one may steer, and the viewer's, with which one may look."""

import hmac
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import trio

from proxy.admin import roles
from proxy.admin.http.serving import serve_http
from proxy.admin.http.table import CALLS
from proxy.telling import Told
from tests.baton import BatonProcess
from tests.http.browser import Browser, binaries
from tests.http.recorder import Recorder, listening
from tests.servers import Pair

OPERATOR, VIEWER = "swordfish-23", "goldfish-5"
OPEN = ("/livez", "/readyz")
LOOKS = [
    call.path for call in CALLS if call.method == "GET" and call.path not in (*OPEN, "/metrics", "/v1/events")
]
ACTS = [call.path for call in CALLS if call.method == "POST" and call.path != "/v1/check"]


@pytest.fixture
def operator() -> Recorder:
    return Recorder(http_token=OPERATOR, http_viewer_token=VIEWER)


@pytest.fixture
async def base(nursery: trio.Nursery, operator: Recorder) -> str:
    listeners = await listening()
    await nursery.start(serve_http, listeners, operator)
    return "http://{}:{}".format(*listeners[0].socket.getsockname()[:2])


async def ask(base: str, method: str, path: str, token: str | None = None) -> httpx.Response:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=base, headers=headers, timeout=10) as client:
        return await client.request(method, path)


def kind(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, str(answer.json()["type"]).rpartition(":")[2]


@pytest.mark.parametrize("path", [*LOOKS, "/v1/openapi.json"])
async def test_looking_wants_one_of_the_tokens(base: str, path: str) -> None:
    assert kind(await ask(base, "GET", path)) == (401, "no-token")
    assert kind(await ask(base, "GET", path, "wrong")) == (401, "no-token")
    for token in (VIEWER, OPERATOR):
        assert (await ask(base, "GET", path, token)).status_code == 200


@pytest.mark.parametrize("path", [*OPEN, "/", "/page.js", "/page.css"])
async def test_probes_and_the_files_of_the_page_want_none(base: str, path: str) -> None:
    assert (await ask(base, "GET", path)).status_code == 200


@pytest.mark.parametrize("path", ["/metrics", "/v1/events"])
async def test_streams_want_one_too(base: str, path: str) -> None:
    assert kind(await ask(base, "GET", path)) == (401, "no-token")


@pytest.mark.parametrize("path", ACTS)
async def test_a_viewer_may_not_act(base: str, path: str, operator: Recorder, told: list[Told]) -> None:
    assert kind(await ask(base, "POST", path, VIEWER)) == (403, "not-permitted")
    assert kind(await ask(base, "POST", path)) == (401, "no-token")
    assert kind(await ask(base, "POST", path, "wrong")) == (401, "no-token")
    assert operator.asked == []
    denials = [event for event in told if event["event"] == "-denied"]
    assert [event["why"] for event in denials] == [
        "a viewer may look, not touch",
        "it bears no token",
        "its token is wrong",
    ]
    assert {event["command"] for event in denials} == {f"POST {path}"}
    assert {event["face"] for event in denials} == {"http"}
    assert (await ask(base, "POST", path, OPERATOR)).status_code == 200
    ends = [event for event in told if event["event"] in ("+asked", "+steered")]
    assert [event["event"] for event in ends] == ["+asked", "+steered"]
    assert {(event["role"], event["command"]) for event in ends} == {("operator", f"POST {path}")}
    assert len({event["request"] for event in ends}) == 1
    assert not any(token in str(told) for token in (OPERATOR, VIEWER))


async def test_a_viewer_may_check(base: str, operator: Recorder) -> None:
    assert (await ask(base, "POST", "/v1/check", VIEWER)).status_code == 200
    assert kind(await ask(base, "POST", "/v1/check")) == (401, "no-token")


async def test_a_viewer_looks_where_nobody_may_act(base: str, operator: Recorder) -> None:
    operator.http_token = None
    assert (await ask(base, "GET", "/v1/status", VIEWER)).status_code == 200
    assert (await ask(base, "POST", "/v1/check", VIEWER)).status_code == 200
    assert kind(await ask(base, "POST", "/v1/release", VIEWER)) == (403, "no-token-set")


async def test_without_a_viewers_token_it_is_as_it_was(base: str, operator: Recorder) -> None:
    operator.http_viewer_token = None
    for path in LOOKS:
        assert (await ask(base, "GET", path)).status_code == 200
    assert kind(await ask(base, "POST", "/v1/check")) == (401, "no-token")
    assert kind(await ask(base, "POST", "/v1/check", VIEWER)) == (401, "no-token")


async def test_each_token_is_compared_in_constant_time(base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[bytes, bytes]] = []
    real: Callable[[bytes, bytes], bool] = hmac.compare_digest

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return real(one, other)

    monkeypatch.setattr(hmac, "compare_digest", compare)
    for token in ("wrong", VIEWER, OPERATOR):
        await ask(base, "GET", "/v1/nodes", token)
        assert compared == [(token.encode(), OPERATOR.encode()), (token.encode(), VIEWER.encode())]
        compared.clear()


async def test_wrong_tokens_are_braked_and_the_right_one_passes(
    base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roles, "FIRST_S", 0.1)
    for _ in range(roles.FREE):
        assert (await ask(base, "GET", "/v1/nodes", "wrong")).status_code == 401
    began = trio.current_time()
    assert (await ask(base, "GET", "/v1/nodes", "wrong")).status_code == 401
    assert trio.current_time() - began >= 0.1
    assert (await ask(base, "GET", "/v1/nodes", VIEWER)).status_code == 200
    assert (await ask(base, "GET", "/livez")).status_code == 200


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    browser = Browser.start(tmp_path / "profile")
    yield browser
    browser.end()


@pytest.mark.skipif(binaries() is None, reason="no chromium and chromedriver on the PATH")
def test_the_page_asks_for_the_token_and_keeps_it_for_the_tab(
    browser: Browser, baton: Callable[..., BatonProcess], pair: Pair
) -> None:
    environment = {"BATON_HTTP_TOKEN": OPERATOR, "BATON_HTTP_VIEWER_TOKEN": VIEWER}
    proxy = baton(*pair, "--http", "127.0.0.1:0", environment=environment)
    open_now = "return document.querySelector('#enter').open"
    browser.open(f"http://127.0.0.1:{proxy.http_port}/")
    browser.wait(lambda: browser.run(open_now), "the token is asked for")
    assert browser.texts(".node .address") == []
    browser.type("#enter-token", "wrong")
    browser.click("#enter-go")
    browser.wait(lambda: "not the right one" in browser.text("#enter-text"), "it is refused")
    browser.wait(lambda: browser.run(open_now), "it asks again")
    browser.type("#enter-token", VIEWER)
    browser.click("#enter-go")
    browser.wait(lambda: browser.text("#live") == "live", "the page is live")
    assert sorted(browser.texts(".node .address")) == sorted(node.address for node in pair)
    browser.click("#check")
    browser.wait(lambda: "Fit to switch over" in browser.text("#answer"), "a viewer may check")
    proxy.switchover()
    browser.wait(lambda: "+switched-over" in browser.text("#events"), "events come")
    browser.click("#switch")
    browser.click("#yes")
    browser.wait(
        lambda: "look, and change nothing" in browser.text("#answer"), "a viewer may not switch over"
    )
    browser.open(f"http://127.0.0.1:{proxy.http_port}/")  # again, in the same tab
    browser.wait(lambda: browser.text("#live") == "live", "it is still known")
    assert not browser.run("return document.cookie")
