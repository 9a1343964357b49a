"""The quick look: where it counts, the strict cutters find the same; where it cannot tell, it says 0."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.wire.counting import count_replies, count_requests
from proxy.wire.encoding import command
from tests.wire.streams import (
    NASTY,
    commands_of,
    junk,
    mutated,
    replies,
    replies_of,
    requests,
    values,
    wholes,
)

PLAIN = {b"GET", b"get", b"PING", b"Set", b"\xff"}
PING = command("PING")

# Two values, one behind the other, may seem to have a line end between them; that takes the slow way.
values_of_plain = (st.binary(max_size=12) | st.sampled_from(NASTY)).filter(
    lambda value: not value.endswith(b"\r") and not value.startswith(b"\n")
)
plain = st.builds(
    lambda name, rest: command(name, *rest),
    st.sampled_from(sorted(PLAIN)),
    st.lists(values_of_plain, max_size=4),
)


def check(data: bytes) -> None:
    """If the quick look counts, the strict cutter cuts as many, all plain, and nothing is left over."""
    if count := count_requests(data, PLAIN):
        frames, fault, boundary = commands_of([data])
        assert (len(frames), fault, boundary) == (count, "", True)
        assert all(words[0] in PLAIN for _, _, words in frames)
    assert count_requests(PING, PLAIN) == 1, "what was not counted must leave nothing behind"


@settings(max_examples=400)
@given(junk | requests.map(b"".join) | mutated(st.lists(wholes, max_size=5).map(b"".join)))
def test_what_counts_is_what_the_cutter_cuts(data: bytes) -> None:
    check(data)


@given(st.lists(plain, min_size=1, max_size=20))
def test_plain_commands_count(stream: list[bytes]) -> None:
    assert count_requests(b"".join(stream), PLAIN) == len(stream)


@given(st.lists(plain, min_size=1, max_size=4), st.lists(plain, min_size=1, max_size=2))
def test_a_part_of_a_command_makes_nothing_count_and_is_forgotten(
    stream: list[bytes], others: list[bytes]
) -> None:
    data, of_another = b"".join(stream), b"".join(others)
    ends = {sum(map(len, stream[:n])): n for n in range(len(stream) + 1)}
    for place in range(len(data)):
        assert count_requests(data[:place], PLAIN) == ends.get(place, 0)
        assert count_requests(of_another, PLAIN) == len(others)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PING\r\n",
        b"*0\r\n",
        b"*-1\r\n",
        b"*1\r\n+PING\r\n",
        b"*1\r\n=8\r\ntxt:PING\r\n",
        b"*2\r\n$3\r\nGET\r\n(12\r\n",
        b"*2\r\n$3\r\nGET\r\n=6\r\ntxt:ab\r\n",
        b"*2\r\n$3\r\nGET\r\n:1\r\n",
        b"*2\r\n$3\r\nGET\r\n$-1\r\n",
        b"*2\r\n$3\r\nGET\r\n_\r\n",
        b"*2\r\n$3\r\nGET\r\n#t\r\n",
        b"*2\r\n$3\r\nGET\r\n,1\r\n",
        b"*2\r\n$3\r\nGET\r\n-x\r\n",
        b"*2\r\n$3\r\nGET\r\n!1\r\nx\r\n",
        b"*2\r\n$3\r\nGET\r\n*1\r\n$1\r\na\r\n",
        b"*2\r\n$3\r\nGET\r\n~1\r\n$1\r\na\r\n",
        b"*2\r\n$3\r\nGET\r\n%1\r\n$1\r\na\r\n$1\r\nb\r\n",
        b"*2\r\n$3\r\nGET\r\n|1\r\n$1\r\na\r\n$1\r\nb\r\n",
        b"~1\r\n$4\r\nPING\r\n",
        b"*1\r\n$4\r\nPINGxx",
        b"*2\r\n$4\r\nPINGxx+OK\r\n",
        b"*1\r\n$4\r\nPINGxx~1\r\n$4\r\nPING\r\n",
        b">1\r\n$4\r\nPING\r\n",
        b"*1\r\n*1\r\n$4\r\nPING\r\n",
        b"*1\r\n$4\r\nping\r\n",
        b"*1\r\n$04\r\nPING\r\n",
    ],
)
def test_what_is_not_plain_does_not_count_alone_or_in_company(data: bytes) -> None:
    for chunk in (data, PING + data):
        assert count_requests(chunk, PLAIN) == 0 or chunk == PING
    if data:
        assert count_requests(data + PING, PLAIN) == 0
    assert count_requests(PING, PLAIN) == 1, "what was not counted must leave nothing behind"


@pytest.mark.parametrize("value", NASTY)
def test_a_value_that_looks_like_protocol_is_a_value(value: bytes) -> None:
    assert count_requests(command("GET", value) + PING, PLAIN) == 2


@given(replies)
def test_replies_count_as_the_cutter_cuts_or_not_at_all(stream: list[bytes]) -> None:
    data = b"".join(stream)
    count = count_replies(data)
    assert count in (0, len(stream))
    if any(reply.startswith((b">", b"|")) for reply in stream):
        assert count == 0
    assert count_replies(b"+OK\r\n") == 1, "what was not counted must leave nothing behind"


@given(junk | mutated(replies.map(b"".join)))
def test_junk_counts_as_the_cutter_cuts_or_not_at_all(data: bytes) -> None:
    if count := count_replies(data):
        whole, part, fault, boundary = replies_of([data])
        assert (part, fault, boundary) == (b"", "", True)
        assert len(whole) == count


PLAIN_REPLIES = (
    b"+OK\r\n",
    b"-ERR x\r\n",
    b":1\r\n",
    b"$-1\r\n",
    b"*-1\r\n",
    b"$1\r\na\r\n",
    b"*2\r\n*0\r\n:1\r\n",
    b"_\r\n",
    b"#f\r\n",
)


@given(st.lists(st.sampled_from(PLAIN_REPLIES), min_size=1, max_size=50))
def test_plain_replies_count(stream: list[bytes]) -> None:
    assert count_replies(b"".join(stream)) == len(stream)


@given(
    st.lists(values, min_size=1, max_size=3), st.lists(st.sampled_from(PLAIN_REPLIES), min_size=1, max_size=4)
)
def test_a_part_of_a_reply_makes_nothing_count_and_is_forgotten(
    stream: list[bytes], others: list[bytes]
) -> None:
    data, of_another = b"".join(stream), b"".join(others)
    ends = {sum(map(len, stream[:n])): n for n in range(len(stream) + 1)}
    for place in range(len(data)):
        assert count_replies(data[:place]) in (0, ends.get(place, 0))
        assert count_replies(of_another) == len(others)


def test_a_map_that_hiredis_cannot_build_is_left_to_the_cutter() -> None:
    assert count_replies(b"%1\r\n*1\r\n+a\r\n+b\r\n") == 0
    assert count_replies(b"+OK\r\n") == 1
