"""The proxy is told to leave beyond the edge: it finishes what it began."""

import os
import signal
import socket
from collections.abc import Callable

from tests.kills.conftest import Scene
from tests.kills.places import Place
from tests.servers import Pair
from tests.waiting import wait_until


def test_a_proxy_told_to_leave_in_the_crossing_demotes_the_old_primary_first(
    nodes: Pair, scene: Callable[..., Scene]
) -> None:
    old, new = nodes
    play = scene(Place("before", "demote"), signal.SIGSTOP, old, *nodes).begin()
    play.wait_harm()
    os.kill(play.proxy.pid, signal.SIGTERM)
    wait_until(lambda: "  +leaving" in play.proxy.log(), "it leaves")
    old.thaw()
    assert play.proxy.wait() == 0
    assert [node.info()["role"] for node in (old, new)] == ["slave", "master"]
    play.load.stop()
    old.wait_link_up()
    play.load.check(new, bypassing=False)


def test_no_signal_ends_a_crossing_however_often_it_comes(nodes: Pair, scene: Callable[..., Scene]) -> None:
    old, new = nodes
    play = scene(Place("before", "demote"), signal.SIGSTOP, old, *nodes).begin()
    play.wait_harm()
    os.kill(play.proxy.pid, signal.SIGTERM)
    wait_until(lambda: "  +leaving" in play.proxy.log(), "it leaves")
    os.kill(play.proxy.pid, signal.SIGTERM)
    wait_until(lambda: not answers(play.proxy.admin_port), "it waits for nobody any more")
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        os.kill(play.proxy.pid, number)
    old.thaw()
    assert play.proxy.wait() == 0
    assert [node.info()["role"] for node in (old, new)] == ["slave", "master"]


def answers(port: int) -> bool:
    """Somebody listens there."""
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except ConnectionRefusedError:
        return False
    return True
