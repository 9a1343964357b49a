"""The application: routes made of the table, each guarded and read in the same way."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from proxy.admin.http.calls import Asked, Call, Place, read_body, read_query
from proxy.admin.http.files import page_routes
from proxy.admin.http.guard import admit
from proxy.admin.http.openapi import written
from proxy.admin.http.problems import Problem, answer, from_switchover
from proxy.admin.http.table import CALLS
from proxy.switchover.errors import SwitchoverError
from proxy.telling import tell

OPENAPI = "/v1/openapi.json"


def application(place: Place, calls: Sequence[Call] = CALLS) -> Starlette:
    """All that can be asked, by ASGI."""
    routes = [Route(call.path, _endpoint(place, call), methods=[call.method]) for call in calls]
    routes.append(Route(OPENAPI, partial(_document, place, written(calls))))
    return Starlette(routes=[*routes, *page_routes()], exception_handlers={HTTPException: _nothing_there})


def _endpoint(place: Place, call: Call) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            return await _answer(place, call, request)
        except Problem as problem:
            return answer(problem)
        except SwitchoverError as fault:
            return answer(from_switchover(fault))
        except Exception:
            tell("-fault", where=f"http {call.path}", exc_info=True)
            return answer(Problem("fault", "the log tells more"))

    return endpoint


async def _answer(place: Place, call: Call, request: Request) -> Response:
    asked = Asked(
        place, await admit(place, request, call), path=call.path, accept=request.headers.get("accept", "")
    )
    if call.method == "GET":
        asked.values = await read_query(call, request.query_params.multi_items())
    else:
        if request.query_params:
            raise Problem("bad-request", f"{call.path} takes a JSON body and no query")
        asked.values = await read_body(call, await request.body())
    return await call.answer(asked)


async def _document(place: Place, body: bytes, request: Request) -> Response:
    try:
        await admit(place, request, None)
    except Problem as problem:
        return answer(problem)
    return Response(body, media_type="application/json")


async def _nothing_there(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, HTTPException)
    if fault.status_code == 405:
        allowed = (fault.headers or {}).get("Allow", "")
        return answer(Problem("wrong-method", f"it is {allowed}", {"Allow": allowed}))
    return answer(Problem("not-found", f"see {OPENAPI} for what there is"))
