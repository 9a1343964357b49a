"""Clients of all kinds under continual switchovers: what they saw is one history that could have been."""

import random
from pathlib import Path

import pytest

from tests.chaos.scene import SHAPES, Shape, scene

SECONDS = 8.0
pytestmark = pytest.mark.each_with_each


@pytest.mark.timeout(120)
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_nothing_is_lost_doubled_swapped_or_seen_in_the_wrong_order(
    shape: Shape, redis_binary: Path, lanes: str, tmp_path: Path
) -> None:
    with scene(redis_binary, tmp_path, shape, random.SystemRandom().randrange(10**6), lanes) as run:
        run.play(SECONDS, least=3)
        assert not run.faults, run.summary()
        assert run.switchovers["done"] >= 3, run.summary()
        assert len(run.switchovers) > 1, f"none was called off: {run.summary()}"
