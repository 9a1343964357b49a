"""Conversations: what a few clients say, in which order, in which pieces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import frozen
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from tests.transparency.arguments import one_of, written
from tests.transparency.differences import (
    BEHIND_OTHERS,
    BLANKS,
    IN_MULTI,
    MONITORING,
    MUTED,
    MUTED_IN_MULTI,
    NOTHING,
    PROTOCOL_ERROR,
    SKIPPING,
    SWITCHED,
    LeftOut,
    left_out,
)
from tests.transparency.pools import Patience, Ref, Words
from tests.transparency.shapes import Shape

CLIENTS = 3


@frozen
class Raw:
    """Bytes that are no command, or a command written in a line."""

    data: bytes


Said = Words | Raw


@frozen
class Step:
    """What one client says in one go; ``cuts`` are the places at which it is sent in pieces."""

    client: int
    batch: tuple[Said, ...]
    cuts: tuple[int, ...] = ()


@frozen
class Conversation:
    """``patient``: blocking commands have no time limit, and the others go on while one is blocked. Else
    limits are short, and each command ends before anybody goes on."""

    protocols: tuple[int, ...]
    patient: bool
    steps: tuple[Step, ...]
    switch_at: int | None = None
    """Ahead of which step the primary is moved; None for never."""
    beside: bool = False
    """The steps go on while it is moved."""


OFTEN = {
    **dict.fromkeys(("MULTI", "EXEC", "SUBSCRIBE", "CLIENT TRACKING", "HELLO", "EVALSHA", "FCALL"), 12),
    "SELECT": 16,
    **dict.fromkeys(("WATCH", "DISCARD", "UNWATCH", "PSUBSCRIBE", "UNSUBSCRIBE", "PUNSUBSCRIBE", "RESET"), 8),
    **dict.fromkeys(("CLIENT REPLY", "CLIENT CACHING", "CLIENT SETNAME", "AUTH", "PUBLISH"), 8),
    **dict.fromkeys(("BLPOP", "BRPOP", "BLMOVE", "BRPOPLPUSH", "BLMPOP"), 6),
    **dict.fromkeys(("BZPOPMIN", "BZPOPMAX", "BZMPOP"), 6),
    **dict.fromkeys(("XREAD", "XREADGROUP", "EVAL", "SCRIPT LOAD", "CLIENT ID", "CLIENT UNBLOCK"), 10),
}
GROUPS = {"": 1, "cluster": 1, "server": 1, "connection": 3, "pubsub": 4, "scripting": 3, "transactions": 8}

LINES = (b"PING", b"GET s1", b"SET s1 'a b'", b'echo "\\x41\\n"', b"  INCR   n1 ", b"MULTI", b"EXEC", b"none")
EMPTY = (b"\r\n", b"*0\r\n", b"*-1\r\n", b"\n", b" \t\r\n")
BAD = (b"*1\r\nPING\r\n", b"*x\r\n", b"*1\r\n$-1\r\n", b'SET "a\r\n', b"*1\r\n$99999999999\r\n")
UNKNOWN: tuple[Words, ...] = (("NOSUCH", "x"), ("BATON.NOTHING",), ("",), ("get",), ("CLIENT", "NOSUCH"))


SET_UP: tuple[Words, ...] = (
    (),
    ("SELECT", "1"),
    ("CLIENT", "SETNAME", "name1"),
    ("AUTH", "u1", "p1"),
    ("HELLO", "3"),
    ("SUBSCRIBE", "ch1"),
)
"""What a conversation with a switchover may begin with."""


def weight(shape: Shape) -> int:
    """How often a command is said."""
    if shape.words[0] in ("ACL", "CLUSTER", "COMMAND"):
        return 1
    return OFTEN.get(shape.name, GROUPS.get(shape.group, 3))


def _raw(draw: DrawFn) -> Raw:
    kind = draw(st.integers(0, 20))
    if kind == 0:
        return Raw(draw(one_of(BAD)))
    if kind < 6:
        return Raw(draw(one_of(EMPTY)))
    return Raw(draw(one_of(LINES)) + draw(one_of((b"\r\n", b"\n"))))


def _together(draw: DrawFn, shapes: SearchStrategy[Shape]) -> list[tuple[int, list[Said]]]:
    """Several steps that belong together: commands by themselves seldom come to this."""
    one, other = draw(one_of(((0, 1), (1, 0), (1, 2), (2, 0))))
    key = draw(one_of(("l9", "l1")))
    sorted_key = draw(one_of(("z9", "z1")))
    wait, wait_ms = Patience(False), Patience(True)
    read_group: Words = ("XREADGROUP", "GROUP", "gr1", "co2", "BLOCK", wait_ms, "STREAMS", "x1", ">")
    some = [written(draw, draw(shapes)) for _ in range(draw(st.integers(0, 3)))]
    pick: list[list[tuple[int, list[Said]]]] = [
        [(one, [("MULTI",), *some, ("EXEC",)])],
        [(one, [("MULTI",)]), (one, [*some]), (other, [("INCR", "n1")]), (one, [("EXEC",)])],
        [(one, [("WATCH", "n1", "s9"), ("MULTI",), *some]), (other, [*some]), (one, [("EXEC",)])],
        [(one, [("BLPOP", key, "l2", wait), *some]), (other, [("RPUSH", key, "a", "b")])],
        [(one, [("BLPOP", "l9", wait), *some]), (other, [("RPUSH", "l9", "a", "b")])],
        [(one, [("BLMOVE", key, "l2", "LEFT", "RIGHT", wait)]), (other, [("LPUSH", key, "1")])],
        [(one, [("BZPOPMIN", sorted_key, wait), *some]), (other, [("ZADD", sorted_key, "5", "zz")])],
        [
            (one, [("XREAD", "BLOCK", wait_ms, "STREAMS", "x1", "$"), *some]),
            (other, [("XADD", "x1", "50-*", "f1", "v")]),
        ],
        [
            (one, [read_group]),
            (one, [read_group, *some]),
            (other, [("XADD", "x1", "60-*", "f1", "v"), ("XPENDING", "x1", "gr1")]),
        ],
        [
            (one, [("SUBSCRIBE", "ch1", "ch2"), ("PSUBSCRIBE", "ch*")]),
            (other, [("PUBLISH", "ch1", "m"), *some]),
        ],
        [(one, [("BLPOP", "l9", wait)]), (other, [("CLIENT", "UNBLOCK", Ref("id", one), "ERROR")])],
        [
            (one, [("CLIENT", "TRACKING", "ON"), ("GET", "s1")]),
            (other, [("SET", "s1", "new")]),
            (one, [("GET", "l1"), ("GET", "s1"), ("APPEND", "s1", "x"), ("LRANGE", "l1", "0", "-1"), *some]),
        ],
        [(one, [("CLIENT", "REPLY", "SKIP"), *some, ("PING",)])],
        [(one, [("SELECT", "1"), *some]), (other, [("SET", "s1", "new")]), (one, [("GET", "s1"), *some])],
        [(one, [("MONITOR",)]), (other, [*some]), (one, [*some])],
    ]
    return pick[draw(st.integers(0, len(pick) - 1))]


class Table:
    """The commands that are said, the frequent ones more than once."""

    def __init__(
        self, shapes: Mapping[str, Shape], switched: bool, version_s: tuple[LeftOut, ...] = ()
    ) -> None:
        self.besides = version_s + (SWITCHED if switched else ())
        besides = self.besides
        kept = [shape for name, shape in sorted(shapes.items()) if not left_out(name, *besides)]
        self.switched = switched
        self.shapes = st.sampled_from([shape for shape in kept for _ in range(weight(shape))])

    def conversations(self, steps: int = 8) -> SearchStrategy[Conversation]:
        """Conversations of at most so many steps."""
        return _conversations(self, steps)


@st.composite
def _conversations(draw: DrawFn, table: Table, most: int) -> Conversation:
    shapes = table.shapes
    said: list[tuple[int, list[Said]]] = []
    if table.switched and (first := draw(one_of(SET_UP))):
        said.append((draw(one_of((0, 1, 2))), [first]))
    for _ in range(draw(st.integers(1, most))):
        kind = draw(st.integers(0, 9))
        if kind <= 2:
            said += _together(draw, shapes)
            continue
        client = draw(one_of((0, 0, 1, 2)))
        count = draw(one_of((1, 1, 2, 3, 5)))
        said.append((client, [_said(draw, shapes) for _ in range(count)]))
    steps = []
    for client, batch in outside_multi(said, table.besides):
        cuts = draw(one_of((0, 0, 1, 3)))
        steps.append(Step(client, batch, tuple(draw(st.integers(1, 60)) for _ in range(cuts))))
    protocols = tuple(draw(one_of((2, 3))) for _ in range(CLIENTS))
    patient = draw(st.booleans())
    if not table.switched:
        return Conversation(protocols, patient, tuple(steps))
    place, beside = elsewhere(steps, draw(st.integers(0, len(steps))), draw(st.booleans()))
    return Conversation(protocols, patient, tuple(steps), place, beside)


def _said(draw: DrawFn, shapes: SearchStrategy[Shape]) -> Said:
    kind = draw(st.integers(0, 24))
    if kind == 0:
        return _raw(draw)
    if kind == 1:
        unknown: Words = draw(one_of(UNKNOWN))
        return unknown
    return written(draw, draw(shapes))


def outside_multi(
    said: Sequence[tuple[int, Sequence[Said]]], besides: tuple[LeftOut, ...] = ()
) -> list[tuple[int, tuple[Said, ...]]]:
    """Without what must not be said inside MULTI, or while CLIENT REPLY is off (see ``differences``)."""
    opened, muted, monitoring, skipping = ([False] * CLIENTS for _ in range(4))
    kept = []
    for client, batch in said:
        whole: list[Said] = []
        for each in batch:
            words = each.data.split() if isinstance(each, Raw) else each
            first = upper(words[0]) if words else ""
            muted[client] = muted[client] or (first == "CLIENT" and upper(words[-1]) == "OFF")
            left = besides
            left += IN_MULTI if opened[client] else ()
            left += MUTED if muted[client] else ()
            left += BEHIND_OTHERS if whole else ()
            left += SKIPPING if skipping[client] else ()
            left += MONITORING if monitoring[client] else ()
            left += MUTED_IN_MULTI if opened[client] and muted[client] else ()
            if left_out(name_of(each), *left):
                continue
            skipping[client] = skipping[client] or name_of(each) == "CLIENT REPLY"
            monitoring[client] = monitoring[client] or first == "MONITOR"
            if first == "MULTI":
                opened[client] = True
            elif first in ("EXEC", "DISCARD", "RESET") and len(words) == 1:
                opened[client] = False
            whole.append(each)
        if whole:
            kept.append((client, tuple(whole)))
    return kept


def elsewhere(steps: Sequence[Step], place: int, beside: bool) -> tuple[int, bool]:
    """A place for a switchover, this one or the next, at which no MULTI is open behind WATCH; beside the
    steps only where none is opened behind it (see ``differences.WATCHED_QUEUE``)."""
    watched, opened = [False] * CLIENTS, [False] * CLIENTS
    busy, risky = [False], [False]
    for step in steps:
        risk = False
        for said in step.batch:
            words = said.data.split() if isinstance(said, Raw) else said
            first, alone = (upper(words[0]) if words else ""), len(words) == 1
            if first == "WATCH":
                watched[step.client] = True
            elif first == "MULTI":
                opened[step.client] = True
            elif alone and first in ("EXEC", "DISCARD", "RESET", "UNWATCH"):
                if first != "UNWATCH":
                    opened[step.client] = False
                if not opened[step.client]:
                    watched[step.client] = False
            risk = risk or (watched[step.client] and opened[step.client])
        busy.append(any(map(all, zip(watched, opened, strict=True))))
        risky.append(risk)
    while place < len(steps) and busy[place]:
        place += 1
    return place, beside and not busy[place] and not any(risky[place + 1 :])


def upper(word: object) -> str:
    """A word in capitals, as text; empty for what is only known when it is said."""
    if isinstance(word, bytes):
        return word.decode(errors="replace").upper()
    return word.upper() if isinstance(word, str) else ""


def name_of(said: Said) -> str:
    """The first two words of a command, or the first if there is only one; some have a name of their own."""
    if isinstance(said, Raw):
        if said.data in BAD:
            return PROTOCOL_ERROR
        if said.data in EMPTY:
            return BLANKS if said.data.strip(b"\r\n").isspace() else NOTHING
        words = said.data.decode(errors="replace").upper().split()
    else:
        words = list(map(upper, said))
    if words[:1] == ["HELLO"] and "AUTH" in words:
        return "HELLO AUTH"
    if words == ["CLIENT", "REPLY", "ON"]:
        return "CLIENT REPLY ON"
    return " ".join(words[:2])
