"""The new primary keeps its role on disk though its connection is lost for a moment just then."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.baton import MODES
from tests.faults.faults import FAULTS
from tests.faults.on_roads import Node, OnRoads, scene_on_roads
from tests.waiting import wait_until

[CLOSE] = [fault for fault in FAULTS if fault.closes]
AMPLE_MS = 5000


@pytest.mark.parametrize("lanes", MODES)
def test_a_role_is_kept_on_disk_though_the_connection_is_lost_for_a_moment(
    lanes: str, redis_binary: Path, tmp_path: Path
) -> None:
    with scene_on_roads(redis_binary, tmp_path, lanes, 1) as scene:
        (red, blue), place = scene.nodes, scene.place
        assert isinstance(place, OnRoads) and isinstance(blue, Node)
        file = blue.server.config_file
        assert "replicaof 127.0.0.1" in file.read_text()
        scene.prompter.arm("settle", lambda: place.begin("proxy-replica", CLOSE, red.name, blue.name))
        with ThreadPoolExecutor(1) as pool:
            report = pool.submit(scene.operate, None, AMPLE_MS)
            wait_until(lambda: blue.proxys.turned_away or report.done(), "it is tried in vain")
            place.heal()
            assert report.result()["outcome"] == "done"
        assert "replicaof 127.0.0.1" not in file.read_text()
