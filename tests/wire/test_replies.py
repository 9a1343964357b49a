"""Cutting what nodes send: however the bytes come, the replies are the same; what is no RESP is a fault."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.wire.replies import LONG, BadReply, ReplyCutter
from tests.wire.streams import NO_REPLIES, cut, junk, mutated, places, replies, replies_of

CASES = [
    [b"+OK\r\n", b"$-1\r\n", b"*-1\r\n", b"_\r\n", b"*0\r\n", b"$0\r\n\r\n"],
    [b"*2\r\n*1\r\n:1\r\n$3\r\na\r\n\r\n", b"%1\r\n*1\r\n+k\r\n~1\r\n#t\r\n", b"-ERR x\r\n"],
    [b"|1\r\n+a\r\n*1\r\n+b\r\n*2\r\n|1\r\n+c\r\n+d\r\n:1\r\n:2\r\n", b">2\r\n+message\r\n%0\r\n"],
    [b"!5\r\nERR a\r\n", b"=6\r\ntxt:\r\n\r\n", b",1e5\r\n", b"(123\r\n"],
]


@pytest.mark.parametrize("stream", CASES)
def test_two_cuts_anywhere_change_nothing(stream: list[bytes]) -> None:
    data = b"".join(stream)
    for first in range(len(data) + 1):
        for second in range(first, len(data) + 1):
            found = replies_of([data[:first], data[first:second], data[second:]])
            assert found == (stream, b"", "", True)


@given(replies, places)
def test_every_split_of_every_stream_gives_the_replies_of_the_whole(
    stream: list[bytes], at: list[int]
) -> None:
    data = b"".join(stream)
    assert replies_of([data]) == (stream, b"", "", True)
    assert replies_of(cut(data, at)) == (stream, b"", "", True)
    assert replies_of([data[n : n + 1] for n in range(len(data))]) == (stream, b"", "", True)


@given(replies, st.integers(0, 500))
def test_a_boundary_is_where_a_reply_ends_and_nowhere_else(stream: list[bytes], place: int) -> None:
    data = b"".join(stream)
    place %= len(data) + 1
    ends = {sum(map(len, stream[:n])) for n in range(len(stream) + 1)}
    assert replies_of([data[:place]])[3] == (place in ends)


@given(junk | mutated(replies.map(b"".join)), places)
def test_junk_is_a_fault_or_waits_for_more_however_it_is_cut(data: bytes, at: list[int]) -> None:
    whole, _, fault, boundary = replies_of([data])
    found, _, same_fault, same_boundary = replies_of(cut(data, at))
    assert (found, same_fault, same_boundary) == (whole, fault, boundary)


@pytest.mark.parametrize("data", NO_REPLIES)
def test_what_is_no_reply_is_a_fault(data: bytes) -> None:
    assert replies_of([data])[2] == "BadReply"
    assert replies_of([data[n : n + 1] for n in range(len(data))])[2] == "BadReply"


def test_replies_ahead_of_a_fault_are_given_out() -> None:
    found = ReplyCutter().feed(b"+1\r\n+2\r\nx\r\n")
    assert [next(found), next(found)] == [(b"+1\r\n", True), (b"+2\r\n", True)]
    with pytest.raises(BadReply):
        next(found)


def test_a_null_map_is_one_reply() -> None:
    assert replies_of([b"%-1\r\n+OK\r\n"]) == ([b"%-1\r\n", b"+OK\r\n"], b"", "", True)


sizes = st.sampled_from([0, 3, LONG - 1, LONG, LONG + 1, 3 * LONG])


@given(st.lists(sizes, min_size=1, max_size=3), st.lists(st.integers(0, 10 * LONG), max_size=6))
def test_long_replies_pass_whole_in_pieces(many: list[int], at: list[int]) -> None:
    long = b"*%d\r\n" % len(many) + b"".join(b"$%d\r\n%s\r\n" % (n, b"v" * n) for n in many)
    stream = [b"+OK\r\n", long, b":1\r\n", long]
    assert replies_of(cut(b"".join(stream), at)) == (stream, b"", "", True)


def test_a_long_reply_is_given_out_as_it_comes() -> None:
    cutter = ReplyCutter()
    assert list(cutter.feed(b"$300000\r\n" + b"v" * 100_000)) == [(b"$300000\r\n" + b"v" * 100_000, False)]
    assert cutter.wants == 200_002 and not cutter.at_boundary
    assert list(cutter.feed(b"v" * 200_000)) == [(b"v" * 200_000, False)]
    assert list(cutter.feed(b"\r\n+OK\r\n")) == [(b"\r\n", True), (b"+OK\r\n", True)]
    assert cutter.at_boundary


def test_a_long_reply_of_short_values_is_given_out_as_it_comes() -> None:
    cutter = ReplyCutter()
    chunk = b"$8\r\nabcdefgh\r\n" * 6000
    pieces = [*cutter.feed(b"*18000\r\n" + chunk), *cutter.feed(chunk), *cutter.feed(chunk)]
    assert [last for _, last in pieces] == [False, False, True]
    assert b"".join(piece for piece, _ in pieces) == b"*18000\r\n" + 3 * chunk
