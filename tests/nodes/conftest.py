"""Nodes as the proxy sees them, for the servers of a test."""

from collections.abc import AsyncIterator, Callable

import pytest
import trio

from proxy.nodes.address import Address
from proxy.nodes.link import Login
from proxy.nodes.node import Node
from tests.servers import RedisServer


@pytest.fixture
async def node_of() -> AsyncIterator[Callable[..., Node]]:
    """A factory: the node of a server, with the default user's password unless told otherwise."""
    nodes: list[Node] = []

    def make(server: RedisServer, login: Login | None = None) -> Node:
        address = Address.parse(server.address)
        nodes.append(Node(address, login or Login(None, server.password), "baton:test"))
        return nodes[-1]

    yield make
    for node in nodes:
        node.close()


@pytest.fixture
async def frozen() -> AsyncIterator[Callable[[RedisServer], None]]:
    """Freeze servers, and let them go on when the test is over."""
    stopped: list[RedisServer] = []

    def freeze(server: RedisServer) -> None:
        server.freeze()
        stopped.append(server)

    yield freeze
    for server in stopped:
        server.thaw()
    await trio.lowlevel.checkpoint()
