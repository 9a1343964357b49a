"""Setting up a lane: what goes down it, and when."""

import socket
from collections.abc import Callable

import trio
import trio.testing

from proxy.relay.opening import set_up
from proxy.relay.reactor import IN
from proxy.session.replay import BLANK, Score
from proxy.wire.encoding import command
from tests.relay.bench import Bench, received


async def told(node: socket.socket, wanted: Callable[[bytes], bool]) -> bytes:
    """What the node has got, once it is as wanted."""
    got = b""
    with trio.fail_after(5):
        while not wanted(got):
            await trio.lowlevel.checkpoint()
            got += received(node)
    return got


async def test_a_login_that_comes_last_goes_when_nothing_is_owed_any_more(bench: Bench) -> None:
    """From 7.2 on Redis would not tell that it failed, and the lane would never be ready."""
    session = bench.client.session
    session.auth, session.db = command("AUTH", "few", "pw"), 3
    async with trio.open_nursery() as nursery:
        nursery.start_soon(set_up, bench.lane, bench.client, BLANK, Score.of(session), True)
        assert await told(bench.node, bool) == command("SELECT", 3)
        await trio.testing.wait_all_tasks_blocked()
        assert bench.at_node() == b""
        bench.node.sendall(b"+OK\r\n")
        bench.lane.ready(IN)
        assert await told(bench.node, bool) == session.auth
        bench.node.sendall(b"+OK\r\n")
        bench.lane.ready(IN)
