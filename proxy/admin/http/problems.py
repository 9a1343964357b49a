"""What goes wrong, as problem details: RFC 9457, ``application/problem+json``.

Each kind stands in `PROBLEMS` once, with its status. The status alone tells a script what became of a
switchover: 409 one is under way, 422 it was refused and nothing was touched, 503 it was called off and
undone.
"""

import json
from collections.abc import Mapping

from attrs import frozen
from starlette.responses import Response

from proxy.switchover.errors import Busy, CalledOff, Refused, SwitchoverError

MEDIA_TYPE = "application/problem+json"


@frozen
class Kind:
    """One kind of problem."""

    status: int
    title: str


PROBLEMS = {
    "bad-request": Kind(400, "The request is not as it should be"),
    "no-token": Kind(401, "This needs the token"),
    "no-token-set": Kind(403, "There is no token, so nobody may do this"),
    "not-permitted": Kind(403, "A viewer may look, and change nothing"),
    "not-found": Kind(404, "There is nothing at this path"),
    "wrong-method": Kind(405, "This path wants another method"),
    "too-slow": Kind(408, "The request did not come in time"),
    "busy": Kind(409, "A switchover is under way"),
    "too-large": Kind(413, "The request is too large"),
    "wrong-host": Kind(421, "This is not the host that was asked for"),
    "refused": Kind(422, "Refused; nothing was touched"),
    "fault": Kind(500, "A fault of the proxy's own"),
    "called-off": Kind(503, "Called off and undone; clients go on where they were"),
    "crowded": Kind(503, "Too many ask at once"),
}
"""By the last word of a problem's ``type``."""

_OF_A_SWITCHOVER = {Busy: "busy", Refused: "refused", CalledOff: "called-off"}


class Problem(Exception):
    """It ends a call: the asker gets it as its answer."""

    def __init__(self, kind: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.kind = kind
        self.headers = headers or {}


def as_details(problem: Problem) -> dict[str, object]:
    """What is answered."""
    kind = PROBLEMS[problem.kind]
    return {
        "type": f"urn:redis-baton:problem:{problem.kind}",
        "title": kind.title,
        "status": kind.status,
        "detail": " ".join(str(problem).split()),
    }


def answer(problem: Problem) -> Response:
    body = json.dumps(as_details(problem), ensure_ascii=False).encode()
    return Response(body, PROBLEMS[problem.kind].status, problem.headers, MEDIA_TYPE)


def from_switchover(fault: SwitchoverError) -> Problem:
    """What an operator raises, as a problem."""
    return Problem(_OF_A_SWITCHOVER.get(type(fault), "fault"), str(fault))


SCHEMA: Mapping[str, object] = {
    "type": "object",
    "description": "What went wrong (RFC 9457).",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {
            "type": "string",
            "description": "Which kind of problem: "
            + ", ".join(f"urn:redis-baton:problem:{k}" for k in PROBLEMS),
        },
        "title": {"type": "string", "description": "The same for people."},
        "status": {"type": "integer", "description": "The status of the answer."},
        "detail": {"type": "string", "description": "What is wrong this time."},
    },
    "additionalProperties": False,
}
