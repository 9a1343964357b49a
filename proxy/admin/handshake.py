"""What redis-cli and client libraries say before they ask anything, answered as far as they need it."""

from collections.abc import Callable

from attrs import define

from proxy.admin.commands import COMMANDS, Usage
from proxy.admin.docs import docs_of
from proxy.admin.encoding import Error, Line, Reply
from proxy.release import VERSION

OK = Line("OK")
NO_PASSWORD = (  # Redis's own text, by which client libraries know what is wrong
    "AUTH <password> called without any password configured for the default user."
    " Are you sure your configuration is correct?"
)


@define
class Visitor:
    """One connection to the console."""

    id: int
    peer: str
    protocol: int = 2
    name: str = ""
    leaving: bool = False


def hello(visitor: Visitor, words: list[str]) -> Reply:
    """HELLO [2|3 [AUTH user password] [SETNAME name]]. On an error nothing has changed, as in Redis."""
    protocol, name = visitor.protocol, visitor.name
    if words:
        if words[0] not in ("2", "3"):
            return Error("NOPROTO unsupported protocol version")
        protocol = int(words[0])
    rest = words[1:]
    while rest:
        match [rest[0].upper(), *rest[1:]]:
            case ["SETNAME", name, *rest]:
                pass
            case ["AUTH", _, _, *_]:
                raise Usage(NO_PASSWORD)
            case _:
                raise Usage(f"Syntax error in HELLO option '{rest[0]}'")
    visitor.protocol, visitor.name = protocol, name
    return {
        "server": "baton",
        "version": VERSION,
        "proto": protocol,
        "id": visitor.id,
        "mode": "standalone",
        "role": "master",
        "modules": [],
    }


def auth(visitor: Visitor, words: list[str]) -> Reply:
    raise Usage(NO_PASSWORD)


def client(visitor: Visitor, words: list[str]) -> Reply:
    match [words[0].upper(), *words[1:]] if words else []:
        case ["SETNAME", name]:
            visitor.name = name
            return OK
        case ["GETNAME"]:
            return visitor.name or None
        case ["SETINFO", _, _]:
            return OK
        case ["ID"]:
            return visitor.id
        case ["INFO"]:
            return f"id={visitor.id} addr={visitor.peer} name={visitor.name} resp={visitor.protocol}"
    raise Usage(
        "of CLIENT the console knows SETNAME, GETNAME, SETINFO, ID, INFO; CLIENTS lists the proxy's clients"
    )


def command(visitor: Visitor, words: list[str]) -> Reply:
    """Of COMMAND DOCS redis-cli makes its own ``help``, and what it hints at as one types."""
    match [word.upper() for word in words]:
        case []:
            return []
        case ["COUNT"]:
            return len(COMMANDS)
        case ["DOCS", *wanted]:
            return {name.lower(): docs_of(name) for name in wanted or COMMANDS if name in COMMANDS}
    raise Usage("of COMMAND the console knows COUNT and DOCS; HELP tells what can be asked")


def select(visitor: Visitor, words: list[str]) -> Reply:
    if words != ["0"]:
        raise Usage("DB index is out of range")
    return OK


def reset(visitor: Visitor, words: list[str]) -> Reply:
    visitor.protocol, visitor.name = 2, ""
    return Line("RESET")


def leave(visitor: Visitor, words: list[str]) -> Reply:
    visitor.leaving = True
    return OK


HANDSHAKE: dict[str, Callable[[Visitor, list[str]], Reply]] = {
    "HELLO": hello,
    "AUTH": auth,
    "CLIENT": client,
    "COMMAND": command,
    "SELECT": select,
    "RESET": reset,
    "QUIT": leave,
}
