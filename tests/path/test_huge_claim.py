"""What a client only claims to send costs nobody anything: neither time nor memory."""

from __future__ import annotations

import pytest

from tests.path.test_flow import latency
from tests.path.way import Way


@pytest.mark.parametrize("claim", [b"*500000000\r\n", b"~500000000\r\n", b">500000000\r\n"])
def test_a_claimed_number_of_arguments_costs_nobody_anything(way: Way, claim: bytes) -> None:
    """hiredis makes room for what is claimed before any of it has come, which takes a second or many."""
    other, *odd = (way.talk() for _ in range(11))
    for talk in (other, *odd):
        assert talk.ask("PING") == "PONG"  # from here on what is plain is not looked at
    before = way.peak_kib()
    waited = 0.0
    for talk in odd:
        talk.socket.sendall(claim)
        waited += latency(other)
    assert waited < 1
    assert way.peak_kib() - before < 10 * 1024
