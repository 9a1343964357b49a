"""Replies of the console as bytes, in RESP2 or RESP3."""

from collections.abc import Mapping, Sequence

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


Reply = None | int | str | Line | Text | Error | Sequence["Reply"] | Mapping[str, "Reply"]


def clean(text: str) -> str:
    """On one line, and nothing in it that a terminal would obey."""
    return "".join(char if char.isprintable() else " " for char in text)


def encode(reply: Reply, protocol: int) -> bytes:
    """`reply` in RESP `protocol`, 2 or 3. A map is a flat array in RESP2."""
    match reply:
        case None:
            return b"_\r\n" if protocol == 3 else b"$-1\r\n"
        case int():
            return b":%d\r\n" % reply
        case str():
            return _bulk(_utf8(reply))
        case Line(text):
            return b"+%s\r\n" % _utf8(clean(text))
        case Text(text):
            return (
                b"=%d\r\ntxt:%s\r\n" % (len(_utf8(text)) + 4, _utf8(text))
                if protocol == 3
                else encode(text, 2)
            )
        case Error(text):
            return error(clean(text))
        case Mapping():
            size = b"%%%d\r\n" % len(reply) if protocol == 3 else b"*%d\r\n" % (2 * len(reply))
            pairs = (encode(name, protocol) + encode(value, protocol) for name, value in reply.items())
            return size + b"".join(pairs)
        case _:
            return b"*%d\r\n" % len(reply) + b"".join(encode(item, protocol) for item in reply)


def _bulk(data: bytes) -> bytes:
    return b"$%d\r\n%s\r\n" % (len(data), data)


def _utf8(text: str) -> bytes:
    """What cannot be encoded, a lone surrogate, is shown by its number."""
    return text.encode("utf-8", "backslashreplace")
