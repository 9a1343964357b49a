"""Replies of the console as bytes, in RESP2 or RESP3."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from attrs import frozen

from proxy.wire.encoding import error


@frozen
class Line:
    """A simple string: ``redis-cli`` shows it as it is, without quotes."""

    text: str


@frozen
class Text:
    """Many lines, to be read as they are: verbatim in RESP3."""

    text: str


@frozen
class Error:
    """An error; the text begins with its kind, as in ``ERR no such thing``."""

    text: str


@frozen
class Push:
    """What was not asked for just now: a push in RESP3, an array in RESP2."""

    items: Sequence["Reply"]


@frozen
class Parting:
    """What is done may leave nobody to answer, so the answer is sent first."""

    reply: "Reply"
    deed: Callable[[], None]


Reply = (
    None
    | int
    | float
    | str
    | Line
    | Text
    | Error
    | Push
    | Parting
    | Sequence["Reply"]
    | Mapping[str, "Reply"]
)


def clean(text: str) -> str:
    """On one line, and nothing in it that a terminal would obey."""
    return "".join(char if char.isprintable() else " " for char in text)


def encode(reply: Reply, protocol: int) -> bytes:
    """`reply` in RESP `protocol`, 2 or 3. A map is a flat array in RESP2, a float its text, a truth 1 or
    0."""
    match reply:
        case None:
            return b"_\r\n" if protocol == 3 else b"$-1\r\n"
        case bool() if protocol == 3:
            return b"#t\r\n" if reply else b"#f\r\n"
        case int():
            return b":%d\r\n" % reply
        case float():
            number = f"{reply:.3f}".encode()
            return b",%s\r\n" % number if protocol == 3 else _bulk(number)
        case str():
            return _bulk(_utf8(reply))
        case Line(text):
            return b"+%s\r\n" % _utf8(clean(text))
        case Text(text):
            whole = _utf8(text)
            return b"=%d\r\ntxt:%s\r\n" % (len(whole) + 4, whole) if protocol == 3 else _bulk(whole)
        case Error(text):
            return error(clean(text))
        case Parting(reply):
            return encode(reply, protocol)
        case Push(items):
            sign = b">" if protocol == 3 else b"*"
            return sign + encode(items, protocol)[1:]
        case _:
            return b"".join(pieces(reply, protocol))


def pieces(reply: Reply, protocol: int) -> Iterator[bytes]:
    """The same, bit by bit: each item of a list by itself, so that nothing waits until all of it is made."""
    if isinstance(reply, Mapping):
        yield b"%%%d\r\n" % len(reply) if protocol == 3 else b"*%d\r\n" % (2 * len(reply))
        for name, value in reply.items():
            yield encode(name, protocol) + encode(value, protocol)
    elif isinstance(reply, Sequence) and not isinstance(reply, str):
        yield b"*%d\r\n" % len(reply)
        for item in reply:
            yield encode(item, protocol)
    else:
        yield encode(reply, protocol)


def _bulk(data: bytes) -> bytes:
    return b"$%d\r\n%s\r\n" % (len(data), data)


def _utf8(text: str) -> bytes:
    """Bytes that were no UTF-8 go as they came; what cannot be encoded at all is shown by its number."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace")
