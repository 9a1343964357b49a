"""What is counted, on socket pairs and in the real proxy."""

from collections.abc import Iterator

import pytest

from tests.relay.bench import Bench
from tests.relay.crowd import Crowd


@pytest.fixture
def crowd() -> Iterator[Crowd]:
    made = Crowd()
    yield made
    made.close()


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.close()
