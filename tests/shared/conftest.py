"""Many clients on one lane: the real proxy with shared lanes, before real nodes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.baton import BatonProcess
from tests.servers import RedisServer
from tests.shared.scene import Shared

SHARED = {"BATON_LANES_MODE": "shared"}
PICKER = "user picker on >fig ~* &* +@all"
"""Whoever logs in as picker has a lane that can be told from the proxy's own connections at the node."""


@pytest.fixture
def lone(redis_server: Callable[..., RedisServer], baton: Callable[..., BatonProcess]) -> Shared:
    """One node, and the proxy before it."""
    node = redis_server(PICKER)
    return Shared([node], baton(node, environment=SHARED))


@pytest.fixture
def scene(redis_server: Callable[..., RedisServer], baton: Callable[..., BatonProcess]) -> Shared:
    """A pair in sync, and the proxy before it."""
    primary, replica = redis_server(PICKER), redis_server(PICKER)
    replica.replicate(primary)
    replica.wait_link_up()
    primary.wait_replicas(1)
    return Shared([primary, replica], baton(primary, replica, environment=SHARED))
