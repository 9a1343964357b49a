"""Random and mutated bytes, for as long as is wanted: ``./scripts/fuzz SECONDS [SEED]``; a minute in CI.

What fails names its seed; the same seed throws the same bytes.
"""

import os
import time
from collections.abc import Callable, Iterator
from random import Random, SystemRandom

import pytest

SECONDS = float(os.environ.get("FUZZ_SECONDS", "60"))
"""For all tests of this folder together."""
SEED = os.environ.get("FUZZ_SEED") or (
    str(SystemRandom().randrange(10**9)) if "FUZZ_SECONDS" in os.environ else "4711"
)
"""The same one in CI always, so that a failure there is of what was changed; scripts/fuzz has new ones."""
SHARES = {"cutting": 0.1, "twins": 0.35, "storm": 0.3, "targets": 0.25}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A time limit that leaves room for what was asked for."""
    for item in items:
        if "rounds" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.timeout(SECONDS + 60))


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> str:
    """Seeds one test; it is shown where the test fails."""
    name = f"{SEED}:{request.node.name}"
    print(f"FUZZ_SEED={SEED}")
    return name


@pytest.fixture
def rounds(request: pytest.FixtureRequest, seed: str) -> Callable[[], Iterator[Random]]:
    """A factory: each iterator gives a Random a round, until the test's share of the time is over.

    A round's Random depends on the seed and the number of the round alone.
    """
    module = request.node.path.stem.removeprefix("test_")
    here = [item for item in request.session.items if item.path == request.node.path]
    tests = [item for item in here if "rounds" in getattr(item, "fixturenames", ())]

    def go() -> Iterator[Random]:
        end = time.monotonic() + SECONDS * SHARES[module] / len(tests)
        number = 0
        while time.monotonic() < end:
            yield Random(f"{seed}:{number}")
            number += 1
        assert number, "time for one round at least"

    return go
