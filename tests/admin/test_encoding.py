"""Replies as bytes, checked against what hiredis makes of them, and byte by byte where redis-cli cares."""

import hiredis
import pytest

from proxy.admin.console.encoding import Error, Line, Push, Reply, Text, clean, encode

ENCODED: list[tuple[Reply, bytes, bytes]] = [
    (None, b"$-1\r\n", b"_\r\n"),
    (7, b":7\r\n", b":7\r\n"),
    ("é", b"$2\r\n\xc3\xa9\r\n", b"$2\r\n\xc3\xa9\r\n"),
    ("", b"$0\r\n\r\n", b"$0\r\n\r\n"),
    ("\udc80", b"$1\r\n\x80\r\n", b"$1\r\n\x80\r\n"),
    ("\ud800", b"$6\r\n\\ud800\r\n", b"$6\r\n\\ud800\r\n"),
    (True, b":1\r\n", b"#t\r\n"),
    (False, b":0\r\n", b"#f\r\n"),
    (1.25, b"$5\r\n1.250\r\n", b",1.250\r\n"),
    (Push(["a", None]), b"*2\r\n$1\r\na\r\n$-1\r\n", b">2\r\n$1\r\na\r\n_\r\n"),
    (Line("OK"), b"+OK\r\n", b"+OK\r\n"),
    (Text("a\r\n"), b"$3\r\na\r\n\r\n", b"=7\r\ntxt:a\r\n\r\n"),
    (Error("ERR no"), b"-ERR no\r\n", b"-ERR no\r\n"),
    (Error("ERR \udc80\n."), b"-ERR   .\r\n", b"-ERR   .\r\n"),
    ([], b"*0\r\n", b"*0\r\n"),
    ([1, "a", [Line("b")]], b"*3\r\n:1\r\n$1\r\na\r\n*1\r\n+b\r\n", b"*3\r\n:1\r\n$1\r\na\r\n*1\r\n+b\r\n"),
    (
        {"a": 1, "b": "c"},
        b"*4\r\n$1\r\na\r\n:1\r\n$1\r\nb\r\n$1\r\nc\r\n",
        b"%2\r\n$1\r\na\r\n:1\r\n$1\r\nb\r\n$1\r\nc\r\n",
    ),
]


@pytest.mark.parametrize(("reply", "resp2", "resp3"), ENCODED)
def test_a_reply_has_one_form_in_each_protocol(reply: Reply, resp2: bytes, resp3: bytes) -> None:
    assert encode(reply, 2) == resp2
    assert encode(reply, 3) == resp3
    for data in (resp2, resp3):
        reader = hiredis.Reader()
        reader.feed(data)
        assert reader.gets() is not False or reply is False
        assert not reader.has_data()


def test_a_line_cannot_break_the_protocol_or_command_a_terminal() -> None:
    assert encode(Line("a\r\n+b\x1b[2J"), 2) == b"+a  +b [2J\r\n"
    assert clean("two  blanks stay") == "two  blanks stay"
