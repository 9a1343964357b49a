"""Arguments for a command, as its documentation has them, and now and then wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from tests.transparency import pools
from tests.transparency.pools import Patience, Ref, Word, Words
from tests.transparency.shapes import Argument, Shape

Drawn = TypeVar("Drawn")
REPEATS = (1, 1, 2, 3)
JUNK: tuple[Word, ...] = ("", "x", "-1", b"\xff\x00", "NX", "s1")
PLAIN_KINDS = 9
"""One word in so many is written wrong, and one key in three is of another kind than the command wants."""


@cache
def one_of(pool: tuple[Drawn, ...]) -> SearchStrategy[Drawn]:
    """One of these; the strategies are kept, since making them costs more than drawing from them."""
    return st.sampled_from(pool)


def _choice(draw: DrawFn, pool: tuple[Word, ...]) -> Word:
    chosen: Word = draw(one_of(pool))
    return chosen


class Writer:
    """Writes the arguments of one command."""

    def __init__(self, draw: DrawFn, shape: Shape) -> None:
        self.draw = draw
        self.shape = shape
        self.keys = 0  # as many as were announced by a numkeys, if there was one

    def words(self) -> Words:
        return tuple(word for each in self.shape.arguments for word in self.argument(each))

    def argument(self, of: Argument) -> list[Word]:
        if of.optional and self.draw(st.booleans()):
            return []
        repeats = 1
        if of.multiple:
            repeats = self.keys if of.type == "key" and self.keys else self.draw(one_of(REPEATS))
        written: list[Word] = []
        for turn in range(repeats):
            if of.token and of.type != "pure-token" and (turn == 0 or of.multiple_token):
                written.append(of.token)
            written += self.value(of)
        return written

    def value(self, of: Argument) -> list[Word]:
        match of.type:
            case "pure-token":
                return [of.token or '""']
            case "oneof":
                return self.argument(self.draw(one_of(of.inner)))
            case "block":
                return [word for each in of.inner for word in self.argument(each)]
            case "key":
                return [self.key()]
            case "integer":
                return [self.integer(of)]
            case "double":
                return [Patience(False) if of.name == "timeout" else _choice(self.draw, pools.DOUBLES)]
            case "pattern":
                return [_choice(self.draw, pools.PATTERNS)]
            case "unix-time":
                return [_choice(self.draw, pools.UNIX_TIMES)]
        return [_choice(self.draw, pools.STRINGS.get(of.name, ("x", "1", "a")))]

    def key(self) -> Word:
        fitting = pools.KEYS.get(self.shape.group, pools.ANY_KEY)
        return _choice(self.draw, (*fitting * 4, *pools.ANY_KEY))

    def integer(self, of: Argument) -> Word:
        if of.name == "numkeys":
            self.keys = self.draw(one_of(REPEATS))
            return str(self.keys)
        if of.name == "timeout":
            return Patience(True)
        if of.name == "milliseconds":
            return Patience(True) if of.token == "BLOCK" else _choice(self.draw, ("100000", "1000000", "-1"))
        return _choice(self.draw, pools.INTEGERS.get(of.name, pools.NUMBERS))


def _one_of(*written: str) -> Callable[[DrawFn], Words]:
    """One of these argument lists, each written as words with blanks between."""
    ready = tuple(tuple(each.split()) for each in written)
    return lambda draw: draw(one_of(ready))


def _tracking(draw: DrawFn) -> Words:
    rest = draw(
        one_of(
            (
                "ON",
                "ON BCAST",
                "ON BCAST PREFIX s PREFIX l",
                "ON OPTIN",
                "ON OPTOUT",
                "ON NOLOOP",
                "ON PREFIX s",
                "OFF",
                "ON BCAST NOLOOP",
            )
        )
    )
    words: Words = tuple(rest.split())
    if words[0] == "ON" and draw(one_of((False, False, True))):
        words += ("REDIRECT", Ref("id", draw(st.integers(0, 2))))
    return words


def _wait(draw: DrawFn) -> Words:
    """None of the replicas that there are or are not, without a limit: it must end on both sides."""
    return (draw(one_of(("0", "-1", "x"))), Patience(True))


def _kill(draw: DrawFn) -> Words:
    who = draw(st.integers(0, 2))
    ways: tuple[Words, ...] = (
        ("ID", Ref("id", who)),
        ("ADDR", Ref("address", who)),
        ("ID", Ref("id", who), "SKIPME", "no"),
        ("ADDR", Ref("address", who), "SKIPME", "NO"),
        ("USER", "u2"),
        ("TYPE", "pubsub"),
        ("ID", "987654321"),
        ("LADDR", "127.0.0.1:1"),
        ("ID", "x"),
    )
    return draw(one_of(ways))


INSTEAD: Mapping[str, Callable[[DrawFn], Words]] = {
    "AUTH": _one_of("u1 p1", "u2 p2", "u1 no", "p1", "default x", "nobody p1"),
    "HELLO": _one_of(
        "", "2", "3", "3", "2 AUTH u1 p1", "3 AUTH u2 p2", "3 AUTH u1 no", "9", "3 SETNAME n", "x"
    ),
    "ACL SETUSER": _one_of("u3 on >p3 ~* +@all", "u3 off", "u2 -get", "u3 bad", "u2 +info", "u2 off"),
    "ACL DELUSER": _one_of("u3", "default", "u9"),
    "CONFIG SET": _one_of(
        "notify-keyspace-events KEA", "notify-keyspace-events E$", "notify-keyspace-events !", "nosuch 1"
    ),
    "CONFIG GET": _one_of("maxmemory", "nosuch", "notify-keyspace-events", "list-*", "databases"),
    "CLIENT TRACKING": _tracking,
    "CLIENT KILL": _kill,
    "CLIENT LIST": _one_of("", "TYPE normal", "TYPE pubsub", "TYPE nosuch", "ID x"),
    "CLIENT REPLY": _one_of("ON", "ON", "OFF", "SKIP", "x"),
    "WAIT": _wait,
    "SELECT": _one_of("1", "1", "1", "0", "16", "x"),
    "SPOP": _one_of("e3", "e9", "s1", "e1 100", "e2 100", "e2 0", "e2 -1", "e2 x"),
    "SETBIT": _one_of("b1 7 0", "b1 100 1", "b9 3 1", "s1 2 1", "b1 -1 1", "b1 7 2", "l1 1 1"),
    "SETRANGE": _one_of("s1 2 xx", "s9 5 x", "s1 -1 x", "l1 0 x", "s1 0 ", "s1 x x"),
    "BITFIELD": _one_of(
        "b1 GET u8 0", "b1 SET i16 #1 7", "b1 OVERFLOW FAIL INCRBY u2 100 3", "b1 GET u65 0", "l1 GET u8 0"
    ),
    "EXEC": _one_of("", "", "", "x"),
    "MULTI": _one_of("", "", "", "", "x"),
}
"""Where the documentation leaves open what would be of use here, or what would do harm."""


def written(draw: DrawFn, shape: Shape) -> Words:
    """A whole command."""
    instead = INSTEAD.get(shape.name)
    words: Words = instead(draw) if instead else Writer(draw, shape).words()
    fault = draw(st.integers(0, PLAIN_KINDS * 4))
    if fault == 1:
        words = words[:-1]
    elif fault == 2:
        words = (*words, draw(one_of(JUNK)))
    elif fault == 3 and words and not isinstance(words[-1], Patience):
        words = (*words[:-1], draw(one_of(JUNK)))
    elif fault == 4 and len(shape.words) > 1:
        return (shape.words[0], "HELP")
    name: Words = shape.words
    return (*(str(word).lower() for word in name), *words) if fault == 5 else (*name, *words)
