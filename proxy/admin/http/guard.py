"""Who may ask for what, by the token that a request bears.

That, and not where a request comes from, is what keeps others out: a web page of somebody else can make a
browser send requests here, but knows no token and is shown no answer. Rules:

1. Probes answer anybody. So do the files of the page: they tell nothing of this proxy, and ask for the token.
2. What acts wants the operator's token; with the viewer's it is refused, and where there is none, always.
3. What looks is open to whoever reaches the port, until there is a viewer's token: then one of the two is
   wanted. CHECK looks, but has the nodes asked: without a viewer's token it wants the operator's.
4. Wrong tokens are braked as wrong passwords are; see :mod:`proxy.admin.roles`.
"""

from starlette.requests import Request

from proxy.admin.http.calls import Call, Place
from proxy.admin.http.problems import Problem
from proxy.admin.roles import Role, same
from proxy.operation.auditing import Asker, denied
from proxy.transport.naming import named

_CHALLENGE = 'Bearer realm="baton"'


async def admit(place: Place, request: Request, call: Call | None) -> Asker:
    """Who asks, if he may. `call` None: for the document of all calls. Raises Problem."""
    host, port = request.client or ("?", 0)
    asker = Asker(face="http", peer=named((host, port)), subject=getattr(request.state, "subject", ""))
    operator, viewer = place.operator.http_token, place.operator.http_viewer_token
    acts = call is not None and call.method == "POST" and not (call.looks and viewer is not None)
    if (call is not None and call.open) or (not acts and viewer is None):
        return asker
    what = f"{request.method} {request.url.path}"
    if acts and operator is None:
        denied(asker, what, "there is no token, so nobody may")
        raise Problem(
            "no-token-set",
            "the proxy was started without a token, so this can be asked at the console only; to set one: "
            "BATON_HTTP_TOKEN_FILE, or token_file under [http]",
        )
    borne = _borne(request)
    if borne is None:
        if acts:
            denied(asker, what, "it bears no token")
        raise Problem(
            "no-token", "it goes into a header: Authorization: Bearer TOKEN", {"WWW-Authenticate": _CHALLENGE}
        )
    if not await place.brake.wait(host):
        raise Problem("crowded", "too many wrong tokens come from there", {"Retry-After": "1"})
    is_operator, is_viewer = same(borne, operator), same(borne, viewer)
    if is_operator:
        return Asker(face="http", peer=asker.peer, role=Role.OPERATOR.value, subject=asker.subject)
    if not is_viewer:
        place.brake.failed(host)
        denied(asker, what, "its token is wrong")
        raise Problem(
            "no-token", "the token is wrong", {"WWW-Authenticate": f'{_CHALLENGE}, error="invalid_token"'}
        )
    asker = Asker(face="http", peer=asker.peer, role=Role.VIEWER.value, subject=asker.subject)
    if acts:
        denied(asker, what, "a viewer may look, not touch")
        raise Problem("not-permitted", "this token is a viewer's: it may look, and change nothing")
    return asker


def _borne(request: Request) -> bytes | None:
    """Headers are read as latin-1, so that these are the bytes that were sent."""
    scheme, _, borne = request.headers.get("authorization", "").partition(" ")
    return borne.strip().encode("latin-1", "replace") if scheme.lower() == "bearer" else None
