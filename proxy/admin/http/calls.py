"""What a call is, and how its parameters and its body are read.

A field's schema is both what the OpenAPI document says of it and what it is checked by. Unknown names and
wrong types are problems whose text says what would be right.
"""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Generic, Literal, Protocol, TypeVar, cast

import trio
from attrs import define, field, frozen
from starlette.responses import Response

from proxy.admin.http.problems import Problem
from proxy.admin.operator import Operator
from proxy.admin.roles import Brake
from proxy.nodes.address import Address
from proxy.operation.auditing import Asker, audited

Schema = Mapping[str, Any]
BAD = "bad-request"


T = TypeVar("T")
Act = Callable[[], Awaitable[T]]


@define
class Carried(Generic[T]):
    """What is carried through, though whoever asked has gone."""

    over: trio.Event = field(factory=trio.Event)
    value: T | None = None
    problem: Problem | None = None

    async def outcome(self) -> T:
        """Wait until it is over. Raises Problem if it came to nothing."""
        await self.over.wait()
        if self.problem is not None:
            raise self.problem
        return cast(T, self.value)


class Place(Protocol):
    """Where calls are answered."""

    operator: Operator
    brake: Brake

    def begin(self, act: Act[T], then: Callable[[], None] = ...) -> Carried[T]:
        """Have it done to its end, whatever becomes of whoever asked; and then this."""

    def admit_stream(self) -> Callable[[], None]:
        """Count one more stream, until what is returned is called. Raises Problem if there are too many."""


@define
class Asked:
    """One request, read and checked."""

    place: Place
    asker: Asker
    values: Mapping[str, Any] = field(factory=dict)
    path: str = ""
    accept: str = ""
    """Which kinds of answer it takes, as its ``Accept`` header says."""

    @property
    def operator(self) -> Operator:
        return self.place.operator

    async def carry_through(self, act: Act[T]) -> T:
        """Begin it, and wait for what comes of it. Raises Problem."""
        return await self.place.begin(act).outcome()

    def steering(self, act: Act[T]) -> Act[T]:
        """The same, with what the audit tells of it."""
        words = json.dumps(self.values, ensure_ascii=False) if self.values else ""

        async def steered() -> T:
            with audited(self.asker, f"POST {self.path} {words}".strip()):
                return await act()

        return steered


@frozen
class Field:
    """A parameter of the query, or a name in a body; all are optional."""

    name: str
    schema: Schema
    doc: str


@frozen(kw_only=True)
class Call:
    """What can be asked: the routes, the reading of requests and the OpenAPI document are made of this."""

    method: Literal["GET", "POST"]
    path: str
    doc: str
    answer: Callable[[Asked], Awaitable[Response]]
    schema: Schema
    media_type: str = "application/json"
    fields: Sequence[Field] = ()
    """Of the query of a GET, of the body of a POST."""
    problems: Sequence[str] = ()
    """Beside those that every call may have."""
    open: bool = False
    """Anybody may ask it."""
    looks: bool = False
    """It changes nothing, though it is a POST."""
    streams: str = ""
    """What ``text/event-stream`` would bring; empty where there is no such."""


async def read_query(call: Call, query: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """The parameters in the query of `call`. Raises Problem."""
    given: dict[str, Any] = {}
    known = {each.name: each for each in call.fields}
    for name, text in query:
        if name not in known:
            raise Problem(BAD, f"{name!r} is no parameter of {call.path}; {_those(call.fields)}")
        if name in given:
            raise Problem(BAD, f"{name} is given twice")
        raw: object = text
        digits = text.removeprefix("-")
        if known[name].schema["type"] == "integer" and digits.isascii() and digits.isdigit():
            raw = int(text[:20])
        given[name] = _checked(known[name], raw)
    await trio.lowlevel.checkpoint()
    return given


async def read_body(call: Call, body: bytes) -> dict[str, Any]:
    """The JSON object in the body of `call`; an empty body is an empty object. Raises Problem."""
    await trio.lowlevel.checkpoint()
    if not body.strip():
        return {}
    try:
        found = json.loads(body.decode("utf-8"), object_pairs_hook=_once)
    except ValueError as fault:  # no JSON, no UTF-8, or a number that nobody would write
        raise Problem(BAD, f"the body is not JSON: {fault}") from None
    except RecursionError:
        raise Problem(BAD, "the body is not JSON that anybody would write: it is nested too deeply") from None
    if not isinstance(found, dict):
        raise Problem(BAD, f"the body must be a JSON object, not {_shown(found)}")
    known = {each.name: each for each in call.fields}
    for name in found:
        if name not in known:
            raise Problem(BAD, f"{_shown(name)} is no field of {call.path}; {_those(call.fields)}")
    return {name: _checked(known[name], raw) for name, raw in found.items()}


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Problem(BAD, "the body has a field twice")
    return found


def _those(fields: Sequence[Field]) -> str:
    return "it has " + (", ".join(each.name for each in fields) or "none")


def _checked(field: Field, raw: object) -> Any:
    schema = field.schema
    wanted = schema["type"]
    if wanted == "integer":
        if not isinstance(raw, int) or isinstance(raw, bool):
            raise Problem(BAD, f"{field.name} must be a whole number, not {_shown(raw)}")
        if not schema["minimum"] <= raw <= schema["maximum"]:
            raise Problem(
                BAD, f"{field.name} must be from {schema['minimum']} to {schema['maximum']}, not {raw}"
            )
    elif wanted == "boolean":
        if not isinstance(raw, bool):
            raise Problem(BAD, f"{field.name} must be true or false, not {_shown(raw)}")
    elif not isinstance(raw, str):
        raise Problem(BAD, f"{field.name} must be text, not {_shown(raw)}")
    elif len(raw) > schema["maxLength"]:
        raise Problem(BAD, f"{field.name} is too long: at most {schema['maxLength']} characters")
    elif raw not in schema.get("enum", [raw]):
        raise Problem(BAD, f"{field.name} must be {' or '.join(schema['enum'])}, not {_shown(raw)}")
    elif schema.get("format") == "host:port":
        try:
            Address.parse(raw)
        except ValueError as fault:
            raise Problem(BAD, f"{field.name}: {fault}") from None
    return raw


def _shown(raw: object) -> str:
    text = json.dumps(raw, ensure_ascii=True)
    return text if len(text) <= 60 else text[:60] + "…"
