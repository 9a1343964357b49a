"""What comes by HTTP: an answer to what can be understood, no fault of ours, nothing done without the token.

An input is what is said, cut in pieces by :data:`CUT`; ``TOKEN`` in it stands for the token, which a fuzzer
would not find out.
"""

import re
from functools import cache
from typing import Any, cast

import trio

from proxy.admin.http.serving import _Server
from proxy.telling import Told, listen
from tests.fuzz.streams import Memory, serve
from tests.fuzz.tape import CUT, pieces
from tests.fuzz.vocabulary import words
from tests.http.recorder import TOKEN, Recorder

NAME = b"TOKEN"
NOT_HERE = (b"/metrics", b"/metric")
"""Nothing is counted in this room, and there is nothing in that path that one could choose."""
WORDS = words("http")


@cache
def server() -> Any:
    """One for all inputs: it takes a while to make."""
    return _Server(Recorder(), cast(Any, None), True, None)


def receiver(operator: Recorder, nursery: trio.Nursery) -> Any:
    serving = server()
    serving.operator, serving._nursery = operator, nursery
    return serving.receive


def throw(data: bytes) -> None:
    told: list[Told] = []
    stop = listen(told.append)
    operator = Recorder()
    stream = Memory(pieces(data.replace(NAME, TOKEN.encode()).replace(*NOT_HERE)))
    try:
        serve(stream, lambda nursery: receiver(operator, nursery))
    finally:
        stop()
    faults = [
        event for event in told if event["event"] == "-fault" and "NotImplemented" not in event["fault"]
    ]
    assert not faults, faults
    statuses = re.findall(rb"HTTP/1\.1 (\d{3})", bytes(stream.heard))
    assert b"500" not in statuses or any(event["event"] == "-fault" for event in told), bytes(stream.heard)
    if NAME not in data.replace(CUT, b""):
        assert not operator.asked, operator.asked
    assert TOKEN not in repr(told) and TOKEN.encode() not in stream.heard
