"""The door: what every request goes through, whatever it asks for.

Rules:

1. A body is taken in whole before anything is done, within `BODY_MAX` and `BODY_S`.
2. On loopback, the host that was asked for must be loopback too. Else a web page could have its own name
   resolve to 127.0.0.1 and read what it finds there (DNS rebinding). Elsewhere any name may be right, and
   no page gets further than whoever can reach the port anyway.
3. A page of somebody else may neither frame nor read anything here, and ours loads nothing from elsewhere.
4. A fault of ours is an answer too, and the log has it.
"""

import ipaddress

import trio
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from proxy.admin.http.problems import Problem, answer
from proxy.nodes.address import Address
from proxy.telling import tell

BODY_MAX = 16 * 1024
"""Bytes."""
BODY_S = 5.0
DROP_S = 1.0
"""How long the rest of a body that is too large is read and dropped: closing on it would take the answer
away."""
CLOSE = {"Connection": "close"}
REQUESTS_MAX = 128
"""Requests that are answered at once, streams included, and those whose body is still to come."""
PROBES = frozenset(("/livez", "/readyz"))
"""Answered whatever others do: who asks for them ends a process that does not answer."""

HEADERS = [
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
]


class Door:
    """An ASGI application around another."""

    def __init__(self, within: ASGIApp, loopback: bool) -> None:
        self._within = within
        self._loopback = loopback
        self._under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._within(scope, receive, send)
        begun = False

        async def send_on(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                message["headers"] = [*message["headers"], *_besides(message["headers"])]
            await send(message)

        self._under_way += 1
        try:
            await self._let_in(scope, receive, send_on)
        except Problem as problem:
            await _answer_over(problem, scope, receive, send_on)
        except Exception:
            tell("-fault", where="http", exc_info=True)
            if not begun:
                await answer(Problem("fault", "the log tells more"))(scope, receive, send_on)
        finally:
            self._under_way -= 1

    async def _let_in(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._under_way > REQUESTS_MAX and scope["path"] not in PROBES:
            raise Problem("crowded", f"{REQUESTS_MAX} requests are under way", {"Retry-After": "1"})
        if self._loopback:
            _must_be_loopback(scope)
        body = await _whole_body(receive)
        taken = False

        async def receive_on() -> Message:
            nonlocal taken
            if taken:
                return await receive()
            taken = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._within(scope, receive_on, send)


def _besides(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """What every answer has. What the API tells is of now, and no cache is to keep it."""
    cached = any(name == b"cache-control" for name, _ in headers)
    return HEADERS if cached else [*HEADERS, (b"cache-control", b"no-store")]


def _must_be_loopback(scope: Scope) -> None:
    host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "localhost")
    try:
        name = Address.parse(host if host.rpartition("]")[2].count(":") else f"{host}:80").host
    except ValueError:
        name = ""
    if not is_loopback(name):
        raise Problem("wrong-host", "on loopback this answers to localhost, 127.0.0.1 and [::1] only")


def is_loopback(host: str) -> bool:
    """Nobody on another machine can be meant by it. Of names, RFC 6761 keeps these for that."""
    if f".{host.lower()}".endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def _whole_body(receive: Receive) -> bytes:
    """Raises Problem where it is too large or too slow."""
    body = bytearray()
    with trio.move_on_after(BODY_S) as scope:
        more = True
        while more:
            piece, more = await _piece(receive)
            body += piece
            if len(body) > BODY_MAX:
                with trio.move_on_after(DROP_S):
                    await _drop(receive)
                raise Problem("too-large", f"a body is at most {BODY_MAX} bytes long", CLOSE)
    if scope.cancelled_caught:
        raise Problem("too-slow", f"a body must be here within {BODY_S:g} s", CLOSE)
    return bytes(body)


async def _piece(receive: Receive) -> tuple[bytes, bool]:
    """The next piece of a body, and whether there is more; not so at its end, or when the asker has gone."""
    message = await receive()
    return message.get("body", b""), message.get("more_body", False)


async def _drop(receive: Receive) -> None:
    more = True
    while more:
        _, more = await _piece(receive)


async def _answer_over(problem: Problem, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer though the body is still coming. Unread, it would fill the server's queue, and the connection
    would never be closed."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_drop, receive)
        await answer(problem)(scope, receive, send)
        nursery.cancel_scope.cancel()
