"""A bad network between each two processes, at each step of a switchover: on roads, which are everywhere.

A short form of the grid: each fault, each pair, each step. `./scripts/faults` has the whole.
"""

from pathlib import Path

import pytest

from tests.baton import MODES
from tests.binaries import find_all
from tests.faults.faults import FAULTS
from tests.faults.grid import sample
from tests.faults.on_roads import scene_on_roads

BINARIES = list(find_all().values())


@pytest.mark.timeout(180)
@pytest.mark.parametrize("number", range(len(FAULTS)), ids=lambda number: FAULTS[number].name)
def test_a_switchover_is_called_off_or_carried_through_and_loses_nothing(number: int, tmp_path: Path) -> None:
    lanes, binary = MODES[number % len(MODES)], BINARIES[number // len(MODES) % len(BINARIES)]
    with scene_on_roads(binary, tmp_path, lanes, number) as scene:
        outcomes = [scene.play(case) for case in sample(FAULTS, number)]
    assert not [outcome for outcome in outcomes if outcome.wrong], "\n".join(map(str, outcomes))
