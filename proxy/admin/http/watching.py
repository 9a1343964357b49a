"""What can be seen: probes, metrics, and the route. Nothing here changes anything."""

import json
from collections.abc import AsyncGenerator, Iterable, Mapping
from itertools import islice
from typing import Any

import trio
from starlette.responses import Response

from proxy.admin.http.calls import Asked
from proxy.admin.http.shapes import as_json
from proxy.admin.http.streaming import EVENT_STREAM, Slices, events
from proxy.admin.metrics import content_type, render
from proxy.operation.views import ClientView

LIMIT = 100
"""Clients that are listed where nobody says how many."""
SLICE = 16
"""Clients that are looked at before everybody else has a turn: half a millisecond at most."""

_written = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def as_answer(body: Mapping[str, Any]) -> Response:
    return Response(_written(body).encode("utf-8", "replace"), media_type="application/json")


async def livez(asked: Asked) -> Response:
    """Of the process and its reactor alone: were Redis part of it, its trouble would restart the proxy."""
    alive = await asked.operator.alive()
    return _probe("alive" if alive else "the reactor has no turn", alive)


async def readyz(asked: Asked) -> Response:
    if asked.operator.ready:
        return _probe("ready", True)
    overview = asked.operator.overview()
    why = "draining" if overview.draining else f"there is no primary: {overview.why}"
    return _probe(f"not ready: {why}", False)


def _probe(text: str, well: bool) -> Response:
    return Response(f"{text}\n", 200 if well else 503, media_type="text/plain")


async def metrics(asked: Asked) -> Response:
    return Slices(render(asked.operator, asked.accept), content_type(asked.accept))


async def nodes(asked: Asked) -> Response:
    return as_answer({"nodes": [as_json(node) for node in asked.operator.nodes()]})


async def status(asked: Asked) -> Response:
    return as_answer(as_json(asked.operator.overview()))


async def history(asked: Asked) -> Response:
    reports = asked.operator.history()[: asked.values.get("limit", LIMIT)]
    return as_answer({"switchovers": [report.told() for report in reports]})


async def info(asked: Asked) -> Response:
    sections = asked.operator.info()
    return as_answer(
        {
            section: {name: _value(value) for name, value in values.items()}
            for section, values in sections.items()
        }
    )


def _value(value: object) -> str | int | float | bool:
    return value if isinstance(value, str | int | float | bool) else str(value)


async def clients(asked: Asked) -> Response:
    filters = dict(asked.values)
    limit = filters.pop("limit", LIMIT)
    return Slices(_listed(asked.operator.clients(), filters, limit), "application/json")


async def _listed(
    found: Iterable[ClientView], filters: Mapping[str, Any], limit: int
) -> AsyncGenerator[bytes]:
    """The clients that match, at most `limit`; `more` tells that there are more."""
    yield b'{"clients":['
    clients = iter(found)
    listed, more = 0, False
    while not more and (some := list(islice(clients, SLICE))):
        fit = [each for each in some if all(_matches(each, name, wanted) for name, wanted in filters.items())]
        more = listed + len(fit) > limit
        if shown := fit[: limit - listed]:
            text = _written([as_json(each) for each in shown])[1:-1]
            yield ("," + text if listed else text).encode("utf-8", "replace")
            listed += len(shown)
        await trio.lowlevel.checkpoint()
    yield b'],"more":true}' if more else b'],"more":false}'


def _matches(client: ClientView, name: str, wanted: Any) -> bool:
    has = getattr(client, name)
    if name == "address":  # with the port, or without
        return bool(has == wanted or has.rpartition(":")[0] == wanted)
    return bool(wanted in has if name == "state" else has == wanted)


async def events_from_now(asked: Asked) -> Response:
    ended = asked.place.admit_stream()
    return Slices(events(asked.values.get("level", "info")), EVENT_STREAM, ended)
