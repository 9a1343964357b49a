"""What was pipelined behind a blocked command goes on, however that ended."""

from __future__ import annotations

import time

from tests.carried.scene import Scene
from tests.valve import ValvedPair
from tests.waiting import wait_until

TIMEOUT_SECONDS = 1


def test_what_waits_behind_a_blpop_whose_time_ran_out_in_the_hold_is_answered(
    valved: ValvedPair, scene: Scene
) -> None:
    talk = scene.talk()
    talk.send_all(f"BLPOP nothing {TIMEOUT_SECONDS}", "ECHO behind")
    scene.wait_blocked(1)
    over = time.monotonic() + TIMEOUT_SECONDS
    with valved.hold(scene.proxy) as switchover:
        wait_until(lambda: time.monotonic() > over, "its time is over")
        assert talk.is_quiet()
    assert switchover.result()["outcome"] == "done"
    assert talk.replies(2) == [None, "behind"]
