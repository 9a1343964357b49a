"""The new roles are kept on disk before anybody is waited for."""

import signal
from collections.abc import Callable

import pytest

from tests.kills.conftest import DURABLE, Scene, follow
from tests.kills.places import Place
from tests.servers import RedisServer
from tests.waiting import wait_until


@pytest.mark.parametrize("place", [Place("before", "settle")], ids=str)
def test_the_new_primary_keeps_its_role_before_a_replica_that_stands_still_is_waited_for(
    place: Place, redis_server: Callable[..., RedisServer], scene: Callable[..., Scene]
) -> None:
    primary, candidate, other = redis_server(*DURABLE), redis_server(*DURABLE), redis_server(*DURABLE)
    for replica in (candidate, other):
        follow(replica, primary)
    primary.wait_replicas(2)
    candidate.command("CONFIG", "SET", "replica-priority", 10)
    play = scene(place, signal.SIGSTOP, other, primary, candidate, other).begin()
    play.wait_harm()
    # In these tests the replica is waited for for 1 s (LINK_SECONDS, really 10).
    wait_until(
        lambda: "replicaof 127.0.0.1" not in candidate.config_file.read_text(), "its role is kept", 0.7
    )
    candidate.kill()
    candidate.restart()
    play.load.goes_on()  # without any RESOLVE
    play.load.stop()
    play.load.check(candidate)
