"""The new primary is gone before the clients were moved to it."""

import signal
from collections.abc import Callable

import pytest

from tests.kills.conftest import Scene
from tests.kills.places import Place
from tests.servers import Pair
from tests.waiting import wait_until


@pytest.mark.parametrize("place", [Place("after", "promote"), Place("before", "swap")], ids=str)
def test_clients_of_a_new_primary_that_was_killed_get_a_closed_connection_and_no_error(
    place: Place, nodes: Pair, scene: Callable[..., Scene]
) -> None:
    for node in nodes:
        node.command("CONFIG", "SET", "min-replicas-to-write", 1)
    # The old primary has one replica only, so it takes writes; the new one has to wait for the old one.
    _, new = nodes
    play = scene(place, signal.SIGKILL, new, *nodes)
    report = play.begin().report()
    assert report["outcome"] == "promoted"
    wait_until(lambda: all(writer.closed or writer.errors for writer in play.load.writers), "they noticed")
    new.kill()
    new.restart()
    play.load.stop()
    assert not any(writer.errors for writer in play.load.writers), play.load.noticed[:5]
