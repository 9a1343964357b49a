"""What a node says is measured before anybody makes room for it; what is made of it is what hiredis makes."""

import time
from typing import Any

import hiredis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.nodes.errors import ReplyError
from proxy.nodes.understanding import DEPTH_MAX, LINE_MAX, VALUES_MAX, Nonsense, Understanding
from tests.wire.streams import cut, places

lines = st.sampled_from([b"+OK", b"-ERR no", b":0", b":-5", b":123456", b"+"]).map(
    lambda line: line + b"\r\n"
)
bulks = st.binary(max_size=40).map(lambda value: b"$%d\r\n%s\r\n" % (len(value), value))
nulls = st.sampled_from([b"$-1\r\n", b"*-1\r\n", b"*0\r\n"])
replies = st.recursive(
    lines | bulks | nulls,
    lambda inner: st.lists(inner, max_size=5).map(lambda held: b"*%d\r\n%s" % (len(held), b"".join(held))),
    max_leaves=30,
)


def understood(chunks: list[bytes]) -> list[Any]:
    understanding = Understanding()
    return [reply for chunk in chunks if chunk for reply in understanding.feed(chunk)]


def by_hiredis(data: bytes) -> list[Any]:
    reader = hiredis.Reader(replyError=ReplyError)
    reader.feed(data)
    made = []
    while (reply := reader.gets()) is not False:
        made.append(reply)
    return made


@given(st.lists(replies, max_size=5).map(b"".join), places)
def test_it_makes_of_replies_what_hiredis_makes_however_they_are_cut(data: bytes, at: list[int]) -> None:
    assert str(understood(cut(data, at))) == str(by_hiredis(data))


@given(
    st.lists(replies, min_size=1, max_size=3).map(b"".join),
    st.binary(max_size=5),
    st.integers(0, 500),
    places,
)
def test_of_anything_else_it_makes_nonsense_or_waits(
    data: bytes, by: bytes, where: int, at: list[int]
) -> None:
    where %= len(data) + 1
    try:
        understood(cut(data[:where] + by + data[where + 1 :], at))
    except Nonsense as fault:
        assert len(str(fault)) < 200 and str(fault).isprintable()


@pytest.mark.parametrize(
    "claim",
    [b"*1000000000\r\n", b"*999999999999999999\r\n", b"*900000\r\n*900000\r\n", b"*1\r\n" * (DEPTH_MAX + 1)],
)
def test_a_claim_costs_nothing_and_an_impossible_one_is_nonsense(claim: bytes) -> None:
    began = time.process_time()
    with pytest.raises(Nonsense):
        understood([claim])
    with pytest.raises(Nonsense):
        understood([bytes([byte]) for byte in claim])
    assert time.process_time() - began < 0.2


def test_a_claim_that_can_be_is_waited_for_and_costs_nothing() -> None:
    understanding = Understanding()
    assert list(understanding.feed(b"*%d\r\n" % VALUES_MAX)) == []
    assert list(understanding.feed(b"$100000000\r\nx")) == []


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (b"+" + b"x" * LINE_MAX, "a line of more than"),
        (b"HTTP/1.1 400 Bad Request\r\n", "is no reply"),
        (b"%1\r\n", "is no reply"),
        (b"$3\r\nfigs\r\n", "does not end where it says"),
        (b"$-2\r\n", "is no reply"),
        (b"$999999999999\r\n", "is no reply"),
        (b":seven\r\n", "Bad integer"),
        (b"\0", "is no reply"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(said: bytes, why: str) -> None:
    with pytest.raises(Nonsense, match=why):
        understood([said])


def test_replies_ahead_of_nonsense_count() -> None:
    understanding, heard = Understanding(), []
    with pytest.raises(Nonsense):
        for reply in understanding.feed(b"+OK\r\n:7\r\nnonsense\r\n"):
            heard.append(reply)
    assert heard == [b"OK", 7]


def test_what_is_long_or_has_many_parts_is_made_too() -> None:
    many = b"*50000\r\n" + b":1\r\n" * 50_000
    long = b"$300000\r\n" + b"x" * 300_000 + b"\r\n"
    data = many + long + b"+OK\r\n"
    chunks = [data[at : at + 65_536] for at in range(0, len(data), 65_536)]
    assert understood(chunks) == [[1] * 50_000, b"x" * 300_000, b"OK"]
