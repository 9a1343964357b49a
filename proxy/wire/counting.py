"""The quick look at a chunk: how many whole frames is it, and are they all of the plain kind?

hiredis is several times faster than any scanner in Python, but it never tells where a frame ends and it reads
more than Redis accepts in a request. So it is trusted only where its result proves the bytes:

* a chunk counts only if it was consumed to its last byte; any remainder, and any oddity, makes the answer 0,
  and the strict cutters of :mod:`proxy.wire.requests` and :mod:`proxy.wire.replies` take over from the
  chunk's first byte;
* in a request every argument must have come as ``$``: other types give no ``bytes``, except ``+``, ``=`` and
  ``(``, and a chunk with one of these at a line's start is not counted (a value with such a line merely takes
  the slow way); one that stands behind a bulk without its CRLF goes unnoticed here, and the node answers the
  protocol error itself;
* a push is owed to no command, and an attribute is no reply, so a chunk with one of them is not counted.

One Reader serves all connections, because it is empty between two calls.
"""

from collections.abc import Container

import hiredis

NOTHING = object()
"""What a Reader gives when it has no whole frame; hiredis' own default, False, is also the reply ``#f``."""

LONG = 64 * 1024
"""Bytes. A chunk longer than this is left to the cutters, which skip a large bulk by its length."""


def _reader() -> hiredis.Reader:
    return hiredis.Reader(notEnoughData=NOTHING)


_requests = _reader()
_replies = _reader()


def count_requests(data: bytes, plain: Container[bytes]) -> int:
    """The number of commands in ``data`` if it is nothing but whole commands whose names are all in
    ``plain``, else 0."""
    global _requests
    reader = _requests
    gets = reader.gets
    count = 0
    try:
        reader.feed(data)
        while (command := gets()) is not NOTHING:
            if type(command) is not list or command[0] not in plain:
                break
            b"".join(command)  # a TypeError if an argument is no string
            count += 1
        else:
            if not reader.has_data():
                return 0 if b"\r\n+" in data or b"\r\n=" in data or b"\r\n(" in data else count
    except (TypeError, IndexError, hiredis.HiredisError):
        pass
    _requests = _reader()
    return 0


def count_replies(data: bytes) -> int:
    """The number of replies in ``data`` if it is nothing but whole replies, no push or attribute among them,
    else 0."""
    global _replies
    reader = _replies
    gets = reader.gets
    count = 0
    try:
        reader.feed(data)
        while (reply := gets()) is not NOTHING:
            if type(reply) is hiredis.PushNotification:
                break
            count += 1
        else:
            if not reader.has_data():
                return 0 if b"\r\n|" in data or data[:1] == b"|" else count
    except (TypeError, hiredis.HiredisError):  # TypeError: a map whose key is an array cannot be built
        pass
    _replies = _reader()
    return 0
