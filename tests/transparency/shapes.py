"""The command table: each command's name, group and documented arguments.

A server from 7.0 on is asked for them (COMMAND DOCS). 6.2 documents nothing, so there the arguments come from
``shapes.json``, which is what 7.0 says of the commands that the server lists (COMMAND).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from attrs import frozen
from redis import ResponseError

from tests.servers import RedisServer

WRITTEN = Path(__file__).with_name("shapes.json")


@frozen(eq=False)
class Argument:
    """One documented argument; ``inner`` are the alternatives of a oneof, or the parts of a block."""

    name: str
    type: str
    token: str = ""
    optional: bool = False
    multiple: bool = False
    multiple_token: bool = False
    inner: tuple[Argument, ...] = ()


@frozen(eq=False)
class Shape:
    """One command, or one subcommand: its words, its group and its arguments."""

    words: tuple[str, ...]
    group: str
    arguments: tuple[Argument, ...] = ()

    @property
    def name(self) -> str:
        return " ".join(self.words)


def shapes_of(server: RedisServer) -> dict[str, Shape]:
    """Every command that the server has, by its whole name in capitals."""
    with server.client(protocol=3) as client:
        client.response_callbacks.clear()
        names = {str(each[0]).upper() for each in client.execute_command("COMMAND")}
    names -= {name for name in names if ":" in name}  # "host:" and "post" are there to stop HTTP requests
    documents = documents_of(server) or written()
    known = {shape.name: shape for shape in _shapes(documents) if shape.words[0] in names}
    for name in names - {shape.words[0] for shape in known.values()}:
        known[name] = Shape((name,), "")
    return known


def written() -> dict[str, Any]:
    """What ``shapes.json`` holds."""
    documents: dict[str, Any] = json.loads(WRITTEN.read_text())
    return documents


def documents_of(server: RedisServer) -> dict[str, Any]:
    """What the server says in COMMAND DOCS, as far as it is of use here; nothing where it does not know
    that."""
    with server.client(protocol=3) as client:
        client.response_callbacks.clear()
        try:
            said = client.execute_command("COMMAND", "DOCS")
        except ResponseError:
            return {}
        return _pruned(said)


def _pruned(documents: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Command by command: its group, its arguments, its subcommands."""
    return {
        name.upper().replace("|", " "): {
            "group": said["group"],
            "arguments": [_pruned_argument(each) for each in said.get("arguments", ())],
            "subcommands": _pruned(said.get("subcommands", {})),
        }
        for name, said in sorted(documents.items())
    }


def _pruned_argument(said: Mapping[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {"name": said["name"], "type": said["type"]}
    if "token" in said:
        kept["token"] = said["token"]
    if said.get("flags"):
        kept["flags"] = sorted(said["flags"])
    if "arguments" in said:
        kept["arguments"] = [_pruned_argument(each) for each in said["arguments"]]
    return kept


def _shapes(documents: Mapping[str, Any]) -> Iterable[Shape]:
    for name, said in documents.items():
        if said["subcommands"]:
            yield from _shapes(said["subcommands"])
        if not said["subcommands"] or name == "COMMAND":  # the one container that is a command as well
            yield Shape(tuple(name.split()), said["group"], tuple(map(_argument, said["arguments"])))


def _argument(said: Mapping[str, Any]) -> Argument:
    flags = said.get("flags", ())
    return Argument(
        said["name"],
        said["type"],
        said.get("token", ""),
        "optional" in flags,
        "multiple" in flags,
        "multiple_token" in flags,
        tuple(map(_argument, said.get("arguments", ()))),
    )


def dump(server: RedisServer) -> str:
    """The text of ``shapes.json`` for what the server says."""
    rows = (f"{json.dumps(name)}: {json.dumps(said)}" for name, said in documents_of(server).items())
    return "{\n" + ",\n".join(rows) + "\n}\n"
