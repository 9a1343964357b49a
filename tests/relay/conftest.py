"""One bench a test, closed at its end."""

from collections.abc import Iterator

import pytest

from tests.relay.bench import Bench


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.close()
