"""WAIT tells of what its own client wrote, whichever lane carried it."""

from __future__ import annotations

import pytest

from tests.shared.scene import SOON_SECONDS, Shared, latency
from tests.waiting import wait_until


def test_a_wait_after_writes_down_a_shared_lane_counts_no_replica_that_is_stopped(scene: Shared) -> None:
    talks = [scene.talk("PING") for _ in range(10)]
    scene.wait_shared(*talks)
    replica = scene.replica
    replica.freeze()
    for number, talk in enumerate(talks):
        assert talk.ask("SET", f"key:{number}", "x") == "OK"
    for talk in talks:
        assert talk.ask("WAIT", 1, 20) == 0
    for number, talk in enumerate(talks[:3]):
        assert talk.ask_all(f"SET key:{number} y", "WAIT 1 20", f"GET key:{number}") == ["OK", 0, "y"]
        assert talk.ask_all("MULTI", f"SET key:{number} z", "EXEC", "WAIT 1 20")[2:] == [["OK"], 0]
    replica.thaw()
    for talk in talks:
        talk.send_all("WAIT 1 8000", "ECHO behind")
    for talk in talks:
        assert talk.replies(2) == [1, "behind"]
    scene.wait_shared(*talks)


@pytest.mark.parametrize("between", ["WATCH other", "SUBSCRIBE c", "SELECT 3", "BLPOP none 0.01", "NOSUCH"])
def test_a_wait_tells_of_a_write_that_another_lane_carried(scene: Shared, between: str) -> None:
    talk = scene.talk("PING")
    replica = scene.replica
    replica.freeze()
    assert talk.ask("SET", "key", "x") == "OK"
    talk.ask(*between.split())
    if between.startswith("SUBSCRIBE"):
        talk.ask("UNSUBSCRIBE", "c")
    assert talk.ask("WAIT", 1, 20) == 0
    talk.ask_all("WATCH other", "SET key y")
    talk.ask("UNWATCH")
    assert talk.ask("WAIT", 1, 20) == 0
    replica.thaw()
    assert talk.ask("WAIT", 1, 8000) == 1


def test_who_waits_for_replicas_holds_up_nobody(scene: Shared) -> None:
    waiting = [scene.talk("PING") for _ in range(5)]
    other = scene.talk("PING")
    for talk in waiting:
        talk.send_all("SET fruit fig", "WAIT 2 0", "INCR after")
    wait_until(lambda: scene.primary.info("clients")["blocked_clients"] >= 1, "they wait")
    assert max(latency(other) for _ in range(20)) < SOON_SECONDS
    assert other.ask("GET", "after") is None
    assert [talk.reply() for talk in waiting] == ["OK"] * 5
    for talk in waiting:
        assert talk.is_quiet()
        talk.socket.close()
    wait_until(lambda: scene.primary.info("clients")["blocked_clients"] == 0, "nobody waits any more")
    assert other.ask("GET", "after") is None
