"""The quick look, as Python and as C: what it counts the strict cutters cut, and what they cut it counts."""

import os
import shutil
import sysconfig
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.wire import counting
from proxy.wire.encoding import command
from proxy.wire.replies import BadReply
from tests.wire.builds import BUILDS, COMPILED_FILE, PYTHON, SOURCE
from tests.wire.streams import (
    NASTY,
    NO_REPLIES,
    commands_of,
    cut,
    junk,
    mutated,
    places,
    replies,
    replies_of,
    requests,
    values,
    wholes,
)

PLAIN = frozenset([b"GET", b"get", b"PING", b"Set", b"\xff"])
PING = command("PING")

values_of_plain = st.binary(max_size=12) | st.sampled_from((*NASTY, b"v" * 100, b"v" * 1024))
plain = st.builds(
    lambda name, rest: command(name, *rest),
    st.sampled_from(sorted(PLAIN)),
    st.lists(values_of_plain, max_size=4),
)

each_build = pytest.mark.parametrize("build", BUILDS.values(), ids=list(BUILDS))


def test_the_build_that_runs_is_the_one_that_can_be_had() -> None:
    assert not PYTHON.COMPILED
    compiler = shutil.which("cc") and Path(sysconfig.get_path("include"), "Python.h").exists()
    if compiler and "BATON_PURE" not in os.environ:
        assert counting.COMPILED, "./scripts/setup compiles it"
    if counting.COMPILED:
        late = SOURCE.stat().st_mtime - COMPILED_FILE.stat().st_mtime
        assert late < 60, "the source is newer than what was compiled of it; ./scripts/setup compiles it"


def plain_commands(data: bytes) -> int:
    """What count_requests is to tell, by the strict cutter."""
    frames, fault, boundary = commands_of([data])
    if fault or not boundary or not all(words[0] in PLAIN for _, _, words in frames):
        return 0
    return len(frames) if data == b"".join(command(*words) for _, _, words in frames) else 0


def ends_of(data: bytes) -> tuple[list[int], bool]:
    """Where the replies end, by the strict cutter, up to a fault; a push is one. Is there one?"""
    whole, _, fault, _ = replies_of([data])
    before = [reply.startswith(b">") for reply in [*whole, b">"]].index(True)
    ends = list(accumulate(map(len, whole[:before])))
    rest = data[ends[-1] if ends else 0 :]
    return ends, bool(fault) or (rest.startswith(b">") and b"\r\n" in rest)


@each_build
@settings(max_examples=400)
@given(data=junk | requests.map(b"".join) | mutated(st.lists(wholes, max_size=5).map(b"".join)))
def test_what_counts_is_what_the_cutter_cuts(build: Any, data: bytes) -> None:
    assert build.count_requests(data, PLAIN) == plain_commands(data)


@each_build
@given(stream=st.lists(plain, min_size=1, max_size=20))
def test_plain_commands_count(build: Any, stream: list[bytes]) -> None:
    assert build.count_requests(b"".join(stream), PLAIN) == len(stream)


@each_build
@given(stream=st.lists(plain, min_size=1, max_size=4))
def test_a_part_of_a_command_makes_nothing_count(build: Any, stream: list[bytes]) -> None:
    data = b"".join(stream)
    ends = {sum(map(len, stream[:n])): n for n in range(len(stream) + 1)}
    for place in range(len(data)):
        assert build.count_requests(data[:place], PLAIN) == ends.get(place, 0)


@each_build
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\r\n",
        b"\r\nPING\r\n",
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
        b"*01\r\n$4\r\nPING\r\n",
        b"*1\r\n$4\rxPING\r\n",
        b"*1\rx$4\r\nPING\r\n",
        b"*1\r\n$-4\r\nPING\r\n",
        b"*1\r\n$+4\r\nPING\r\n",
        b"*1\r\n$1*\r\nPING\r\n",
        b"*1\r\n$ 4\r\nPING\r\n",
        b"*1\r\n$\r\nPING\r\n",
        b"*\r\n$4\r\nPING\r\n",
        b"*99999999999999999999\r\n$4\r\nPING\r\n",
        b"*1\r\n$99999999999999999999\r\nPING\r\n",
        b"*1\r\n$18446744073709551620\r\nPING\r\n",
        b"*4294967297\r\n$4\r\nPING\r\n",
        b"*1\r\n$0\r\n\r\n",
    ],
)
def test_what_is_not_plain_does_not_count_alone_or_in_company(build: Any, data: bytes) -> None:
    for chunk in (data, PING + data):
        assert build.count_requests(chunk, PLAIN) == 0 or chunk == PING
    if data:
        assert build.count_requests(data + PING, PLAIN) == 0


@each_build
@pytest.mark.parametrize("value", NASTY)
def test_a_value_that_looks_like_protocol_is_a_value(build: Any, value: bytes) -> None:
    assert build.count_requests(command("GET", value) + PING, PLAIN) == 2


@each_build
@given(data=replies.map(b"".join) | junk | mutated(replies.map(b"".join)))
def test_replies_count_as_the_cutter_cuts_them(build: Any, data: bytes) -> None:
    ends, fault = ends_of(data)
    assert build.count_replies(data) == (0 if fault or data[ends[-1] if ends else 0 :] else len(ends))


@each_build
@settings(max_examples=400)
@given(
    data=replies.map(b"".join) | mutated(replies.map(b"".join)),
    counts=st.lists(st.integers(0, 3), max_size=5),
    before=st.sampled_from([b"", b"+OK\r\n"]),
)
def test_replies_end_where_the_cutter_ends_them(
    build: Any, data: bytes, counts: list[int], before: bytes
) -> None:
    ends, fault = ends_of(data)
    asked = [0, *accumulate(counts)][1:]
    expected = [len(before) + [0, *ends][n] for n in asked if n <= len(ends)]
    if fault and asked and asked[-1] > len(ends):
        with pytest.raises(BadReply):
            build.split_replies(before + data, len(before), counts)
    else:
        assert build.split_replies(before + data, len(before), counts) == expected


@each_build
@given(stream=st.lists(values, min_size=1, max_size=3))
def test_a_part_of_a_reply_makes_nothing_count_and_ends_nowhere(build: Any, stream: list[bytes]) -> None:
    data = b"".join(stream)
    ends = list(accumulate(map(len, stream)))
    for place in range(len(data)):
        whole = [end for end in ends if end <= place]
        assert build.split_replies(data[:place], 0, [1] * len(stream)) == whole
        assert build.count_replies(data[:place]) == ([0, *ends].index(place) if place in ends else 0)


@each_build
@pytest.mark.parametrize("data", [b">1\r\n+a\r\n", b"+OK\r\n>1\r\n+a\r\n", b">0\r\n+OK\r\n"])
def test_a_push_between_replies_is_a_fault_where_clients_share(build: Any, data: bytes) -> None:
    assert build.count_replies(data) == 0
    with pytest.raises(BadReply):
        build.split_replies(data, 0, [2])


@each_build
@pytest.mark.parametrize("data", NO_REPLIES)
def test_what_is_no_reply_is_a_fault(build: Any, data: bytes) -> None:
    assert build.count_replies(b"+OK\r\n" + data) == 0
    with pytest.raises(BadReply):
        build.split_replies(b"+OK\r\n" + data, 0, [1, 2])


@each_build
def test_a_push_within_a_reply_is_no_element_of_it(build: Any) -> None:
    data = b"*2\r\n:1\r\n>2\r\n+a\r\n*0\r\n$1\r\na\r\n"
    assert replies_of([data + b"+OK\r\n"]) == ([data, b"+OK\r\n"], b"", "", True)
    assert build.split_replies(data + b"+OK\r\n", 0, [1, 1]) == [len(data), len(data) + 5]


@each_build
def test_values_of_every_size_are_as_long_as_they_say(build: Any) -> None:
    for size in (*range(1100), 65_535, 999_999, 1_000_000, 1_000_001, 10_000_001):
        bulk, number = b"$%d\r\n%s\r\n" % (size, bytes(size)), b":%d\r\n" % size
        ends = [len(bulk), len(bulk) + len(number)]
        assert build.split_replies(bulk + number + b":1", 0, [1, 1, 1]) == ends
        assert build.count_replies(bulk + number) == 2
        if size < 1_000_000:  # beyond it, in doubt, the cutter decides
            assert build.count_requests(command("GET", bytes(size)) + PING, PLAIN) == 2


@each_build
@pytest.mark.parametrize("kind", [b"$", b"!", b"=", b"*", b"~", b"%", b"|", b">"])
@pytest.mark.parametrize("number", [b"999999", b"1000000", b"9999999", b"536870912", b"%d" % (2**63 - 1)])
def test_a_large_claim_waits_for_what_it_claims(build: Any, kind: bytes, number: bytes) -> None:
    data = b"*1\r\n" * 9 + b"%s%s\r\n:1\r\n$1\r\na\r\n" % (kind, number)
    assert build.count_replies(data * 20) == 0
    assert build.split_replies(b"+OK\r\n" + data, 0, [1, 1]) == [5]


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


@each_build
@given(stream=st.lists(st.sampled_from(PLAIN_REPLIES), min_size=1, max_size=50), at=places)
def test_plain_replies_count_and_are_given_to_whom_they_belong(
    build: Any, stream: list[bytes], at: list[int]
) -> None:
    assert build.count_replies(b"".join(stream)) == len(stream)
    shares = cut(bytes(len(stream)), at)
    ends = build.split_replies(b"".join(stream), 0, [len(share) for share in shares])
    owed = iter(stream)
    assert ends == list(accumulate(sum(len(next(owed)) for _ in share) for share in shares))


@each_build
def test_what_hiredis_cannot_build_counts(build: Any) -> None:
    assert build.count_replies(b"%1\r\n*1\r\n+a\r\n+b\r\n") == 1
