"""Cutting what clients send: however the bytes come, the commands are the same, and what is wrong is what
Redis calls wrong."""

import socket
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.wire.encoding import command
from proxy.wire.requests import BULK_MAX, LENGTHS, LONG, BadRequest, RequestCutter, arguments, length
from tests.servers import RedisServer
from tests.wire.streams import commands_of, cut, empties, junk, mutated, places, replies_of, requests, wholes

PING = command("PING")
CASES = [
    PING,
    command("SET", b"a\r\n", b"") + b"\r\n*0\r\n" + PING,
    b"GET a\r\n\r\nSET \"a b\" 'c'\n*-1\r\n" + command("x" * 30) + b"*1\r\n$0\r\n\r\n",
    b"*1\rX$4\rYPINGzz" + PING,
]


@pytest.mark.parametrize("stream", CASES)
def test_two_cuts_anywhere_change_nothing(stream: bytes) -> None:
    whole = commands_of([stream])
    assert whole[2] and not whole[1]
    for first in range(len(stream) + 1):
        for second in range(first, len(stream) + 1):
            assert commands_of([stream[:first], stream[first:second], stream[second:]]) == whole


@given(requests, places)
def test_every_split_of_every_stream_gives_the_commands_of_the_whole(
    stream: list[bytes], at: list[int]
) -> None:
    data = b"".join(stream)
    frames, fault, boundary = commands_of([data])
    assert (fault, boundary) == ("", True)
    assert commands_of(cut(data, at)) == (frames, "", True)
    assert commands_of([data[n : n + 1] for n in range(len(data))]) == (frames, "", True)


@given(st.lists(wholes | empties, max_size=5))
def test_a_frame_is_the_bytes_that_came_and_empty_things_give_none(stream: list[bytes]) -> None:
    frames, _, _ = commands_of([b"".join(stream)])
    owing = [item for item in stream if not item.startswith((b"\r", b"\n", b" ", b"*0", b"*-"))]
    assert [whole for _, whole, _ in frames] == owing
    assert [command(*words) for _, _, words in frames] == owing
    assert [name for name, _, _ in frames] == [words[0].upper() for _, _, words in frames]


@given(requests, st.integers(0, 500))
def test_a_boundary_is_where_a_command_ends_and_nowhere_else(stream: list[bytes], place: int) -> None:
    data = b"".join(stream)
    place %= len(data) + 1
    ends = {sum(map(len, stream[:n])) for n in range(len(stream) + 1)}
    for half in cut(data[:place], [place // 2]), [data[:place]]:
        assert commands_of(half)[2] == (place in ends)


@given(junk | mutated(requests.map(b"".join)), places)
def test_what_is_wrong_is_wrong_however_it_is_cut(data: bytes, at: list[int]) -> None:
    assert commands_of(cut(data, at)) == commands_of([data])


SIZES = (LONG - 1, LONG, LONG + 1, 3 * LONG)


@given(
    st.lists(st.sampled_from([0, 5, *SIZES]), min_size=1, max_size=4),
    st.lists(st.integers(0, 10 * LONG), max_size=6),
)
def test_long_arguments_come_out_as_they_went_in(sizes: list[int], at: list[int]) -> None:
    long = command("SET", *(bytes([65 + n]) * size for n, size in enumerate(sizes)))
    data = PING + long + PING
    frames, fault, boundary = commands_of(cut(data, at))
    assert [whole for _, whole, _ in frames] == [PING, long, PING]
    assert (fault, boundary) == ("", True)


def test_a_long_command_is_kept_in_the_pieces_in_which_it_came() -> None:
    cutter = RequestCutter()
    head, body = b"*2\r\n$3\r\nSET\r\n$300000\r\n", b"v" * 100_000
    assert list(cutter.feed(head + body)) == []
    assert cutter.wants == 200_002 and cutter.held == len(head) + 100_000
    assert list(cutter.feed(body)) == []
    assert cutter.wants == 100_002
    [(name, frame)] = cutter.feed(body + b"\r\n")
    assert name == b"SET" and frame == [head + body, body, body + b"\r\n"]
    assert cutter.at_boundary and cutter.held == cutter.wants == 0


def test_a_long_command_of_short_arguments_is_not_copied_with_each_chunk() -> None:
    cutter = RequestCutter()
    chunks = [b"*20001\r\n$4\r\nMGET\r\n"] + [b"$8\r\nabcdefgh\r\n" * 1000] * 20
    frames = [frame for chunk in chunks for _, frame in cutter.feed(chunk)]
    [frame] = frames
    assert isinstance(frame, list) and b"".join(frame) == b"".join(chunks)
    assert max(map(len, frame)) <= LONG + len(chunks[1])


def test_a_claimed_size_costs_nothing() -> None:
    cutter = RequestCutter()
    claim = b"*2147483647\r\n$%d\r\n" % BULK_MAX
    assert list(cutter.feed(claim)) == []
    assert cutter.held == len(claim)


def test_a_name_of_any_length_is_a_name() -> None:
    cutter = RequestCutter()
    [(name, frame)] = [
        found for chunk in (b"*1\r\n$%d\r\n" % (LONG + 1), b"x" * (LONG + 3)) for found in cutter.feed(chunk)
    ]
    assert name and arguments(frame) == [b"x" * (LONG + 1)]


@given(st.integers(-(2**64), 2**64) | st.integers(-2000, 2000))
def test_a_length_is_read_as_redis_reads_it(number: int) -> None:
    fits = -(2**63) <= number < 2**63
    assert length(b"%d" % number) == (number if fits else None)
    for wrong in (b"+%d", b" %d", b"%d ", b"0%d", b"%d_0", b"-0%d", b"%d\r"):
        assert length(wrong % abs(number)) is None
    assert all(length(written) == value for written, value in LENGTHS.items())


def test_what_precedes_a_fault_is_yielded() -> None:
    cutter = RequestCutter()
    found = cutter.feed(PING + PING + b"*x\r\n" + PING)
    assert [next(found), next(found)] == [(b"PING", PING)] * 2
    with pytest.raises(BadRequest) as caught:
        next(found)
    assert caught.value.reply() == b"-ERR Protocol error: invalid multibulk length\r\n"


LONG_LINE = b"a" * 70_000
MALFORMED = [
    b"*abc\r\n",
    b"*\r\n",
    b"*-\r\n",
    b"*-0\r\n",
    b"*-01\r\n",
    b"*+1\r\n",
    b"*01\r\n",
    b"* 1\r\n",
    b"*1 \r\n",
    b"*1.0\r\n",
    b"*2147483648\r\n",
    b"*9223372036854775807\r\n",
    b"*9223372036854775808\r\n",
    b"*-9223372036854775809\r\n",
    b"*-99999999999999999999\r\n",
    b"*1\n$4\nPING\n\r\n",
    b"*1\r\n$\r\n",
    b"*1\r\n$-1\r\n",
    b"*1\r\n$-0\r\n",
    b"*1\r\n$04\r\n",
    b"*1\r\n$+4\r\n",
    b"*1\r\n$4 \r\n",
    b"*1\r\n$x\r\n",
    b"*1\r\n$%d\r\n" % (BULK_MAX + 1),
    b"*1\r\n$9999999999999999999\r\n",
    *(b"*1\r\n%c\r\n" % byte for byte in range(1, 256) if byte != ord("$")),
    b"*1\r\n+PING\r\n",
    b"*2\r\n$4\r\nPING\r\n*1\r\n$1\r\na\r\n",
    b"*2\r\n$4\r\nPINGxx+OK\r\n",
    PING + b"*1\r\n:1\r\n",
    b"*1" + LONG_LINE,
    b"*1" + b"1" * 65_535,
    b"*1" + LONG_LINE + b"\r\n",
    b"*1\0" + LONG_LINE,
    b"*1\r\n$1" + LONG_LINE,
    b"*1\r\n$4" + LONG_LINE + b"\r\n",
    b"*1\r\n$\0" + LONG_LINE,
    b"*1\r\nx" + LONG_LINE,
    LONG_LINE,
    b"a" * 65_537,
    b"\0" + LONG_LINE,
    b"PING\0\r\n" + LONG_LINE,
    b'ECHO "a\r\n',
    b"ECHO 'a\r\n",
    b'ECHO "a"b\r\n',
    b"ECHO 'a'b\r\n",
    b'ECHO "\\"\r\n',
    b"ECHO '\\'\r\n",
    b'ECHO "a\\\r\n',
]
ACCEPTED = [
    b"*-1\r\n" + PING,
    b"*0\r\n" + PING,
    b"*-9223372036854775808\r\n" + PING,
    b"*1048576\r\n",
    b"*1\r\n$%d\r\n" % BULK_MAX,
    b"*1\rX$4\rXPINGzz" + PING,
    b"*1" + b"1" * 65_534,
    b"*1\r\nx",
    b"*1\r\n\r",
    b"*1\0\r\n",
    b"*\x001\r\n",
    b"*1\r\n$4\0\r\nPING\r\n",
    b"*1\r\n\0\r\n",
    b"PING \0 x\r\nPING\r\n",
    b"PING\0\r\n",
    b"a" * 65_536,
    LONG_LINE + b"\r\n",
    b"\r\n\n  \n\tPING\n",
    b"\rPING\r\n",
    b"*1\r\n$0\r\n\r\n",
    b'""\r\n',
    b"+PING\r\n",
    b"$4\r\nPING\r\n",
    b"%1\r\n",
]


def to_the_end(connection: socket.socket) -> bytes:
    """All that the server says until it closes the connection."""
    said = b""
    try:
        while data := connection.recv(65_536):
            said += data
    except ConnectionResetError:
        pass  # it closed with bytes of ours unread
    return said


def test_a_malformed_request_gets_the_error_that_redis_gives_before_it_closes(
    redis_server: Callable[..., RedisServer],
) -> None:
    server = redis_server()
    for data in MALFORMED:
        frames, _, _ = commands_of([data])
        with server.raw() as connection, pytest.raises(BadRequest) as caught:
            connection.sendall(data)
            said = to_the_end(connection)
            list(RequestCutter().feed(data))
        assert said == b"+PONG\r\n" * len(frames) + caught.value.reply(), data[:40]


def test_what_redis_takes_is_taken_and_gives_as_many_replies(
    redis_server: Callable[..., RedisServer],
) -> None:
    server = redis_server()
    for data in ACCEPTED:
        frames, fault, _ = commands_of([data])
        with server.raw() as connection:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            said = to_the_end(connection)
        assert b"Protocol error" not in said and not fault, data[:40]
        assert len(replies_of([said])[0]) == len(frames), data[:40]
