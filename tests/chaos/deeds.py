"""What clients do, and how the reply to it becomes part of the history."""

from typing import Any

from tests.chaos.history import Answer, Append, Count, Event, Fate, Look, Pop, Publish, Push, Read, Span, Swap
from tests.chaos.player import Deed


def is_number(reply: Any) -> bool:
    return isinstance(reply, int)


def is_text(reply: Any) -> bool:
    return isinstance(reply, str)


def is_text_or_nil(reply: Any) -> bool:
    return reply is None or isinstance(reply, str)


def is_digits_or_nil(reply: Any) -> bool:
    return reply is None or (isinstance(reply, str) and reply.isdigit())


def are_texts(reply: Any) -> bool:
    return isinstance(reply, list) and all(isinstance(value, str) for value in reply)


def is_element(reply: Any) -> bool:
    """Of a key, and in RESP3 with a score that is a number."""
    return reply is None or (isinstance(reply, list) and are_texts(reply[:2]) and len(reply) in (2, 3))


def are_entries(reply: Any) -> bool:
    try:
        return are_texts([word for entry in entries_of(reply) for word in entry])
    except (TypeError, ValueError, LookupError):
        return False


def append(key: str, value: str) -> Deed:
    return Deed(("RPUSH", key, value), lambda span, reply: [Append(span, key, value, reply)], is_number)


def read(key: str) -> Deed:
    def told(span: Span, reply: Any) -> list[Event]:
        return [] if reply is None else [Read(span, key, tuple(reply))]

    return Deed(("LRANGE", key, 0, -1), told, are_texts)


def count(key: str) -> Deed:
    return Deed(("INCR", key), lambda span, reply: [Count(span, key, reply)], is_number)


def look(key: str) -> Deed:
    def told(span: Span, reply: Any) -> list[Event]:
        return [Look(span, key, int(reply or 0))] if span.fate is Fate.DONE else []

    return Deed(("GET", key), told, is_digits_or_nil)


def swap(key: str, before: str, after: str) -> Deed:
    return Deed(("SET", key, after), lambda span, reply: [Swap(span, key, before, after)], is_text)


def echo(token: str) -> Deed:
    """The server says back what only this client says."""

    def told(span: Span, reply: Any) -> list[Event]:
        return [Answer(span, "ECHO", token, str(reply))] if span.fate is Fate.DONE else []

    return Deed(("ECHO", token), told, is_text)


def recall_own(key: str, wanted: str | None) -> Deed:
    """GET of what nobody else writes."""

    def told(span: Span, reply: Any) -> list[Event]:
        done = span.fate is Fate.DONE and wanted is not None
        return [Answer(span, f"GET {key}", str(wanted), str(reply))] if done else []

    return Deed(("GET", key), told, is_text_or_nil)


def push(key: str, value: str, right: bool = True) -> Deed:
    return Deed(
        ("RPUSH" if right else "LPUSH", key, value), lambda span, reply: [Push(span, key, value)], is_number
    )


def rank(key: str, value: str, score: int) -> Deed:
    """A push into a sorted set."""
    return Deed(("ZADD", key, score, value), lambda span, reply: [Push(span, key, value)], is_number)


def pop(command: str, *keys: str, timeout: float) -> Deed:
    """BLPOP and its like: the value is the second word of the answer."""

    def told(span: Span, reply: Any) -> list[Event]:
        return [Pop(span, keys, None if reply is None else str(reply[1]), timeout)]

    return Deed((command, *keys, f"{timeout:g}"), told, is_element)


def move(key: str, to: str, timeout: float) -> Deed:
    """BLMOVE: taken from one list and appended to another, in one step."""

    def told(span: Span, reply: Any) -> list[Event]:
        events: list[Event] = [Pop(span, (key,), reply, timeout)]
        return events if reply is None else [*events, Append(span, to, str(reply))]

    return Deed(("BLMOVE", key, to, "LEFT", "RIGHT", f"{timeout:g}"), told, is_text_or_nil)


def publish(channel: str, publisher: str, number: int, form: str = "PUBLISH") -> Deed:
    def told(span: Span, reply: Any) -> list[Event]:
        return [Publish(span, channel, number)]

    return Deed((form, channel, f"{publisher}#{number}"), told, is_number)


def add(key: str, value: str) -> Deed:
    return Deed(
        ("XADD", key, "*", "value", value), lambda span, reply: [Append(span, key, value, reply)], is_text
    )


def follow(key: str, place: str, value: str | None, block_ms: int) -> Deed:
    """XREAD BLOCK behind the last entry that was seen."""

    def told(span: Span, reply: Any) -> list[Event]:
        return [Read(span, key, values_of(reply), value)] if span.fate is Fate.DONE else []

    return Deed(("XREAD", "BLOCK", block_ms, "STREAMS", key, place), told, are_entries)


def assign(key: str, value: str) -> Deed:
    """XADD of what a consumer group is to take."""
    return Deed(("XADD", key, "*", "value", value), lambda span, reply: [Push(span, key, value)], is_text)


def consume(key: str, group: str, consumer: str, block_ms: int) -> Deed:
    def told(span: Span, reply: Any) -> list[Event]:
        values: tuple[str | None, ...] = values_of(reply) or (None,)
        return [Pop(span, (key,), value, block_ms / 1000) for value in values]

    words = ("XREADGROUP", "GROUP", group, consumer, "COUNT", 2, "BLOCK", block_ms, "STREAMS", key, ">")
    return Deed(words, told, are_entries)


def entries_of(reply: Any) -> list[tuple[str, str]]:
    """Return id and value of each entry in the answer to a read of one stream, in RESP2 or RESP3."""
    streams = list(reply.items()) if isinstance(reply, dict) else reply or []
    return [(place, fields[1]) for _, entries in streams for place, fields in entries]


def values_of(reply: Any) -> tuple[str, ...]:
    return tuple(value for _, value in entries_of(reply))
