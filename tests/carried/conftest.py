"""What a switchover does to each kind of connection: the real proxy before a real pair."""

from collections.abc import Callable, Iterator

import pytest

from tests.baton import BatonProcess
from tests.binaries import each_in_turn, find_all
from tests.carried.scene import Scene
from tests.servers import Pair
from tests.valve import ValvedPair

redis_binary = each_in_turn(find_all())


@pytest.fixture
def scene(pair: Pair, baton: Callable[..., BatonProcess]) -> Scene:
    """A pair in sync and the proxy in front of it."""
    return Scene(pair, baton(*pair))


@pytest.fixture
def valved(pair: Pair) -> Iterator[ValvedPair]:
    """A pair whose replica can be made to lag, so that a hold lasts as long as a test wants."""
    made = ValvedPair.of(pair)
    yield made
    made.valve.close()
