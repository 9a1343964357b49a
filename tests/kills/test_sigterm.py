"""The proxy is told to leave beyond the edge: it finishes what it began."""

import os
import signal
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
    wait_until(lambda: "  leaving\n" in play.proxy.log(), "it leaves")
    old.thaw()
    assert play.proxy.wait() == 0
    assert [node.info()["role"] for node in (old, new)] == ["slave", "master"]
    play.load.stop()
    old.wait_link_up()
    play.load.check(new, bypassing=False)
