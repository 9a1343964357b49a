"""The data path: one node, and the proxy in front of it."""

from collections.abc import Callable, Iterator

import pytest

from tests.baton import BatonProcess
from tests.path.way import Way
from tests.servers import RedisServer


@pytest.fixture
def way(redis_server: Callable[..., RedisServer], baton: Callable[..., BatonProcess]) -> Iterator[Way]:
    """A node and a proxy for it alone."""
    node = redis_server()
    yield Way(node, baton(node))
