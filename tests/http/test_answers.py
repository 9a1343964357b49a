"""What is asked is read, checked and answered; what is wrong with it is said in one line."""

import json
from typing import Any

import httpx
import pytest
import trio
from attrs import evolve

from proxy.admin.http.watching import SLICE
from proxy.telling import Told
from tests.http.recorder import OVERVIEW, REPLICA, REPORT, TOKEN, Recorder, clients


async def test_liveness_is_the_reactors_and_readiness_the_routes(
    client: httpx.AsyncClient, recorder: Recorder
) -> None:
    for path, word in (("/livez", "alive"), ("/readyz", "ready")):
        answer = await client.get(path)
        assert (answer.status_code, answer.text) == (200, f"{word}\n")
    recorder.ready = False
    recorder.seen = evolve(OVERVIEW, why="no node is primary")
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.text) == (503, "not ready: there is no primary: no node is primary\n")
    recorder.seen = evolve(OVERVIEW, draining=True)
    assert (await client.get("/readyz")).text == "not ready: draining\n"
    assert (await client.get("/livez")).status_code == 200
    recorder.lives = False
    assert (await client.get("/livez")).status_code == 503


async def test_a_switchover_is_asked_for_as_the_body_says(
    client: httpx.AsyncClient, recorder: Recorder, told: list[Told]
) -> None:
    body = {"to": REPLICA, "budget_ms": 300, "dry_run": True}
    answer = await client.post("/v1/switchover", json=body)
    assert answer.json() == REPORT
    answer = await client.post("/v1/switchover")  # without a body all is left to the proxy
    assert recorder.asked == [("switchover", REPLICA, 300, True), ("switchover", None, None, False)]
    commands = [event["command"] for event in told if event["event"] == "+asked"]
    assert commands == [f"POST /v1/switchover {json.dumps(body)}", "POST /v1/switchover"]
    assert TOKEN not in json.dumps(told)


async def test_the_gate_is_held_and_released_and_a_switchover_called_off(
    client: httpx.AsyncClient, recorder: Recorder
) -> None:
    assert (await client.post("/v1/hold", json={"hold_ms": 250})).json() == {"hold_ms": 250}
    assert (await client.post("/v1/release")).json() == {"held_ms": 12.5}
    assert (await client.post("/v1/cancel", content=b"{}")).json() == {"step": "converge"}
    assert recorder.asked == [("hold", 250), ("release",), ("cancel",)]


async def test_curls_own_content_type_will_do(client: httpx.AsyncClient, recorder: Recorder) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await client.post("/v1/hold", content=b'{"hold_ms": 5}', headers=headers)
    assert answer.json() == {"hold_ms": 5}


BAD_BODIES: list[tuple[str, bytes, str]] = [
    ("switchover", b"[", "the body is not JSON: Expecting value"),
    ("switchover", b"\xff\xfe", "the body is not JSON: 'utf-8' codec"),
    ("switchover", b"[]", "the body must be a JSON object, not []"),
    ("switchover", b"NaN", "the body must be a JSON object, not NaN"),
    ("switchover", b"[" * 16000, "nested too deeply"),
    ("switchover", b'{"budget_ms": ' + b"9" * 5000 + b"}", "the body is not JSON: Exceeds the limit"),
    ("switchover", b'{"to": 3}', "to must be text, not 3"),
    ("switchover", b'{"to": null}', "to must be text, not null"),
    ("switchover", b'{"to": "here"}', "to: 'here' is not HOST:PORT"),
    ("switchover", b'{"to": "' + b"x" * 300 + b'"}', "to is too long: at most 255 characters"),
    ("switchover", b'{"budget_ms": 1.5}', "budget_ms must be a whole number, not 1.5"),
    ("switchover", b'{"budget_ms": true}', "budget_ms must be a whole number, not true"),
    ("switchover", b'{"budget_ms": "9"}', 'budget_ms must be a whole number, not "9"'),
    ("switchover", b'{"budget_ms": 0}', "budget_ms must be from 1 to 600000, not 0"),
    ("switchover", b'{"budget_ms": 600001}', "budget_ms must be from 1 to 600000, not 600001"),
    ("switchover", b'{"dry_run": 1}', "dry_run must be true or false, not 1"),
    ("switchover", b'{"target": 1}', '"target" is no field of /v1/switchover; it has to, budget_ms, dry_run'),
    ("switchover", b'{"to": "a:1", "to": "b:2"}', "the body has a field twice"),
    ("release", b'{"now": 1}', '"now" is no field of /v1/release; it has none'),
]


@pytest.mark.parametrize(("name", "body", "detail"), BAD_BODIES, ids=lambda each: str(each)[:30])
async def test_a_bad_body_is_told_in_one_line_and_nothing_is_done(
    client: httpx.AsyncClient, recorder: Recorder, name: str, body: bytes, detail: str
) -> None:
    answer = await client.post(f"/v1/{name}", content=body)
    assert answer.status_code == 400
    problem = answer.json()
    assert problem["type"] == "urn:redis-baton:problem:bad-request"
    assert detail in problem["detail"] and "\n" not in problem["detail"]
    assert recorder.asked == []


BAD_QUERIES = [
    ("clients?colour=red", "'colour' is no parameter of /v1/clients; it has id, address, name"),
    ("clients?limit=0", "limit must be from 1 to 100000, not 0"),
    ("clients?limit=ten", 'limit must be a whole number, not "ten"'),
    ("clients?limit=" + "9" * 5000, "limit must be from 1 to 100000"),
    ("clients?id=%C2%B2", 'id must be a whole number, not "\\u00b2"'),
    ("clients?lane=fast", 'lane must be shared or private or none, not "fast"'),
    ("clients?db=1&db=2", "db is given twice"),
    ("events?level=loud", 'level must be debug or info or warning or error, not "loud"'),
    ("history?limit=-1", "limit must be from 1 to 1000, not -1"),
    ("history?limit=--5", 'limit must be a whole number, not "--5"'),
    ("status?x", "'x' is no parameter of /v1/status; it has none"),
]


@pytest.mark.parametrize(("path", "detail"), BAD_QUERIES, ids=lambda each: str(each)[:30])
async def test_a_bad_query_is_told_in_one_line(client: httpx.AsyncClient, path: str, detail: str) -> None:
    answer = await client.get(f"/v1/{path}")
    assert answer.status_code == 400
    assert detail in answer.json()["detail"]


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("limit=3", [1, 2, 3]),
        ("lane=private", [5, 10, 15, 20]),
        ("state=multi&db=2", [10]),
        ("name=shop-1&limit=2", [1, 4]),
        ("address=10.0.0.3", [3, 10, 17]),
        ("address=10.0.0.3:40010", [10]),
        ("address=10.0.0", []),
        ("user=nobody", []),
        ("id=7", [7]),
    ],
)
async def test_clients_are_filtered(
    client: httpx.AsyncClient, recorder: Recorder, query: str, ids: list[int]
) -> None:
    recorder.crowd = clients(20)
    answer = (await client.get(f"/v1/clients?{query}")).json()
    assert [each["id"] for each in answer["clients"]] == ids
    assert answer["more"] is ("limit" in query)


async def test_between_a_few_of_ten_thousand_clients_everybody_else_has_a_turn(
    client: httpx.AsyncClient, recorder: Recorder, nursery: trio.Nursery
) -> None:
    recorder.crowd = clients(10_000)
    turns = 0

    async def somebody_else() -> None:
        nonlocal turns
        while True:
            turns += 1
            await trio.lowlevel.checkpoint()

    nursery.start_soon(somebody_else)
    for query in ("limit=100000", "user=nobody"):
        began = turns
        answer = await client.get(f"/v1/clients?{query}")
        assert turns - began > 10_000 / SLICE
        assert answer.json()["more"] is False
    answer = await client.get("/v1/clients?limit=100000")
    assert [each["id"] for each in answer.json()["clients"]] == list(range(1, 10_001))


async def test_what_is_not_there_is_told_as_a_problem(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v2/status")
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:redis-baton:problem:not-found")
    answer = await client.get("/v1/switchover")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    answer = await client.post("/v1/status")
    assert answer.status_code == 405
    answer = await client.get("/%2e%2e/%2e%2e/etc/passwd")
    assert answer.status_code == 404
    answer = await client.get("/serving.py")
    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (None, "Authorization: Bearer TOKEN"),
        ("Basic c3dvcmRmaXNo", "Authorization: Bearer TOKEN"),
        ("Bearer", "the token is wrong"),
        ("Bearer swordfish", "the token is wrong"),
        (f"Bearer {TOKEN}x", "the token is wrong"),
        ("Bearer ÿþ", "the token is wrong"),
    ],
)
async def test_without_the_token_nothing_is_done(
    port: int, recorder: Recorder, header: str | None, said: str
) -> None:
    headers: Any = {} if header is None else [(b"Authorization", header.encode("latin-1"))]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as stranger:
        for name in ("switchover", "check", "hold", "release", "cancel"):
            answer = await stranger.post(f"/v1/{name}", headers=headers)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"].startswith('Bearer realm="baton"')
            assert said in answer.json()["detail"] and TOKEN not in answer.text
    assert recorder.asked == []


async def test_where_there_is_no_token_nobody_may_and_it_says_how_to_set_one(
    client: httpx.AsyncClient, recorder: Recorder
) -> None:
    recorder.http_token = None
    answer = await client.post("/v1/switchover")
    assert answer.status_code == 403
    assert "BATON_HTTP_TOKEN_FILE" in answer.json()["detail"]
    assert recorder.asked == []
    assert (await client.get("/v1/status")).status_code == 200


async def test_a_fault_of_ours_is_a_problem_and_the_log_has_it(
    client: httpx.AsyncClient, recorder: Recorder, told: list[Told]
) -> None:
    recorder.trouble = RuntimeError("in the depths")
    for name in ("switchover", "release"):  # in a task of its own, and in the request's
        answer = await client.post(f"/v1/{name}")
        assert answer.status_code == 500 and "depths" not in answer.text
    faults = [event["fault"] for event in told if event["event"] == "-fault"]
    assert faults == ["RuntimeError: in the depths"] * 2
