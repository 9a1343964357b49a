"""The table of commands in the form of COMMAND DOCS, of which ``redis-cli`` makes its ``help`` and hints."""

import re

from proxy.admin.commands import COMMANDS
from proxy.admin.encoding import Line, Reply
from proxy.release import VERSION

_ARGUMENT = re.compile(r"\[(?:([A-Z]+) )?([^\]]+)\]|(\S+)")
"""``[TOKEN name]``, ``[name]``, or ``name``, which must be given."""


def docs_of(name: str) -> Reply:
    """What COMMAND DOCS tells of one command of the table."""
    (form, meaning), *others = COMMANDS[name].forms
    entry = _entry(form.removeprefix(name), meaning)
    subcommands: dict[str, Reply] = {}
    for form, meaning in others:
        word, _, rest = form.removeprefix(f"{name} ").partition(" ")
        subcommands[f"{name}|{word}".lower()] = _entry(rest, meaning)
    return entry | {"subcommands": subcommands} if subcommands else entry


def _entry(rest: str, meaning: str) -> dict[str, Reply]:
    entry: dict[str, Reply] = {"summary": meaning, "since": VERSION, "group": "baton"}
    arguments = [_argument(*found.groups()) for found in _ARGUMENT.finditer(rest)]
    return entry | {"arguments": arguments} if arguments else entry


def _argument(token: str | None, optional: str | None, name: str | None) -> Reply:
    argument: dict[str, Reply] = {"name": name or optional, "type": "string"}
    if token:
        argument["token"] = token
    if optional:
        argument["flags"] = [Line("optional")]  # redis-cli asserts that flags are simple strings
    return argument
