"""HTTP of the real proxy, as curl, a probe and a script see it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.baton import BatonProcess
from tests.http.recorder import TOKEN
from tests.servers import Pair
from tests.waiting import wait_until

HTTP = ("--http", "127.0.0.1:0")
WITH_TOKEN = {"BATON_HTTP_TOKEN": TOKEN}


@pytest.fixture
def lanes() -> str:
    """Of no account here."""
    return "shared"


@pytest.fixture
def redis_binary(redis_binaries: dict[str, Path]) -> Path:
    """The version is of no account either."""
    return next(iter(redis_binaries.values()))


@pytest.fixture
def proxy(baton: Callable[..., BatonProcess], pair: Pair) -> BatonProcess:
    return baton(*pair, *HTTP, environment=WITH_TOKEN)


@pytest.fixture
def http(proxy: BatonProcess) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with httpx.Client(base_url=f"http://127.0.0.1:{proxy.http_port}", headers=headers, timeout=20) as http:
        yield http


def test_a_switchover_streams_every_step_and_what_is_seen_agrees(
    http: httpx.Client, proxy: BatonProcess, pair: Pair
) -> None:
    client = proxy.client()
    client.client_setname("shop")
    [seen] = http.get("/v1/clients", params={"name": "shop"}).json()["clients"]
    assert seen["lane"] == "shared" and seen["protocol"] in (2, 3)
    findings = http.post("/v1/check").json()["findings"]
    assert findings and not [each for each in findings if each["verdict"] == "refuse"]

    answer = http.post(
        "/v1/switchover", json={"to": pair.replica.address}, headers={"Accept": "text/event-stream"}
    )
    blocks = [
        dict(line.split(": ", 1) for line in block.splitlines() if line[0] != ":")
        for block in answer.text.strip().split("\n\n")
    ]
    report = json.loads(blocks[-1]["data"])
    names = [json.loads(block["data"])["event"] for block in blocks[1:-1]]
    assert names[0] == "+switchover" and names[-1] == "+switched-over"
    assert [name for name in names if name in ("+held", "+promoted", "+released", "+settled")] == [
        *("+held", "+promoted", "+released", "+settled")
    ]
    assert blocks[-1]["event"] == "report"
    assert (report["outcome"], report["to"]) == ("done", pair.replica.address)

    assert http.get("/v1/history").json()["switchovers"] == [report]
    status = http.get("/v1/status").json()
    assert status["primary"] == pair.replica.address and status["done"] == 1
    leading = [node["address"] for node in http.get("/v1/nodes").json()["nodes"] if node["leads"]]
    assert leading == [pair.replica.address]
    assert http.get("/v1/info").json()["Switchover"]["switchovers_done"] == 1
    assert TOKEN not in proxy.log()


def test_a_dry_run_moves_nothing_and_a_refusal_says_why(http: httpx.Client, pair: Pair) -> None:
    report = http.post("/v1/switchover", json={"dry_run": True}).json()
    assert report["outcome"] == "dry run" and report["hold_ms"] == 0
    assert pair.primary.command("ROLE")[0] == "master"
    answer = http.post("/v1/switchover", json={"to": pair.primary.address})
    assert answer.status_code == 422 and answer.json()["type"].endswith(":refused")
    answer = http.post("/v1/cancel")
    assert answer.status_code == 422 and "no switchover is under way" in answer.json()["detail"]
    answer = http.post("/v1/release")
    assert answer.status_code == 422


def test_readiness_stays_green_during_a_hold_which_answers_as_busy(
    http: httpx.Client, proxy: BatonProcess
) -> None:
    assert 29_000 < http.post("/v1/hold", json={"hold_ms": 30_000}).json()["hold_ms"] <= 30_000
    assert http.get("/v1/status").json()["gate"]
    assert http.get("/readyz").status_code == 200
    answer = http.post("/v1/switchover")
    assert answer.status_code == 409 and answer.json()["type"].endswith(":busy")
    assert http.post("/v1/release").json()["held_ms"] > 0
    assert http.get("/v1/status").json()["gate"] == []


def test_before_there_is_a_primary_it_lives_and_is_not_ready(
    baton: Callable[..., BatonProcess], pair: Pair
) -> None:
    pair.primary.kill()
    proxy = baton(*pair, *HTTP)
    with httpx.Client(base_url=f"http://127.0.0.1:{proxy.http_port}") as http:
        assert http.get("/readyz").status_code == 503
        assert "there is no primary" in http.get("/readyz").text
        assert http.get("/livez").status_code == 200
        assert http.post("/v1/switchover").status_code == 403  # and no token was set
        pair.primary.restart()
        wait_until(lambda: http.get("/readyz").status_code == 200, "it is ready")


def test_a_drain_turns_readiness_red_and_ends_though_somebody_listens(
    http: httpx.Client, proxy: BatonProcess
) -> None:
    busy = proxy.client()
    with http.stream("GET", "/v1/events"):
        blocked: Any = busy.connection_pool.get_connection()
        blocked.send_command("BLPOP", "nothing", 0)  # so that there is something to wait for
        wait_until(lambda: http.get("/v1/clients?state=blocked").json()["clients"], "the client is blocked")
        proxy.admin("DRAIN")
        wait_until(lambda: http.get("/readyz").status_code == 503, "it is not ready")
        assert http.get("/readyz").text == "not ready: draining\n"
        assert http.get("/livez").status_code == 200
        blocked.disconnect()
        assert proxy.wait() == 0


def test_an_address_that_is_taken_is_one_line_at_the_start(
    baton: Callable[..., BatonProcess], proxy: BatonProcess, pair: Pair, tmp_path: Path
) -> None:
    taken: Any = f"127.0.0.1:{proxy.http_port}"
    with pytest.raises(AssertionError, match=rf"--http: {taken}: Address already in use"):
        BatonProcess.start([pair.primary.address], tmp_path / "second.log", "--http", taken)
