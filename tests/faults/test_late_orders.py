"""What a node was told in one switchover and did not answer is not carried out in the next one.

A connection is held up by the network for as long as two switchovers take, while new ones are well.
"""

from pathlib import Path

import pytest

from tests.baton import MODES
from tests.faults.faults import FAULTS
from tests.faults.on_roads import scene_on_roads
from tests.waiting import wait_until

[OLD_STALL] = [fault for fault in FAULTS if fault.only_old]
AMPLE_MS = 5000


@pytest.mark.parametrize("lanes", MODES)
def test_a_demotion_that_arrives_late_does_not_demote_who_is_primary_again(
    lanes: str, redis_binary: Path, tmp_path: Path
) -> None:
    with scene_on_roads(redis_binary, tmp_path, lanes, 1) as scene:
        red, blue = scene.nodes
        assert red.info()["role"] == "master"
        scene.prompter.arm(
            "demote", lambda: scene.place.begin("proxy-primary", OLD_STALL, red.name, blue.name)
        )
        assert scene.operate(None, AMPLE_MS)["outcome"] == "done"  # told again, over another connection
        assert scene.operate(None, AMPLE_MS)["outcome"] == "done"
        assert red.info()["role"] == "master"
        scene.place.heal()
        wait_until(lambda: not held_up(scene.place), "what was held up has come, or is gone")
        for _ in range(3):
            red.command("PING")
        assert (red.info()["role"], blue.info()["role"]) == ("master", "slave")


def held_up(place: object) -> bool:
    """Something lies on a road still."""
    roads = getattr(place, "roads", None)
    assert roads is not None
    return any(stream.pieces for road in roads.all for pair in list(road.pairs) for stream in pair)
