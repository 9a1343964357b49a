"""How a command is written, as its own text says it: by that words are read, and redis-cli is told.

``SWITCHOVER [TO host:port] [BUDGET ms] [DRYRUN]``: small letters stand for a value, whose name says of what
kind it is; what is in brackets may be left out; a word in capitals ahead of a value names it, and such
clauses may come in any order. A bare word that is no value's name belongs to the command: ``NODES ADD
host:port``.
"""

import re
from collections.abc import Callable, Mapping, Sequence

from attrs import field, frozen

from proxy.nodes.address import Address
from proxy.settings import BUDGET_MAX_MS

MANY_MAX = 64
"""Words where a form takes any number of them."""
NUMBER_MAX = 2**63 - 1
_SHOWN_MAX = 64


class Usage(ValueError):
    """The command or its arguments are wrong; the text says what would be right."""


def shown(word: str) -> str:
    """A word of whoever asked, short enough for an answer of one line."""
    return word if len(word) <= _SHOWN_MAX else f"{word[:_SHOWN_MAX]}…"


def _address(clause: str, text: str) -> str:
    try:
        address = Address.parse(text)
    except ValueError:
        address = None
    if address is None or address.port == 0:
        raise Usage(f"{clause} wants the host:port of a node, not '{shown(text)}'")
    return str(address)


def _number(what: str, least: int, most: int) -> Callable[[str, str], int]:
    def read(clause: str, text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) <= 19 and least <= int(text) <= most):
            raise Usage(f"{clause} wants {what}, from {least} to {most}, not '{shown(text)}'")
        return int(text)

    return read


def _text(clause: str, text: str) -> str:
    if not text:
        raise Usage(f"{clause} wants something, not ''")
    return text


STATES = ("plain", "multi", "watch", "blocked", "subscribed", "waiting", "monitor", "silent", "tracking")
"""What a client may be doing; plain is none of the others."""


def _one_of(*words: str) -> Callable[[str, str], str]:
    def read(clause: str, text: str) -> str:
        if text.lower() not in words:
            raise Usage(f"{clause} wants one of {', '.join(words)}, not '{shown(text)}'")
        return text.lower()

    return read


KINDS: Mapping[str, Callable[[str, str], str | int]] = {
    "host:port": _address,
    "ms": _number("milliseconds", 1, BUDGET_MAX_MS),
    "n": _number("a number", 1, NUMBER_MAX),
    "id": _number("the id of a client", 0, NUMBER_MAX),
    "db": _number("a database", 0, NUMBER_MAX),
    "state": _one_of(*STATES),
    "value": lambda clause, text: text,
    "text": lambda clause, text: text,
    **dict.fromkeys(("addr", "user", "name", "pattern", "section", "command", "channel", "password"), _text),
}
"""What is read where the text of a form has these names."""

_ARGUMENT = re.compile(
    r"\[(?P<flag>[A-Z]+)\]"
    r"|\[(?P<token>[A-Z]+) (?P<clause>[^\]]+)\]"
    r"|\[(?P<many>[^\] ]+) \[(?P=many) \.\.\.\]\]"
    r"|\[(?P<optional>[^\] ]+)\]"
    r"|(?P<required>\S+)"
)


@frozen
class Argument:
    """One of a form's; without a name it is a word that is there or not."""

    name: str
    token: str = ""
    optional: bool = False
    many: bool = False

    @property
    def choices(self) -> list[str]:
        """What it may be, if it is one of a few words."""
        return self.name.split("|") if "|" in self.name else []

    @property
    def key(self) -> str:
        """By which name a handler asks for it."""
        return self.token or self.name

    def read(self, clause: str, text: str) -> str | int:
        """The value that `text` stands for. Raises Usage."""
        return (_one_of(*self.choices) if self.choices else KINDS[self.name])(clause, text)


Values = Mapping[str, str | int | Sequence[str]]


@frozen
class Given:
    """What stood behind a command, checked. By the token of a clause, or by the name of a bare value."""

    values: Values = field(factory=dict)

    def text(self, key: str) -> str | None:
        value = self.values.get(key)
        return None if value is None else str(value)

    def number(self, key: str) -> int | None:
        value = self.values.get(key)
        return value if isinstance(value, int) else None

    def words(self, key: str) -> Sequence[str]:
        value = self.values.get(key, ())
        return [value] if isinstance(value, str) else value if isinstance(value, Sequence) else []

    def __contains__(self, key: str) -> bool:
        return key in self.values


@frozen
class Syntax:
    """One form, understood."""

    text: str
    verb: tuple[str, ...]
    arguments: tuple[Argument, ...]

    @classmethod
    def of(cls, text: str) -> "Syntax":
        words = text.split()
        literal = 1
        while literal < len(words) and words[literal].isalpha() and words[literal] not in KINDS:
            literal += 1
        found = _ARGUMENT.finditer(" ".join(words[literal:]))
        return cls(text, tuple(words[:literal]), tuple(_argument(each) for each in found))

    @property
    def words_max(self) -> int:
        """How many words there can be behind the verb."""
        return sum(MANY_MAX if each.many else bool(each.token) + bool(each.name) for each in self.arguments)

    def read(self, words: Sequence[str]) -> Given:
        """What the words behind the verb mean. Raises Usage."""
        if len(words) > self.words_max:
            raise Usage(f"{' '.join(self.verb)} does not take all that; it is {self.text}")
        by_token = {each.token: each for each in self.arguments if each.token}
        bare = [each for each in self.arguments if not each.token]
        values: dict[str, str | int | Sequence[str]] = {}
        left = list(words)
        while left:
            word = left.pop(0)
            clause = by_token.get(word.upper())
            if clause is None:
                if not bare:
                    raise Usage(
                        f"{self.verb[0]}: '{shown(word.upper())}' is not understood; it is {self.text}"
                    )
                taken = bare.pop(0)
                if taken.many:
                    values[taken.key] = [word, *left]
                    break
                values[taken.key] = taken.read(self.verb[-1], word)
            elif clause.token in values:
                raise Usage(f"{self.verb[0]}: {clause.token} is there twice")
            elif clause.name:
                values[clause.token] = clause.read(clause.token, left.pop(0) if left else "")
            else:
                values[clause.token] = clause.token
        absent = [each.name for each in bare if not each.optional]
        if absent:
            raise Usage(f"{' '.join(self.verb)} wants {' and '.join(absent)}; it is {self.text}")
        return Given(values)


def _argument(found: re.Match[str]) -> Argument:
    if found["flag"]:
        return Argument("", found["flag"], optional=True)
    if found["token"]:
        return Argument(found["clause"], found["token"], optional=True)
    if found["many"]:
        return Argument(found["many"], optional=True, many=True)
    if found["optional"]:
        return Argument(found["optional"], optional=True)
    return Argument(found["required"])
