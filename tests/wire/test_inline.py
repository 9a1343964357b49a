"""Inline commands are split as Redis splits them."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from proxy.wire.inline import Unbalanced, split_inline
from tests.servers import RedisServer
from tests.wire.streams import quoted, replies_of

pieces = st.sampled_from(
    [
        "a",
        "\\",
        '"',
        "'",
        " ",
        "\t",
        "\v",
        "\f",
        "\r",
        "\\x4",
        "\\x41",
        "\\n",
        "\\r",
        "\\t",
        "\\a",
        "\\b",
        "\\q",
        '\\"',
        "\\'",
        "x",
        "é",
        '" ',
        "' ",
    ]
).map(lambda piece: piece.encode("latin-1"))
typed = st.lists(pieces, max_size=10).map(b"".join)


@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(line=typed)
@example(line=b"\"\\n\\r\\t\\b\\a\\q\\x41\\xg1\" '\\n\\a'")
def test_a_line_is_split_as_redis_splits_it(redis_server: Callable[..., RedisServer], line: bytes) -> None:
    with _server(redis_server).raw() as connection:
        connection.sendall(b"EVAL 'return ARGV' 0 " + line + b"\r\n")
        said = b""
        while not replies_of([said])[0]:
            said += connection.recv(65_536)
    try:
        words = split_inline(line)
    except Unbalanced:
        assert said == b"-ERR Protocol error: unbalanced quotes in request\r\n"
    else:
        assert said == b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words)


_started: dict[object, RedisServer] = {}


def _server(start: Callable[..., RedisServer]) -> RedisServer:
    """One server for all lines of a test."""
    if start not in _started:
        _started.clear()
        _started[start] = start()
    return _started[start]


@given(st.lists(st.binary(max_size=8), max_size=4))
def test_any_word_can_be_written_in_quotes(words: list[bytes]) -> None:
    assert split_inline(b"  ".join(map(quoted, words))) == words


@given(st.binary(max_size=60))
def test_any_line_is_split_or_unbalanced(line: bytes) -> None:
    try:
        split_inline(line)
    except Unbalanced:
        assert b'"' in line or b"'" in line


@pytest.mark.parametrize("line", [b'"' * 60_000, b"'\\" * 30_000, b'"' + b"\\" * 60_001, b"a'b'" * 15_000])
def test_a_line_of_quotes_costs_no_time(line: bytes) -> None:
    with pytest.raises(Unbalanced):
        split_inline(line + b'"')
