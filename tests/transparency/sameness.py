"""Ways in which two replies may be the same although their bytes are not."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from attrs import frozen

from tests.transparency.frames import Node

Names = Mapping[bytes, bytes]
"""What stands for whom on one side: ids and addresses of the conversation's clients, by their number."""


@frozen
class Known:
    """Who is who on each side."""

    straight: Names
    proxied: Names


Same = Callable[[Node, Node, Known], bool]
NUMBER = re.compile(rb"-?\d+(\.\d+)?")
MOMENT = re.compile(rb"\b1\d{12}-\d+\b")
"""An id that XADD made of the time."""


def unordered(a: Node, b: Node, known: Known) -> bool:
    """The same elements, in any order, however deep."""
    return _sorted(a) == _sorted(b)


def _sorted(node: Node) -> object:
    if not isinstance(node.value, tuple):
        return (node.kind, repr(node.value))
    elements = [_sorted(each) for each in node.value]
    if node.kind == b"%":
        elements = list(zip(elements[::2], elements[1::2], strict=True))
    return (node.kind, repr(sorted(elements, key=repr)))


def one_by_one(a: Node, b: Node, known: Known) -> bool:
    """Answers to UNSUBSCRIBE: the same channels, in any order, with the same counts in the same order."""

    def parts(answers: Node) -> tuple[object, ...]:
        told = [
            (each.kind, *(each.elements or (each,))) for each in answers.elements if not is_monitored(each)
        ]
        return ([each[:2] + each[3:] for each in told], sorted(repr(each[2:3]) for each in told))

    return parts(a) == parts(b)


def pairs(a: Node, b: Node, known: Known) -> bool:
    """The same pairs, in any order: what RESP2 says in the place of a map."""
    return a.kind == b.kind and _paired(a) == _paired(b)


def _paired(node: Node) -> list[tuple[str, str]]:
    flat = node.elements
    return sorted(zip(map(repr, flat[::2]), map(repr, flat[1::2]), strict=False))


def picked(a: Node, b: Node, known: Known) -> bool:
    """As many elements, of the same types, whatever they are; but none for none."""
    if a.kind != b.kind or (a.value is None) != (b.value is None) or a.kind == b"-":
        return a == b
    if not isinstance(a.value, tuple):
        return True
    return len(a.elements) == len(b.elements) and all(
        picked(one, other, known) for one, other in zip(a.elements, b.elements, strict=True)
    )


def numbers(a: Node, b: Node, known: Known) -> bool:
    """The same but for the numbers in it."""
    return _numberless(a) == _numberless(b)


def _numberless(node: Node) -> object:
    if isinstance(node.value, tuple):
        return (node.kind, tuple(map(_numberless, node.value)))
    if node.value is None or node.kind == b"-":
        return (node.kind, node.value)
    return (node.kind, NUMBER.sub(b"0", node.value))


def near(within: int) -> Same:
    """The same but for numbers above zero, which are no further apart than this."""

    def same(a: Node, b: Node, known: Known) -> bool:
        if a.kind != b.kind or len(a.elements) != len(b.elements):
            return False
        if a.elements:
            return all(same(one, other, known) for one, other in zip(a.elements, b.elements, strict=True))
        if a == b:
            return True
        one, other = a.text, b.text
        return one.isdigit() and other.isdigit() and abs(int(one) - int(other)) <= within

    return same


def moments(a: Node, b: Node, known: Known) -> bool:
    """The same but for the ids that are made of the time."""
    return _momentless(a) == _momentless(b)


def _momentless(node: Node) -> object:
    if isinstance(node.value, tuple):
        return (node.kind, tuple(map(_momentless, node.value)))
    return (node.kind, node.value if node.value is None else MOMENT.sub(b"now", node.value))


LINE = re.compile(rb"^\d+\.\d+ \[(\d+) [^]]*\] ")


REPLACED = re.compile(
    rb'(?i)("CLIENT" "REPLY") .*|("CLIENT" "TRACKING" .*"REDIRECT") "\d+"|("SCAN"|"[SHZ]SCAN" "[^"]*") "\d+"'
)
"""The node gets ids of its own, and ON for OFF and SKIP; a cursor of another node starts over."""


def monitored(a: Node, b: Node, known: Known) -> bool:
    """Two lines of MONITOR about the same command in the same db."""
    one, other = (REPLACED.sub(rb"\1\2\3", LINE.sub(rb"[\1] ", each.text)) for each in (a, b))
    return is_monitored(a) and is_monitored(b) and one == other


def is_monitored(node: Node) -> bool:
    """A line of MONITOR."""
    return node.kind == b"+" and LINE.match(node.text) is not None


AGES = (b"idle", b"inactive", b"seen-time", b"active-time")


PENDING = ([b"$", b"$", b":", b":"], [b"$", b":", b":"])
"""An entry that was delivered: its id, to whom if that is not clear, when or how long ago, and how often."""


def ages(a: Node, b: Node, known: Known) -> bool:
    """The same but for how long ago something was, and for ids that are made of the time."""
    return _ageless(a) == _ageless(b)


def _ageless(node: Node) -> object:
    if not isinstance(node.value, tuple):
        return _momentless(node)
    elements = list(map(_ageless, node.value))
    kinds = [each.kind for each in node.value]
    for at, each in enumerate(node.value):
        named = at > 0 and node.value[at - 1].text in AGES
        pending = kinds in PENDING and at == len(kinds) - 2
        if each.kind == b":" and (named or pending):
            elements[at] = "an age"
    return (node.kind, tuple(elements))


def groups(a: Node, b: Node, known: Known) -> bool:
    """The same but for that, and how many entries groups have read, as far as that is known."""
    return _ageless(_uncounted(a)) == _ageless(_uncounted(b))


def _uncounted(node: Node) -> Node:
    elements = list(map(_uncounted, node.elements))
    for at, each in enumerate(elements[1:], 1):
        if elements[at - 1].text in (b"entries-read", b"lag") and (each.kind in b":_" or each.value is None):
            elements[at] = Node(b"_", b"")
    return Node(node.kind, tuple(elements)) if isinstance(node.value, tuple) else node


def first(a: Node, b: Node, known: Known) -> bool:
    """The first element is the same, the others are of the same types."""
    kinds = [[each.kind for each in node.elements] for node in (a, b)]
    return a.kind == b.kind and kinds[0] == kinds[1] and a.elements[:1] == b.elements[:1]


def cursor(a: Node, b: Node, known: Known) -> bool:
    """A cursor and some elements: neither is the same on two servers."""
    if a.kind == b"-" or b.kind == b"-":
        return a == b
    return all(_is_scan(each) for each in (a, b))


def _is_scan(node: Node) -> bool:
    parts = node.elements
    return (
        len(parts) == 2
        and parts[0].text.isdigit()
        and parts[1].kind == b"*"
        and all(each.kind == b"$" for each in parts[1].elements)
    )


def kind(a: Node, b: Node, known: Known) -> bool:
    """Of the same type; an error is the same error."""
    return a == b if a.kind == b"-" else (a.kind, a.value is None) == (b.kind, b.value is None)


def fields(a: Node, b: Node, known: Known) -> bool:
    """Lines with the same names, whatever they say; sections and comments too."""

    def named(node: Node) -> list[bytes]:
        lines = [line.partition(b":")[0] for line in node.text.splitlines()]
        return [line for line in lines if not line.startswith((b"slave", b"db", b"errorstat_"))]

    return a.kind == b.kind and a.kind != b"-" and named(a) == named(b)


def clients(a: Node, b: Node, known: Known) -> bool:
    """The same of the same client, by the ids and addresses of each side."""
    return _renamed(a, known.straight) == _renamed(b, known.proxied)


def _renamed(node: Node, names: Names) -> object:
    if isinstance(node.value, tuple):
        return (node.kind, tuple(_renamed(each, names) for each in node.value))
    if node.value is None:
        return (node.kind, None)
    return (node.kind, names.get(node.value, node.value))


OWN_TO_THE_NODE = (b"age", b"idle", b"fd", b"laddr", b"qbuf", b"qbuf-free", b"argv-mem", b"multi-mem", b"rbs")
BUFFERS = (b"rbp", b"obl", b"oll", b"omem", b"tot-mem", b"events", b"ssub", b"cmd")
COUNTS = (b"tot-net-in", b"tot-net-out", b"tot-cmds")


def client_lines(a: Node, b: Node, known: Known) -> bool:
    """CLIENT LIST or INFO: of each of the conversation's clients the same, of others nothing."""
    if a.kind != b.kind or a.kind == b"-":
        return a == b
    return _lines(a, known.straight) == _lines(b, known.proxied)


def _lines(node: Node, names: Names) -> list[dict[bytes, bytes]]:
    found = []
    for line in node.text.removeprefix(b"txt:").splitlines():
        said = dict(word.partition(b"=")[::2] for word in line.split(b" "))
        if said.get(b"id") not in names:
            continue
        told = {
            name: value for name, value in said.items() if name not in (*OWN_TO_THE_NODE, *BUFFERS, *COUNTS)
        }
        for name in (b"id", b"addr", b"redir"):
            told[name] = names.get(told.get(name, b""), told.get(name, b""))
        found.append(told)
    return sorted(found, key=repr)
