"""The table of commands in the form of COMMAND and COMMAND DOCS, of which ``redis-cli`` makes its ``help``,
what it completes, and what it hints at."""

from proxy.admin.console.command import Command, Courtesy
from proxy.admin.console.encoding import Line, Reply
from proxy.admin.console.syntax import Argument, Syntax
from proxy.release import VERSION


def docs_of(command: Command | Courtesy) -> dict[str, Reply]:
    """What COMMAND DOCS tells of one command."""
    own = {"summary": command.meaning, "since": VERSION, "group": _group(command)}
    subcommands: dict[str, Reply] = {}
    entry: dict[str, Reply] = {**own}
    for text, meaning in command.described:
        syntax = Syntax.of(text)
        arguments: dict[str, Reply] = {}
        if syntax.arguments:
            arguments["arguments"] = [_argument(each) for each in syntax.arguments]
        if len(syntax.verb) == 1:
            entry |= {"summary": meaning} | arguments
        else:
            name = "|".join(syntax.verb).lower()
            subcommands[name] = own | {"summary": meaning} | arguments
    return entry | {"subcommands": subcommands} if subcommands else entry


def info_of(name: str, command: Command | Courtesy) -> Reply:
    """What COMMAND tells of one, in Redis 7's ten fields: no keys, no ACL categories, no tips."""
    subcommands: list[Reply] = []
    for text, _ in command.described:
        syntax = Syntax.of(text)
        if len(syntax.verb) > 1:
            subcommands.append(_info("|".join(syntax.verb).lower(), syntax))
    plain = [Syntax.of(text) for text, _ in command.described if len(Syntax.of(text).verb) == 1]
    entry = _info(name.lower(), plain[0] if plain else Syntax(name, (name, ""), ()), bool(subcommands))
    return [*entry[:-1], subcommands]


def _info(name: str, syntax: Syntax, container: bool = False) -> list[Reply]:
    needed = len(syntax.verb) + sum(not each.optional for each in syntax.arguments)
    more = container or any(each.optional for each in syntax.arguments)
    return [name, -needed if more else needed, [Line("admin")], 0, 0, 0, [], [], [], []]


def _argument(argument: Argument) -> Reply:
    """redis-cli asserts that flags are simple strings."""
    flags = [Line("optional")] * argument.optional + [Line("multiple")] * argument.many
    told: dict[str, Reply] = {"name": argument.key.lower() if not argument.name else argument.name}
    if argument.choices:
        words = [{"name": each, "type": "pure-token", "token": each} for each in argument.choices]
        told |= {"type": "oneof", "arguments": words}
    else:
        told["type"] = "string" if argument.name else "pure-token"
    if argument.token:
        told["token"] = argument.token
    return told | {"flags": flags} if flags else told


def _group(command: Command | Courtesy) -> str:
    """``help @baton`` shows what the console is for; ``help @connection`` the rest."""
    return "connection" if isinstance(command, Courtesy) else "baton"
