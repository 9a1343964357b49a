"""What the clients of a crowd say, and what must come back, byte for byte."""

from __future__ import annotations

from attrs import frozen

VALUE = b"x" * 64


def command(*words: bytes) -> bytes:
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


def bulk(value: bytes) -> bytes:
    return b"$%d\r\n%s\r\n" % (len(value), value)


@frozen
class Exchange:
    """Sent in one piece, and the whole reply to it."""

    request: bytes
    reply: bytes


def set_and_get(key: bytes) -> tuple[Exchange, ...]:
    """A SET of 64 bytes and a GET of them, for ever."""
    return Exchange(command(b"SET", key, VALUE), b"+OK\r\n"), Exchange(command(b"GET", key), bulk(VALUE))


def transaction(key: bytes) -> tuple[Exchange, ...]:
    """A whole transaction at a time."""
    parts = (command(b"MULTI"), command(b"SET", key, VALUE), command(b"GET", key), command(b"EXEC"))
    reply = b"+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n+OK\r\n" + bulk(VALUE)
    return (Exchange(b"".join(parts), reply),)


DIALOGUES = {"values": set_and_get, "transactions": transaction}
