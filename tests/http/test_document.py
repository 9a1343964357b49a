"""The OpenAPI document is a good one, and every route answers as it says."""

import json
from typing import Any

import httpx
import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate

from proxy.admin.http.table import CALLS
from proxy.switchover.errors import Busy, CalledOff, Refused
from tests.http.recorder import Recorder

BODIES: dict[str, dict[str, Any]] = {
    "/v1/switchover": {"to": "127.0.0.1:6380", "budget_ms": 500, "dry_run": False},
    "/v1/hold": {"hold_ms": 250},
}
STATUSES: dict[type[Exception], int] = {Busy: 409, Refused: 422, CalledOff: 503}
JSON_CALLS = [call for call in CALLS if call.media_type == "application/json"]


@pytest.fixture
async def document(client: httpx.AsyncClient) -> dict[str, Any]:
    answer = await client.get("/v1/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    found: dict[str, Any] = answer.json()
    return found


def conforms(document: dict[str, Any], path: str, answer: httpx.Response) -> None:
    """The document foresees this answer: status, kind of content, and every name in it."""
    operation = document["paths"][path][answer.request.method.lower()]
    responses = operation["responses"]
    assert str(answer.status_code) in responses, answer.text
    content = responses[str(answer.status_code)]["content"]
    kind = answer.headers["content-type"].partition(";")[0]
    assert kind in content
    if kind.endswith("json"):
        schema = {**content[kind]["schema"], "components": document["components"]}
        OAS31Validator(schema).validate(answer.json())


async def test_the_document_is_valid_openapi(document: dict[str, Any]) -> None:
    validate(document)


async def test_the_document_has_every_route_and_what_each_field_means(document: dict[str, Any]) -> None:
    assert {(path, method.upper()) for path, methods in document["paths"].items() for method in methods} == {
        (call.path, call.method) for call in CALLS
    }
    assert "Clients go there." in json.dumps(document["components"]["schemas"]["NodeView"])


@pytest.mark.parametrize("call", JSON_CALLS, ids=lambda call: call.path)
async def test_each_route_answers_as_the_document_says(
    client: httpx.AsyncClient, document: dict[str, Any], call: Any
) -> None:
    body = BODIES.get(call.path)
    answer = await client.request(call.method, call.path, json=body)
    assert answer.status_code == 200
    conforms(document, call.path, answer)


@pytest.mark.parametrize("fault", [Busy("one"), Refused("two"), CalledOff("three"), RuntimeError("secret")])
@pytest.mark.parametrize("path", ["/v1/switchover", "/v1/check", "/v1/hold"])
async def test_what_goes_wrong_is_foreseen_by_the_document(
    client: httpx.AsyncClient, document: dict[str, Any], recorder: Recorder, path: str, fault: Exception
) -> None:
    recorder.trouble = fault
    answer = await client.post(path)
    expected = STATUSES.get(type(fault), 500)
    assert answer.status_code == expected
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] == (str(fault) if expected != 500 else "the log tells more")
    conforms(document, path, answer)


async def test_a_sentence_about_a_field_that_nobody_declared_is_found(
    client: httpx.AsyncClient, document: dict[str, Any], recorder: Recorder
) -> None:
    """Or the tests above could not fail."""
    answer = await client.get("/v1/status")
    told = answer.json() | {"surprise": 1}
    content = document["paths"]["/v1/status"]["get"]["responses"]["200"]["content"]
    schema = {**content["application/json"]["schema"], "components": document["components"]}
    assert not OAS31Validator(schema).is_valid(told)
