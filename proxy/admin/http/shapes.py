"""The JSON of what an operator sees, and its schemas, both made from the values of ``operation/views.py``.

What a field means is read from the text that stands under it there, so it is said in one place only.
"""

import ast
import inspect
import types
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import attrs

from proxy.operation.views import ClientView, NodeView, Overview

VIEWS: tuple[type[Any], ...] = (NodeView, ClientView, Overview)

_SIMPLE = {str: "string", int: "integer", float: "number", bool: "boolean"}


_NAMES = {view: tuple(each.name for each in attrs.fields(view)) for view in VIEWS}


def as_json(view: Any) -> dict[str, Any]:
    """What ``json`` can write."""
    found = {name: getattr(view, name) for name in _NAMES[type(view)]}
    for name, value in found.items():
        if isinstance(value, (tuple, list)):
            found[name] = [as_json(each) if type(each) in VIEWS else each for each in value]
    return found


def schema_of(view: type[Any]) -> dict[str, Any]:
    """The JSON schema of one of `VIEWS`."""
    texts = _texts(view)
    properties = {}
    for name, hint in get_type_hints(view).items():
        schema = _schema(hint)
        if name in texts and "$ref" not in schema:
            schema["description"] = texts[name]
        properties[name] = schema
    return {
        "type": "object",
        "description": inspect.cleandoc(view.__doc__ or ""),
        "required": list(properties),
        "properties": properties,
        "additionalProperties": False,
    }


def _schema(hint: Any) -> dict[str, Any]:
    if hint in _SIMPLE:
        return {"type": _SIMPLE[hint]}
    if hint in VIEWS:
        return {"$ref": f"#/components/schemas/{hint.__name__}"}
    origin, within = get_origin(hint), get_args(hint)
    if origin is Literal:
        return {"type": "string", "enum": list(within)}
    if origin in (Union, types.UnionType):
        return {"type": [each for part in within for each in [_schema(part)["type"]]]}
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": _schema(within[1])}
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return {"type": "array", "items": _schema(within[0])}
    return {"type": "null"} if hint is type(None) else {}


def _texts(view: type[Any]) -> dict[str, str]:
    """By field, the text under it; none where the source is not at hand."""
    try:
        body = ast.parse(inspect.getsource(view)).body[0]
    except (OSError, SyntaxError):
        return {}
    assert isinstance(body, ast.ClassDef)
    found = {}
    for above, below in zip(body.body, body.body[1:], strict=False):
        if (
            isinstance(above, ast.AnnAssign)
            and isinstance(above.target, ast.Name)
            and isinstance(below, ast.Expr)
            and isinstance(below.value, ast.Constant)
        ):
            found[above.target.id] = " ".join(str(below.value.value).split())
    return found
