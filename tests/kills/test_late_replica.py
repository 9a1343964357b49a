"""A replica that is down for a moment while a switchover settles is told when it is back."""

import signal
from collections.abc import Callable

import pytest

from tests.kills.conftest import DURABLE, Scene, follow
from tests.kills.places import Place
from tests.servers import RedisServer
from tests.waiting import wait_until


@pytest.mark.parametrize("place", [Place("before", "demote")], ids=str)
def test_a_replica_that_was_down_for_a_moment_follows_the_new_primary(
    place: Place, redis_server: Callable[..., RedisServer], scene: Callable[..., Scene]
) -> None:
    primary, candidate, other = redis_server(*DURABLE), redis_server(*DURABLE), redis_server(*DURABLE)
    for replica in (candidate, other):
        follow(replica, primary)
    primary.wait_replicas(2)
    candidate.command("CONFIG", "SET", "replica-priority", 10)
    play = scene(place, signal.SIGKILL, other, primary, candidate, other).begin()
    play.wait_harm()
    other.kill()  # reaps it
    other.restart()
    play.answer()
    play.load.stop()
    wait_until(
        lambda: other.info().get("master_port") == candidate.port,
        lambda: f"it follows the new primary {candidate.port}, not {other.info().get('master_port')}",
        5,
    )
