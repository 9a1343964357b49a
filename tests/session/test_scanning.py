"""Cursors carry the tag of the process that gave them out, and start over at any other."""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.session.scanning import TAG_SHIFT
from proxy.session.session import Send, Session, Want
from proxy.session.table import ask
from proxy.wire.encoding import command
from proxy.wire.replies import ReplyCutter
from proxy.wire.requests import arguments
from tests.servers import RedisServer
from tests.session.conversation import Conversation, new_session

HERE, ELSEWHERE = 0xA5A5, 0xFFFF
SCANS = [["SCAN"], ["SSCAN", "key"], ["hscan", "key"], ["ZSCAN", "key"]]


def tagged(cursor: int, tag: int = HERE) -> bytes:
    return b"%d" % (tag << TAG_SHIFT | cursor)


def at(tag: int) -> Session:
    session = new_session()
    session.tag = tag
    return session


def scan(session: Session, *words: str | bytes) -> tuple[list[bytes], Want]:
    """What goes to the node for this command, and the want of its reply."""
    name = words[0] if isinstance(words[0], bytes) else words[0].encode()
    [step] = ask(session, name.upper(), command(*words))
    assert isinstance(step, Send) and step.want is not None
    return arguments(step.frame), step.want


def asked(tag: int, cursor: bytes, *before: str) -> bytes:
    """The cursor that goes to the process of this tag."""
    words, _ = scan(at(tag), *(before or ("SCAN",)), cursor, "COUNT", "5")
    assert words[-2:] == [b"COUNT", b"5"] and words[: len(before)] == [word.encode() for word in before]
    return words[-3]


def given_out(session: Session, *pieces: bytes) -> bytes:
    """What the client gets of a reply."""
    _, want = scan(session, "SCAN", "0")
    return b"".join(want.take(session, piece, piece is pieces[-1]) for piece in pieces)


@pytest.mark.parametrize("words", SCANS)
@given(cursor=st.integers(1, 2**TAG_SHIFT - 1), tag=st.integers(1, 2**16 - 1))
def test_a_cursor_goes_on_where_it_came_from_and_starts_over_elsewhere(
    words: Sequence[str], cursor: int, tag: int
) -> None:
    reply = b"*2\r\n$%d\r\n%d\r\n*0\r\n" % (len(str(cursor)), cursor)
    got = given_out(at(tag), reply)
    assert got == b"*2\r\n$%d\r\n%b\r\n*0\r\n" % (len(tagged(cursor, tag)), tagged(cursor, tag))
    assert asked(tag, tagged(cursor, tag), *words) == b"%d" % cursor
    assert asked(tag ^ 1, tagged(cursor, tag), *words) == (b"0" if tag != 1 else tagged(cursor, tag))


@pytest.mark.parametrize("words", SCANS)
def test_a_scan_begins_and_ends_with_a_plain_zero(words: Sequence[str]) -> None:
    assert asked(HERE, b"0", *words) == b"0"
    assert given_out(at(HERE), b"*2\r\n$1\r\n0\r\n*0\r\n") == b"*2\r\n$1\r\n0\r\n*0\r\n"


def test_a_cursor_without_a_tag_starts_over() -> None:
    assert [asked(HERE, cursor) for cursor in (b"5", b"007", b"%d" % (2**TAG_SHIFT - 1))] == [b"0"] * 3


@pytest.mark.parametrize(
    "cursor",
    [
        b"",
        b"-1",
        b"+5",
        b" 5",
        b"5 ",
        b"5x",
        b"1e3",
        b"\xb2",
        b"%d" % 2**52,
        b"%d" % (2**64 - 1),
        b"9" * 5000,
    ],
)
def test_what_no_node_gave_out_passes_as_it_came(cursor: bytes) -> None:
    assert asked(HERE, cursor) == cursor


def test_a_largest_cursor_fits_a_double() -> None:
    largest = tagged(2**TAG_SHIFT - 1, 2**16 - 1)
    assert float(int(largest)) == int(largest) and asked(2**16 - 1, largest) == b"%d" % (2**TAG_SHIFT - 1)


def test_without_a_tag_everything_passes_as_it_came() -> None:
    reply = b"*2\r\n$1\r\n5\r\n*0\r\n"
    assert asked(0, tagged(5)) == tagged(5) and given_out(at(0), reply) == reply


def test_what_is_no_scan_passes_as_it_came() -> None:
    for words in (["SCAN"], ["SSCAN", "key"]):
        assert scan(at(HERE), *words)[0] == [word.encode() for word in words]
    large = b"*2\r\n$11\r\n%d\r\n*0\r\n" % 2**36
    for reply in (b"-ERR invalid cursor\r\n", b"!5\r\nERR x\r\n", b"*-1\r\n", b"_\r\n", b"+OK\r\n", large):
        assert given_out(at(HERE), reply) == reply


def test_of_a_long_answer_only_the_beginning_is_changed() -> None:
    value = b"*2\r\n$1\r\n7\r\n" * 30_000
    reply = b"*2\r\n$1\r\n5\r\n*2\r\n$5\r\nfield\r\n$%d\r\n%b\r\n" % (len(value), value)
    for size in (11, 12, 17, 64 * 1024 + 60, len(value)):
        cutter = ReplyCutter()
        pieces = [
            piece for at in range(0, len(reply), size) for piece, _ in cutter.feed(reply[at : at + size])
        ]
        got = given_out(at(HERE), *pieces)
        assert got == reply.replace(b"$1\r\n5", b"$%d\r\n%b" % (len(tagged(5)), tagged(5)), 1), size
        assert len(pieces) > 1


def filled(start: Callable[..., RedisServer]) -> RedisServer:
    server = start()
    for number in range(1000):
        server.command("SADD", "key", f"{number:04}x")
    return server


@pytest.mark.parametrize("protocol", [2, 3])
def test_cursors_inside_a_transaction_are_tagged_and_understood(
    redis_server: Callable[..., RedisServer], protocol: int
) -> None:
    talk = Conversation(filled(redis_server), at(HERE))
    talk.tell("HELLO", protocol)
    scanned = talk.tell("SSCAN", "key", 0)
    assert int(cursor_of(scanned)) >> TAG_SHIFT == HERE
    talk.tell_all(command("MULTI"), command("PING"), command("SSCAN", "key", cursor_of(scanned)))
    inside = talk.tell("EXEC").removeprefix(b"*2\r\n+PONG\r\n")
    assert inside == talk.tell("SSCAN", "key", cursor_of(scanned)) != scanned
    assert int(cursor_of(inside)) >> TAG_SHIFT == HERE


def test_a_scan_queued_before_a_move_starts_over_after_it(redis_server: Callable[..., RedisServer]) -> None:
    old, new = filled(redis_server), filled(redis_server)
    talk = Conversation(old, at(HERE))
    cursor = cursor_of(talk.tell("SSCAN", "key", 0))
    talk.tell_all(command("MULTI"), command("SSCAN", "key", cursor))
    talk.session.tag = ELSEWHERE
    talk.move(new)
    moved = talk.tell("EXEC").removeprefix(b"*1\r\n")
    assert int(cursor_of(moved)) >> TAG_SHIFT == ELSEWHERE
    assert moved == talk.tell("SSCAN", "key", 0)


def cursor_of(reply: bytes) -> bytes:
    return reply.split(b"\r\n")[2]
