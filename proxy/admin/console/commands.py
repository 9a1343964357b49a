"""The table of commands, made of the groups, and who is answered by what is in it."""

import difflib
from collections.abc import Iterable, Mapping, Sequence

from proxy.admin.console import asking, handshake, listening, setting, steering
from proxy.admin.console.command import Command, Courtesy, Form
from proxy.admin.console.docs import docs_of, info_of
from proxy.admin.console.encoding import Error, Line, Reply
from proxy.admin.console.handshake import NOT_LET_IN
from proxy.admin.console.syntax import Given, Usage, shown
from proxy.admin.console.visitor import Visitor

ONLY_WHILE_SUBSCRIBED = (  # Redis's own text
    "Can't execute '{}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this"
    " context"
)


def find(visitor: Visitor, name: str) -> Command | Courtesy | Error:
    """What was meant, or why this visitor does not get it. Raises Usage."""
    name = name.upper()
    courtesy = COURTESIES.get(name)
    if not visitor.let_in and not (courtesy and courtesy.before_login):
        return NOT_LET_IN
    found = courtesy or command_named(name)
    if visitor.listens_only and not found.while_subscribed:
        raise Usage(ONLY_WHILE_SUBSCRIBED.format(name.lower()))
    return found


def command_named(name: str) -> Command:
    """Raises Usage, with what else may have been meant."""
    command = COMMANDS.get(name.upper())
    if command is None:
        close = difflib.get_close_matches(name[:64].upper(), COMMANDS, 1)
        meant = f"did you mean {close[0]}?" if close else f"the console knows {', '.join(COMMANDS)}"
        raise Usage(f"unknown command '{shown(name)}'; {meant}")
    return command


def understand(name: str, words: Sequence[str]) -> tuple[Form, Given]:
    """The form of a command that is meant, and what was given to it. Raises Usage."""
    command = command_named(name)
    if [word.upper() for word in words] == ["HELP"]:
        return HELP, Given({"command": name})
    return command.choose(name.upper(), words)


async def _help(visitor: Visitor, given: Given) -> Reply:
    name = given.text("command")
    if name is None:
        return _columns(form for command in COMMANDS.values() for form in command.described)
    command = command_named(name)
    example = [f"For example: {command.example}"] if command.example else []
    return [*_columns(command.described), *map(Line, [*command.more, *example])]


def _columns(forms: Iterable[tuple[str, str]]) -> list[Line]:
    """A form too long for its column stands on a line of its own."""
    lines = []
    for form, meaning in forms:
        if len(form) > _FORM_MAX:
            lines.append(Line(form))
            form = ""
        lines.append(Line(f"{form:{_FORM_MAX}}  {meaning}"))
    return lines


def describe(visitor: Visitor, words: list[str]) -> Reply:
    """COMMAND: of its DOCS redis-cli makes its own ``help``, and what it hints at as one types."""
    table: Mapping[str, Command | Courtesy] = {**COMMANDS, **COURTESIES}
    match [word.upper() for word in words]:
        case []:
            return [info_of(name, each) for name, each in table.items()]
        case ["COUNT"]:
            return len(table)
        case ["LIST"]:
            return [name.lower() for name in table]
        case ["INFO", *wanted]:
            return [info_of(name, table[name]) if name in table else None for name in wanted or table]
        case ["DOCS", *wanted]:
            return {name.lower(): docs_of(table[name]) for name in wanted or table if name in table}
    raise Usage("of COMMAND the console knows COUNT, DOCS, INFO and LIST; HELP tells what can be asked")


HELP = Form("HELP [command]", "What can be asked. Also: <command> HELP.", _help)

COMMANDS: dict[str, Command] = {
    "HELP": Command(
        group="asking",
        meaning="What can be asked.",
        forms=[HELP],
        more=["redis-cli keeps HELP for itself: there, say `help @baton`, or SWITCHOVER HELP."],
    ),
    **asking.COMMANDS,
    **listening.COMMANDS,
    **steering.COMMANDS,
    **setting.COMMANDS,
}
"""What the console is for."""

COURTESIES: dict[str, Courtesy] = {
    **handshake.COURTESIES,
    "COMMAND": Courtesy(
        meaning="What can be asked, for programs.",
        described=[
            ("COMMAND", "All commands, as Redis tells its own."),
            ("COMMAND COUNT", "How many there are."),
            ("COMMAND LIST", "Their names."),
            ("COMMAND INFO [command [command ...]]", "These alone."),
            (
                "COMMAND DOCS [command [command ...]]",
                "Their forms and meanings; redis-cli makes its hints of it.",
            ),
        ],
        answer=describe,
    ),
}
"""What client programs say of themselves."""

_FORM_MAX = 46
