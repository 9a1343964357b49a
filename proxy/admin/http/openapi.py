"""The OpenAPI 3.1 document, made from the table of calls."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from proxy.admin.http.calls import Call, Schema
from proxy.admin.http.problems import MEDIA_TYPE, PROBLEMS
from proxy.admin.http.problems import SCHEMA as PROBLEM
from proxy.admin.http.shapes import VIEWS, schema_of
from proxy.admin.http.streaming import EVENT_STREAM
from proxy.release import VERSION

EVERY = ("bad-request", "too-slow", "too-large", "wrong-host", "fault", "crowded")
"""Problems that any call may have."""
TOKEN = ("no-token", "no-token-set", "not-permitted")
LOOKING = ("no-token",)
"""With a viewer's token set, what looks wants a token, too."""
TEXT: Schema = {"type": "string"}


def _text(doc: str) -> Schema:
    return {"type": "string", "description": doc}


def _number(doc: str) -> Schema:
    return {"type": "number", "description": doc}


def _count(doc: str) -> Schema:
    return {"type": "integer", "description": doc}


_OF_A_REPORT: Mapping[str, Schema] = {
    "number": _count("Its number since the start of the proxy; its events have it too."),
    "began": _number("When, in unix seconds."),
    "outcome": _text(
        "done; promoted, where something after the promotion failed, see the notes; dry run; refused; "
        "called off; failed; or, while it goes on, under way, or unknown whether promoted."
    ),
    "kind": _text("REFUSED, CALLEDOFF or FAILED, where it was not done."),
    "why": _text("Why it was not done."),
    "step": _text("The step that was entered last."),
    "from": _text("The old primary."),
    "to": _text("The candidate."),
    "elapsed_ms": _number("How long all of it took."),
    "hold_ms": _number("How long the gate was closed: what a client noticed at most."),
    "steps_ms": {
        "type": "object",
        "description": "How long each step took, by its name.",
        "additionalProperties": {"type": "number"},
    },
    "clients_carried": _count("Clients that had a lane of their own and were moved."),
    "clients_closed": _count("Clients that could not be moved and were closed."),
    "clients_held": _count("Clients that had something to say while the gate was closed."),
    "full_resyncs": _count("Nodes that had to copy everything anew."),
    "notes": {
        "type": "array",
        "description": "What the operator should know of it.",
        "items": {"type": "string"},
    },
}

REPORT: Schema = {
    "type": "object",
    "description": "What a switchover did, or what became of it.",
    "required": list(_OF_A_REPORT),
    "properties": _OF_A_REPORT,
}

FINDING: Schema = {
    "type": "object",
    "description": "What one check found. `refuse` stands in the way of a switchover, `warn` does not.",
    "required": ["name", "verdict", "text"],
    "properties": {
        "name": TEXT,
        "verdict": {"type": "string", "enum": ["ok", "warn", "refuse"]},
        "text": TEXT,
    },
    "additionalProperties": False,
}


def document(calls: Sequence[Call]) -> dict[str, Any]:
    """The whole of it."""
    paths: dict[str, dict[str, Any]] = {}
    for call in calls:
        paths.setdefault(call.path, {})[call.method.lower()] = _operation(call)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Baton",
            "version": VERSION,
            "description": "What can be seen of the proxy, and what it can be asked to do. "
            "Times are in seconds or milliseconds, as the names say; addresses are HOST:PORT.",
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": {
                **{view.__name__: schema_of(view) for view in VIEWS},
                "Report": REPORT,
                "Finding": FINDING,
                "Problem": PROBLEM,
            },
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def written(calls: Sequence[Call]) -> bytes:
    return json.dumps(document(calls), ensure_ascii=False, separators=(",", ":")).encode()


def _operation(call: Call) -> dict[str, Any]:
    acts = call.method == "POST"
    content: dict[str, Any] = {call.media_type: {"schema": call.schema}}
    doc = " ".join(call.doc.split())
    if call.streams:
        content[EVENT_STREAM] = {"schema": TEXT}
        doc += f" With `Accept: {EVENT_STREAM}`: {' '.join(call.streams.split())}"
    summary, _, _ = doc.partition(". ")
    operation: dict[str, Any] = {
        "operationId": call.path.rpartition("/")[2].partition(".")[0],
        "summary": summary.rstrip("."),
        "description": doc,
        "responses": {"200": {"description": "So it is.", "content": content}, **_problems(call)},
    }
    if acts:
        operation["security"] = [{"token": []}]
    elif not call.open:
        operation["security"] = [{}, {"token": []}]  # needed where there is a viewer's token
    if acts:
        operation["requestBody"] = {"content": {"application/json": {"schema": _body(call)}}}
    elif call.fields:
        operation["parameters"] = [
            {"name": each.name, "in": "query", "description": each.doc, "schema": each.schema}
            for each in call.fields
        ]
    return operation


def _body(call: Call) -> Mapping[str, object]:
    return {
        "type": "object",
        "properties": {each.name: {**each.schema, "description": each.doc} for each in call.fields},
        "additionalProperties": False,
    }


def _guarded(call: Call) -> tuple[str, ...]:
    if call.open:
        return ()
    return TOKEN if call.method == "POST" and not call.looks else (*LOOKING, *TOKEN[1:2] * call.looks)


def _problems(call: Call) -> dict[str, Any]:
    """By status; several kinds may share one."""
    kinds: dict[str, list[str]] = {}
    for kind in dict.fromkeys((*EVERY, *_guarded(call), *call.problems)):
        kinds.setdefault(str(PROBLEMS[kind].status), []).append(f"{kind}: {PROBLEMS[kind].title}.")
    found: dict[str, Any] = {
        status: {
            "description": " ".join(texts),
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status, texts in sorted(kinds.items())
    }
    if call.path in ("/livez", "/readyz"):
        found["503"]["description"] = "No; the text says why. " + found["503"]["description"]
        found["503"]["content"]["text/plain"] = {"schema": TEXT}
    return found
