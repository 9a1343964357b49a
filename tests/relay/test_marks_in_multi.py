"""A mark that is queued, since a RESP3 subscriber has a MULTI open, is in nobody's answer."""

import pytest

from proxy.relay.marks import Mark
from proxy.wire.encoding import command
from tests.relay.bench import Bench

QUEUED = b"+QUEUED\r\n"


@pytest.fixture
def queued(bench: Bench) -> Bench:
    """A client with MULTI, CLIENT ID, the mark and SELECT 3 in its queue, and a switchover called off."""
    bench.client.session.protocol = 3
    bench.says(command("MULTI") + command("CLIENT", "ID"))
    bench.answers(b"+OK\r\n" + QUEUED)
    bench.lane.owe_wanted(bench.client, Mark(bench.lane, lifted=True))
    bench.answers(QUEUED)
    bench.says(command("SELECT", 3))
    bench.answers(QUEUED)
    bench.at_node()
    assert bench.at_app() == b"+OK\r\n" + QUEUED + QUEUED
    return bench


def test_exec_is_answered_without_it(queued: Bench) -> None:
    queued.says(command("EXEC"))
    queued.answers(b"*3\r\n:77\r\n+PONG\r\n+OK\r\n")
    own = b":%d\r\n" % (2**40 + queued.client.number)
    assert queued.at_app() == b"*2\r\n" + own + b"+OK\r\n"
    assert queued.client.session.db == 3


def test_on_another_lane_the_queue_is_without_it(queued: Bench) -> None:
    queued.move()
    queued.bind()
    queued.client.reopen()
    assert queued.at_node() == command("MULTI") + command("CLIENT", "ID") + command("SELECT", 3)
    queued.answers(b"+OK\r\n" + QUEUED + QUEUED)
    queued.says(command("EXEC"))
    queued.answers(b"*2\r\n:78\r\n+OK\r\n")
    own = b":%d\r\n" % (2**40 + queued.client.number)
    assert queued.at_app() == b"*2\r\n" + own + b"+OK\r\n"
    assert queued.client.session.db == 3
