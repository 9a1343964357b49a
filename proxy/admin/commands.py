"""What an operator can ask, as a table. A handler gives a reply, or raises `Usage` or a `SwitchoverError`."""

import difflib
from collections.abc import Awaitable, Callable, Iterable, Sequence

from attrs import frozen

from proxy.admin.encoding import Line, Reply, Text, clean
from proxy.admin.operator import Finding, Operator
from proxy.nodes.address import Address
from proxy.settings import BUDGET_MAX_MS

Handler = Callable[[Operator, list[str]], Awaitable[Reply]]


class Usage(Exception):
    """The command or its arguments are wrong; the text says what would be right."""


@frozen
class Command:
    """One thing that can be asked: its forms with their meaning, and what ``<command> HELP`` adds."""

    forms: Sequence[tuple[str, str]]
    run: Handler
    words_max: int = 0
    more: Sequence[str] = ()
    carried_through: bool = False  # runs to its end even if whoever asked has gone

    @property
    def syntax(self) -> str:
        return " | ".join(form for form, _ in self.forms)


async def ask(operator: Operator, name: str, words: list[str]) -> Reply:
    """The reply to a command of the table."""
    command = find(name)
    if [word.upper() for word in words] == ["HELP"]:
        return [*_columns(command.forms), *map(Line, command.more)]
    if len(words) > command.words_max:
        raise Usage(f"{name.upper()} does not take all that; it is {command.syntax}")
    return await command.run(operator, words)


def find(name: str) -> Command:
    command = COMMANDS.get(name.upper())
    if command is None:
        close = difflib.get_close_matches(name.upper(), COMMANDS, 1)
        meant = f"did you mean {close[0]}?" if close else f"the console knows {', '.join(COMMANDS)}"
        raise Usage(f"unknown command '{_shown(name)}'; {meant}")
    return command


async def _ping(operator: Operator, words: list[str]) -> Reply:
    return words[0] if words else Line("PONG")


async def _help(operator: Operator, words: list[str]) -> Reply:
    if words:
        return await ask(operator, words[0], ["HELP"])
    return _columns([form for command in COMMANDS.values() for form in command.forms])


async def _nodes(operator: Operator, words: list[str]) -> Reply:
    return [Line(line) for line in operator.nodes()]


async def _clients(operator: Operator, words: list[str]) -> Reply:
    return [Line(line) for line in operator.clients()]


async def _info(operator: Operator, words: list[str]) -> Reply:
    """In the form of Redis's INFO, so that whatever reads that reads this."""
    sections = {name.lower(): fields for name, fields in operator.info().items()}
    asked = [word.lower() for word in words]
    if not asked or not {"all", "default", "everything"}.isdisjoint(asked):
        asked = list(sections)
    parts = []
    for section in asked:
        if section not in sections:
            raise Usage(f"INFO has no section '{_shown(section)}'; it has {', '.join(sections)}")
        fields = (f"{name}:{value}" for name, value in sections[section].items())
        parts.append("".join(f"{clean(line)}\r\n" for line in (f"# {section.capitalize()}", *fields)))
    return Text("\r\n".join(parts))


async def _check(operator: Operator, words: list[str]) -> Reply:
    return _findings(await operator.check(_clauses("CHECK", words, "TO").get("TO")))


def _findings(findings: Sequence[Finding]) -> Reply:
    width = max((len(finding.name) for finding in findings), default=0)
    shown = {"ok": "ok", "warn": "warn", "refuse": "REFUSE"}
    return [Line(f"{shown[each.verdict]:6} {each.name:{width}}  {each.text}") for each in findings]


async def _switchover(operator: Operator, words: list[str]) -> Reply:
    match [words[0].upper(), *words[1:]] if words else []:
        case ["STATUS"]:
            return operator.status()
        case ["RESOLVE", address]:
            return await operator.resolve(_address("RESOLVE", address))
        case ["STATUS" | "RESOLVE" as verb, *_]:
            raise Usage(f"it is SWITCHOVER {'STATUS' if verb == 'STATUS' else 'RESOLVE host:port'}")
    clauses = _clauses("SWITCHOVER", words, "TO", "BUDGET")
    budget = clauses.get("BUDGET")
    report = await operator.switchover(clauses.get("TO"), None if budget is None else int(budget))
    return report.flat()


def _clauses(name: str, words: list[str], *known: str) -> dict[str, str]:
    """Pairs such as ``TO host:port``, in any order; the values are checked."""
    clauses: dict[str, str] = {}
    for clause, value in zip(words[::2], [*words[1::2], ""], strict=False):
        clause = clause.upper()
        if clause not in known:
            raise Usage(f"{name}: '{_shown(clause)}' is not understood; it is {COMMANDS[name].syntax}")
        if clause in clauses:
            raise Usage(f"{name}: {clause} is there twice")
        clauses[clause] = _address(clause, value) if clause == "TO" else _budget(value)
    return clauses


def _address(clause: str, text: str) -> str:
    try:
        address = Address.parse(text)
    except ValueError:
        address = None
    if address is None or address.port == 0:
        raise Usage(f"{clause} wants the host:port of a node, not '{_shown(text)}'")
    return str(address)


def _budget(text: str) -> str:
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= BUDGET_MAX_MS):
        raise Usage(f"BUDGET wants milliseconds, from 1 to {BUDGET_MAX_MS}, not '{_shown(text)}'")
    return text


def _columns(forms: Iterable[tuple[str, str]]) -> list[Line]:
    return [Line(f"{form:{_FORM_WIDTH}}  {meaning}") for form, meaning in forms]


def _shown(word: str) -> str:
    return word if len(word) <= 64 else f"{word[:64]}…"


COMMANDS: dict[str, Command] = {
    "PING": Command([("PING [text]", "Answers PONG, or the text.")], _ping, 1),
    "HELP": Command([("HELP [command]", "What can be asked. Also: <command> HELP.")], _help, 1),
    "NODES": Command([("NODES", "The nodes: role, offset, link.")], _nodes),
    "INFO": Command([("INFO [section ...]", "The proxy's state, in the form of Redis's INFO.")], _info, 32),
    "CLIENTS": Command([("CLIENTS", "The clients, a line for each.")], _clients),
    "CHECK": Command(
        [("CHECK [TO host:port]", "The preflight of a switchover alone, check by check; touches nothing.")],
        _check,
        2,
        ["Each line: ok, warn or REFUSE, the check, what it found. One REFUSE, and SWITCHOVER is refused."],
    ),
    "SWITCHOVER": Command(
        [
            (
                "SWITCHOVER [TO host:port] [BUDGET ms]",
                "Move the primary; answers with the report when it is done.",
            ),
            ("SWITCHOVER STATUS", "What is under way, or how the last one ended."),
            ("SWITCHOVER RESOLVE host:port", "After a crash: make this node the primary."),
        ],
        _switchover,
        4,
        [
            "TO: without it, the candidate with its link up, the lowest replica-priority and the least lag.",
            "BUDGET: the longest hold; beyond it, before the promotion, the switchover is called off.",
            "REFUSED check: why     nothing was touched",
            "CALLEDOFF step: why    it was undone, clients go on with the old primary",
            "BUSY                   one is under way; SWITCHOVER STATUS tells its step",
            "Whoever asked may leave: it is carried through all the same.",
        ],
        carried_through=True,
    ),
}
_FORM_WIDTH = max(len(form) for command in COMMANDS.values() for form, _ in command.forms)
