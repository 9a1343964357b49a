"""One version of Redis before which all this is done: how the versions differ is not seen here."""

from collections.abc import Callable, Iterator

import pytest

from tests.baton import BatonProcess
from tests.binaries import each_in_turn, find_main
from tests.hostile.bystander import Bystander

redis_binary = each_in_turn(dict([*find_main().items()][-1:]))


@pytest.fixture
def bystander() -> Iterator[Callable[[BatonProcess], Bystander]]:
    """A factory of clients who go about their business, and must not notice anything; see there."""
    started: list[Bystander] = []

    def start(proxy: BatonProcess) -> Bystander:
        started.append(Bystander.start(proxy))
        return started[-1]

    yield start
    for each in started:
        each.finish()
