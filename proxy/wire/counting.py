"""The quick look at a chunk: how many whole frames is it, and are they all of the plain kind?

hiredis is several times faster than any scanner in Python, but it never tells where a frame ends and it
reads more than Redis accepts in a request. Nor does its ``has_data`` tell that a frame is whole: it is False
behind an element of an array of which more are to come. So it is trusted only where its result proves the
bytes; in any other case the answer is 0, and the strict cutters of :mod:`proxy.wire.requests` and
:mod:`proxy.wire.replies` take over from the chunk's first byte:

* a number fed behind them is read as that number, and not as a part of what was not whole;
* the line ends of commands are counted, less those within values. An argument that came as ``$`` has two at
  most, as ``+`` or ``(`` it has one; only ``=`` could have three. So if no ``=`` stands outside a value, the
  full number proves that every argument came as ``$``; and ``~``, which is read as an array is, must stand in
  values only;
* what hiredis makes room for before it has come (an array of a million) is not fed to it;
* in replies, a push is owed to no command, and an attribute is no reply, so a chunk with one of them is not
  counted.

One Reader serves all connections, because it is empty between two calls.
"""

import re
from collections.abc import Container

import hiredis

NOTHING = object()
"""What a Reader gives when it has no whole frame; hiredis' own default, False, is also the reply ``#f``."""

LONG = 64 * 1024
"""Bytes. A chunk longer than this is left to the cutters, which skip a large bulk by its length."""

_HUGE = re.compile(rb"\*[0-9]{6}")
_HUGE_OTHERS = re.compile(rb"[~>][0-9]{6}")
_NUMBER, _NUMBER_WRITTEN = 7, b":7\r\n"


def _reader() -> hiredis.Reader:
    return hiredis.Reader(notEnoughData=NOTHING)


_requests = _reader()
_replies = _reader()


def count_requests(data: bytes, plain: Container[bytes]) -> int:
    """The number of commands in ``data`` if it is nothing but whole commands whose names are all in
    ``plain``, else 0."""
    global _requests
    if _HUGE.search(data) or ((b"~" in data or b">" in data) and _HUGE_OTHERS.search(data)):
        return 0
    gets = _requests.gets
    words: list[bytes] = []
    count = 0
    try:
        _requests.feed(data)
        while type(command := gets()) is list and command[0] in plain:
            words += command
            count += 1
        values = b"".join(words)  # a TypeError if one of them is no string
        if (
            command is NOTHING
            and data.count(b"\r\n") == 2 * len(words) + count + values.count(b"\r\n")
            and (b"=" not in data or data.count(b"=") == values.count(b"="))
            and (b"~" not in data or data.count(b"~") == values.count(b"~"))
        ):
            _requests.feed(_NUMBER_WRITTEN)
            if gets() == _NUMBER:
                return count
    except (TypeError, IndexError, hiredis.HiredisError):
        pass
    _requests = _reader()
    return 0


def count_replies(data: bytes) -> int:
    """The number of replies in ``data`` if it is nothing but whole replies, no push or attribute among them,
    else 0."""
    global _replies
    gets = _replies.gets
    count = 0
    try:
        _replies.feed(data)
        while (reply := gets()) is not NOTHING:
            if type(reply) is hiredis.PushNotification:
                break
            count += 1
        else:
            _replies.feed(_NUMBER_WRITTEN)
            if gets() == _NUMBER and not (b"|" in data and (data[:1] == b"|" or b"\r\n|" in data)):
                return count
    except (TypeError, hiredis.HiredisError):  # TypeError: a map whose key is an array cannot be built
        pass
    _replies = _reader()
    return 0
