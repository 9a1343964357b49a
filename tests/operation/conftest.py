"""Operations over real nodes."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import trio

from proxy.nodes.address import Address
from proxy.settings import Settings
from tests import control
from tests.operation.scene import Scene
from tests.servers import Pair, RedisServer

Setting = Callable[..., Awaitable[Scene]]


@pytest.fixture
async def set_scene(lanes: str) -> AsyncIterator[Setting]:
    """A factory: an operation before these nodes, with these settings."""
    scenes = []
    async with trio.open_nursery() as nursery:

        async def make(*nodes: RedisServer, load_again: Any = None, **changes: Any) -> Scene:
            addresses = tuple(Address("127.0.0.1", node.port) for node in nodes)
            settings = Settings(nodes=addresses, lanes=lanes, **(control.settings() | changes))
            scenes.append(scene := await Scene.set(nursery, settings, load_again))
            return scene

        yield make
        nursery.cancel_scope.cancel()
    for scene in scenes:
        scene.close()


@pytest.fixture
async def scene(set_scene: Setting, pair: Pair) -> Scene:
    """Before a primary and its replica."""
    return await set_scene(*pair)
