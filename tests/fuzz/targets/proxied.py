"""PROXY headers, cut anywhere: a header, the need for more, or one line that says why it is none."""

import ipaddress

from proxy.transport.proxied import BLOCK_MAX, BadHeader, Header, parse
from tests.fuzz.tape import CUT
from tests.fuzz.vocabulary import words

WORDS = words("proxied")


def throw(data: bytes) -> None:
    data = data.replace(CUT, b"")
    found = outcome(data)
    for size in range(min(len(data), 300)):
        early = outcome(data[:size])
        if isinstance(early, Header):
            assert early == found and early.size <= size
        elif early is not None:  # it cannot become one: nor has it
            assert isinstance(found, str)
    if isinstance(found, Header):
        assert 0 < found.size <= min(len(data), 16 + BLOCK_MAX)
        assert outcome(data[: found.size]) == found == outcome(data[: found.size] + b"PING\r\n")
        assert found.name.isprintable() and " " not in found.name
        if found.host:
            assert str(ipaddress.ip_address(found.host)) == found.host and found.host in found.name
    elif isinstance(found, str):
        assert len(found) < 300 and found.isprintable()
    else:
        assert len(data) < 16 + BLOCK_MAX


def outcome(data: bytes) -> Header | str | None:
    try:
        return parse(data)
    except BadHeader as fault:
        return str(fault)
