"""The page to watch: a few files, read once at the start, answered from memory."""

import hashlib
from collections.abc import Iterator
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

PAGE = files("proxy.admin.http") / "page"

TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
FIRST = "index.html"


def page_routes() -> Iterator[Route]:
    """A route for each file; the page itself is `/`."""
    for entry in sorted(PAGE.iterdir(), key=lambda each: each.name):
        name = entry.name
        kind = TYPES.get(name.rpartition(".")[2])
        if kind is not None:
            yield Route("/" if name == FIRST else f"/{name}", _File(entry.read_bytes(), kind).answer)


class _File:
    def __init__(self, body: bytes, media_type: str) -> None:
        self._body = body
        self._media_type = media_type
        self._tag = f'"{hashlib.sha256(body).hexdigest()[:20]}"'

    async def answer(self, request: Request) -> Response:
        """A browser keeps it, and asks each time whether it has changed."""
        headers = {"ETag": self._tag, "Cache-Control": "no-cache"}
        if self._tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(self._body, headers=headers, media_type=self._media_type)
