"""The application: routes made of the table, each guarded and read in the same way.

Who wants to change something must bear the token. That, and not where a request comes from, is what keeps
others out: a web page of somebody else can make a browser send requests here, but knows no token and is
shown no answer.
"""

import hmac
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from proxy.admin.http.calls import Asked, Call, Place, read_body, read_query
from proxy.admin.http.files import page_routes
from proxy.admin.http.openapi import written
from proxy.admin.http.problems import Problem, answer, from_switchover
from proxy.admin.http.table import CALLS
from proxy.switchover.errors import SwitchoverError
from proxy.telling import tell

OPENAPI = "/v1/openapi.json"


def application(place: Place, calls: Sequence[Call] = CALLS) -> Starlette:
    """All that can be asked, by ASGI."""
    routes = [Route(call.path, _endpoint(place, call), methods=[call.method]) for call in calls]
    routes.append(Route(OPENAPI, partial(_document, written(calls))))
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
    client = request.client
    visitor = f"{client.host}:{client.port}" if client else "somebody"
    asked = Asked(place, visitor, accept=request.headers.get("accept", ""))
    if call.method == "GET":
        asked.values = await read_query(call, request.query_params.multi_items())
    else:
        _bears_the_token(request, place.operator.http_token)
        if request.query_params:
            raise Problem("bad-request", f"{call.path} takes a JSON body and no query")
        asked.values = await read_body(call, await request.body())
    return await call.answer(asked)


def _bears_the_token(request: Request, token: str | None) -> None:
    if token is None:
        raise Problem(
            "no-token-set",
            "the proxy was started without a token, so this can be asked at the console only; to set one: "
            "BATON_HTTP_TOKEN_FILE, or token_file under [http]",
        )
    scheme, _, borne = request.headers.get("authorization", "").partition(" ")
    challenge = 'Bearer realm="baton"'
    if scheme.lower() != "bearer":
        raise Problem(
            "no-token", "it goes into a header: Authorization: Bearer TOKEN", {"WWW-Authenticate": challenge}
        )
    # Headers are read as latin-1; as bytes they are compared in a time that tells nothing of the token.
    if not hmac.compare_digest(borne.strip().encode("latin-1", "replace"), token.encode()):
        raise Problem(
            "no-token", "the token is wrong", {"WWW-Authenticate": f'{challenge}, error="invalid_token"'}
        )


async def _document(body: bytes, request: Request) -> Response:
    return Response(body, media_type="application/json")


async def _nothing_there(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, HTTPException)
    if fault.status_code == 405:
        allowed = (fault.headers or {}).get("Allow", "")
        return answer(Problem("wrong-method", f"it is {allowed}", {"Allow": allowed}))
    return answer(Problem("not-found", f"see {OPENAPI} for what there is"))
