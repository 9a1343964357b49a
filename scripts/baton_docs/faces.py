"""What can be asked, made from the code: of the console, on the command line, over HTTP."""

import inspect
import re
from collections.abc import Iterator, Sequence

import click

from proxy.admin.console.commands import COMMANDS, COURTESIES
from proxy.admin.http.calls import Call
from proxy.admin.http.problems import PROBLEMS
from proxy.admin.http.table import CALLS
from proxy.settings import SETTINGS
from proxy.terminal.verbs import VERBS, baton
from scripts.baton_docs.markup import cell, code, table, text

GROUPS = {
    "asking": "To look",
    "steering": "To act",
    "setting": "To set",
}
"""The groups of the console's commands, in the order of the page, and their titles."""
EVERYWHERE = {"--admin", "--password-file", "--config", "--help"}
"""Options of every verb, told once by hand."""


def console() -> str:
    """Every form of every command of the console, by groups, and what its help says more."""
    parts = [part for group, title in GROUPS.items() for part in _group(group, title)]
    return "\n\n".join([*parts, "### The connection itself", _courtesies()])


def _courtesies() -> str:
    """What client libraries say before they ask."""
    rows = (
        (code(form), "yes" if courtesy.before_login else "", cell(meaning))
        for courtesy in COURTESIES.values()
        for form, meaning in courtesy.described
    )
    return table(("say", "before the password is given, too", "and it does"), rows)


def _group(group: str, title: str) -> Iterator[str]:
    yield f"### {title}"
    for name, command in COMMANDS.items():
        if command.group == group:
            yield f"#### {name}"
            yield f"{cell(command.meaning)}"
            forms = ((code(form), cell(meaning)) for form, meaning in command.described)
            yield table(("say", "and it does"), forms)
            if command.more:
                yield text(command.more)
            if command.example:
                yield f"For example: {code(command.example)}"


def command_line() -> str:
    """Every verb of `baton`: its help, and its options but those that every verb has."""
    top = click.Context(baton, info_name="baton")
    verbs = [(name, baton.get_command(top, name)) for name in VERBS]
    parts = [
        _verb(verb, click.Context(verb, info_name=name, parent=top), "###") for name, verb in verbs if verb
    ]
    return "\n\n".join(part for each in parts for part in each)


def _verb(verb: click.Command, context: click.Context, level: str) -> Iterator[str]:
    yield f"{level} {context.command_path}"
    yield text([verb.get_usage(context).removeprefix("Usage: ")])
    yield from map(_prose, filter(None, (verb.help, verb.epilog)))
    settings = {setting.flag for setting in SETTINGS.values()}
    options = {option.opts[0]: option for option in verb.params if isinstance(option, click.Option)}
    rows = [_option(option, context) for name, option in options.items() if name not in EVERYWHERE | settings]
    if rows:
        yield table(("option", "meaning"), rows)
    if len(settings & set(options)) > 2:
        yield "The other options are those [settings](settings.md) that have a flag."
    if isinstance(verb, click.Group):
        for name in verb.list_commands(context):
            if part := verb.get_command(context, name):
                yield from _verb(part, click.Context(part, info_name=name, parent=context), f"{level}#")


def _option(option: click.Option, context: click.Context) -> Sequence[str]:
    shown = option.get_help_record(context) or ("", "")
    return code(shown[0]), cell(shown[1])


def _prose(help_text: str) -> str:
    """A verb's help, paragraph by paragraph; what click is told to leave as it is stays so."""
    paragraphs = re.split(r"\n\s*\n", inspect.cleandoc(help_text).strip())
    return "\n\n".join(
        text(each.splitlines()[1:]) if each.startswith("\b") else cell(each) for each in paragraphs
    )


def endpoints() -> str:
    """Every call over HTTP: what it answers, what may be given to it."""
    return table(("call", "what it answers, and what may be given"), map(_endpoint, CALLS))


def _endpoint(call: Call) -> Sequence[str]:
    told = [cell(call.doc), *(f"{code(field.name)}: {cell(field.doc)}" for field in call.fields)]
    if call.streams:
        told.append(f"As a stream: {cell(call.streams)}")
    return code(f"{call.method} {call.path}"), "<br>".join(told)


def problems() -> str:
    """Every kind of problem over HTTP."""
    rows = ((str(kind.status), code(name), cell(kind.title)) for name, kind in PROBLEMS.items())
    return table(("status", "`type` ends with", "meaning"), rows)
