"""Streams of commands and replies for hypothesis, with what they consist of, and ways to cut them."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from hypothesis import strategies as st

from proxy.wire.encoding import command
from proxy.wire.replies import BadReply, ReplyCutter
from proxy.wire.requests import BadRequest, RequestCutter, arguments

NASTY = (
    b"",
    b"\r\n",
    b"\r\n+OK\r\n",
    b"\r\n=4\r\ntxt:",
    b"\r\n(1\r\n",
    b"*1\r\n$4\r\nPING\r\n",
    b"$",
    b"\0",
    b"\n",
)
"""Values that look like protocol."""

words = st.binary(max_size=12) | st.sampled_from(NASTY)
names = st.sampled_from([b"GET", b"get", b"Set", b"PING", b"x" * 40, b"\xff"])
wholes = st.builds(lambda name, rest: command(name, *rest), names, st.lists(words, max_size=5))
empties = st.sampled_from([b"\r\n", b"\n", b" \t\r\n", b"*0\r\n", b"*-1\r\n", b"*-7\r\n"])


def quoted(word: bytes) -> bytes:
    """A word as an inline command may write it, whatever is in it."""
    return b'"%s"' % b"".join(b"\\x%02x" % byte for byte in word)


inlines = st.builds(
    lambda name, rest, end: b" ".join([name, *map(quoted, rest)]) + end,
    st.sampled_from([b"GET", b"ping", b"  ECHO"]),
    st.lists(words, max_size=3),
    st.sampled_from([b"\r\n", b"\n"]),
)
requests = st.lists(wholes | inlines | empties, max_size=6)
"""Each element is one command, or one thing that owes no answer."""

PIECES = (
    b"*1",
    b"*2",
    b"$4",
    b"$1",
    b"\r\n",
    b"\r",
    b"\n",
    b"PING",
    b"GET",
    b"+OK",
    b"=4",
    b"(1",
    b":1",
    b"$-1",
    b"*-1",
)
junk = st.lists(st.sampled_from(PIECES) | st.binary(max_size=3), max_size=24).map(b"".join)
"""Bytes that are nearly protocol."""


def mutated(whole: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """A stream with some bytes put in the place of others."""

    def change(data: bytes, at: int, length: int, by: bytes) -> bytes:
        at %= len(data) + 1
        return data[:at] + by + data[at + length :]

    return st.builds(
        change, whole, st.integers(0, 200), st.integers(0, 3), st.sampled_from(PIECES) | st.binary(max_size=2)
    )


lines = st.sampled_from(
    [
        b"+OK",
        b"+",
        b"+a\rb",
        b"-ERR no\r",
        b":0",
        b":-5",
        b"_",
        b"#t",
        b"#f",
        b",1.5",
        b",inf",
        b",nan",
        b"(12345678901234567890123",
    ]
).map(lambda line: line + b"\r\n")
nulls = st.sampled_from([b"$-1\r\n", b"*-1\r\n", b"_\r\n"])
bulks = words.map(lambda value: b"$%d\r\n%s\r\n" % (len(value), value))
marked = st.builds(
    lambda kind, value: b"%s%d\r\n%s\r\n" % (kind, len(value) + 4, b"txt:" + value),
    st.sampled_from([b"=", b"!"]),
    words,
)
scalars = lines | nulls | bulks | marked


def _holding(inner: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    many = st.lists(inner, max_size=3)
    pairs = st.lists(st.builds(bytes.__add__, inner, inner), max_size=2)
    return (
        st.builds(
            lambda kind, v: b"%s%d\r\n%s" % (kind, len(v), b"".join(v)), st.sampled_from([b"*", b"~"]), many
        )
        | pairs.map(lambda v: b"%%%d\r\n%s" % (len(v), b"".join(v)))
        | st.builds(lambda p, v: b"|%d\r\n%s%s" % (len(p), b"".join(p), v), pairs, inner)
    )


values = st.recursive(scalars, _holding, max_leaves=12)
pushes = st.lists(values, min_size=1, max_size=3).map(lambda v: b">%d\r\n%s" % (len(v), b"".join(v)))
replies = st.lists(values | pushes, max_size=6)
"""Each element is one reply or push, an attribute ahead of it included."""


NO_REPLIES = (
    b"hello\r\n",
    b"\r\n",
    b"GET / HTTP/1.1\r\n",
    b"+OK\r\n\0\r\n",
    b"$x\r\n",
    b"$\r\n",
    b"$+1\r\n",
    b"$-2\r\n",
    b"*?\r\n",
    b"*01\r\n",
    b"*-5\r\n",
    b"%-2\r\n",
    b"*1\r\nhello\r\n",
    b"x" * 33,
    b"$" + b"1" * 40,
    b"*1\r\n*" + b"0" * 40,
    b"*1\r\n\r\n",
    b"$-5\r\n",
)
"""Whoever sends this does not speak RESP."""


def cut(data: bytes, places: Iterable[int]) -> list[bytes]:
    """The data in chunks; a place beyond its end counts from the beginning again."""
    at = sorted({place % (len(data) + 1) for place in places} | {0, len(data)})
    return [data[a:b] for a, b in pairwise(at)]


places = st.lists(st.integers(0, 500), max_size=8)


def commands_of(chunks: Sequence[bytes]) -> tuple[list[tuple[bytes, bytes, list[bytes]]], str, bool]:
    """What a cutter makes of the chunks: names, bytes and words, the fault, and if nothing was left over."""
    cutter = RequestCutter()
    frames = []
    try:
        for chunk in chunks:
            for name, frame in cutter.feed(chunk):
                whole = frame if isinstance(frame, bytes) else b"".join(frame)
                frames.append((name, whole, arguments(frame)))
    except BadRequest as fault:
        return frames, str(fault), False
    return frames, "", cutter.at_boundary


def replies_of(chunks: Sequence[bytes]) -> tuple[list[bytes], bytes, str, bool]:
    """What a cutter makes of the chunks: replies, the part of one that has been given out, the fault, and if
    nothing was left over."""
    cutter = ReplyCutter()
    whole: list[bytes] = []
    part = b""
    try:
        for chunk in chunks:
            for piece, last in cutter.feed(chunk):
                part += piece
                if last:
                    whole.append(part)
                    part = b""
    except BadReply as fault:
        return whole, part, type(fault).__name__, False
    return whole, part, "", cutter.at_boundary
