"""A bad network between network namespaces, at each step of a switchover: packets are lost, late, doubled.

Where there can be no namespaces, or the kernel has no netem, the tests say so and are left out; what netem
does to a cable, the tests themselves do to a tunnel everywhere else.
"""

from pathlib import Path
from typing import Literal

import pytest

from tests.baton import MODES
from tests.binaries import find_all
from tests.faults.faults import TROUBLES
from tests.faults.grid import sample
from tests.faults.namespaces import why_no_netem, why_not
from tests.faults.on_wires import scene_on_wires

BINARIES = list(find_all().values())


@pytest.mark.timeout(180)
@pytest.mark.parametrize("kind", ["tunnel", "cable"])
@pytest.mark.parametrize("number", range(len(TROUBLES)), ids=lambda number: TROUBLES[number].name)
def test_a_switchover_is_called_off_or_carried_through_and_loses_nothing(
    number: int, kind: Literal["tunnel", "cable"], tmp_path: Path
) -> None:
    leave_out(number, kind)
    lanes, binary = MODES[number % len(MODES)], BINARIES[number // len(MODES) % len(BINARIES)]
    with scene_on_wires(binary, tmp_path, lanes, number, kind) as scene:
        outcomes = [scene.play(case) for case in sample(TROUBLES, number)]
    assert not [outcome for outcome in outcomes if outcome.wrong], "\n".join(map(str, outcomes))


def leave_out(number: int, kind: str) -> None:
    """What this machine cannot do."""
    if why := why_not():
        pytest.skip(why)
    if kind == "cable" and not TROUBLES[number].unplugs and (why := why_no_netem()):
        pytest.skip(why)
