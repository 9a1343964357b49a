"""Inline commands: a line of words, as a person types it. The rules are those of ``sdssplitargs`` in Redis's
sds.c."""

import re

BLANKS = b" \t\n\v\f\r"
"""What C's ``isspace`` skips between two words."""

_ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"a": b"\a"}
_DOUBLE = re.compile(rb'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_SINGLE = re.compile(rb"'((?:[^'\\]|\\'|\\(?!'))*)'", re.DOTALL)
_ESCAPED = re.compile(rb"\\(x[0-9a-fA-F]{2}|.)", re.DOTALL)
_BARE = re.compile(rb"""[^ \t\r\n"']+""")


class Unbalanced(Exception):
    """A quote was left open, or something stands right behind a closing one."""


def split_inline(line: bytes) -> list[bytes]:
    """The words of ``line``. Raises Unbalanced where Redis answers ``unbalanced quotes in request``."""
    words: list[bytes] = []
    pos = 0
    while True:
        while pos < len(line) and line[pos] in BLANKS:
            pos += 1
        if pos == len(line):
            return words
        word, pos = _word(line, pos)
        words.append(word)


def _word(line: bytes, pos: int) -> tuple[bytes, int]:
    word = b""
    while pos < len(line) and line[pos] not in b" \t\r\n":
        if line[pos] in b"\"'":
            quoted, pos = _quoted(line, pos)
            word += quoted
            if pos < len(line) and line[pos] not in BLANKS:
                raise Unbalanced
            return word, pos
        bare = _BARE.match(line, pos)
        assert bare is not None, "a byte that is neither blank nor quote begins a bare run"
        word += bare[0]
        pos = bare.end()
    return word, pos


def _quoted(line: bytes, pos: int) -> tuple[bytes, int]:
    if line[pos] == ord('"'):
        if double := _DOUBLE.match(line, pos):
            return _ESCAPED.sub(_unescape, double[1]), double.end()
    elif single := _SINGLE.match(line, pos):
        return single[1].replace(b"\\'", b"'"), single.end()
    raise Unbalanced


def _unescape(escape: re.Match[bytes]) -> bytes:
    code = escape[1]
    if len(code) == 3:
        return bytes([int(code[1:], 16)])
    return _ESCAPES.get(code, code)
