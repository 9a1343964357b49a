"""A candidate is told once to be primary, and asked until it is known whether it is."""

import contextlib
import socket
from collections.abc import AsyncIterator, Callable

import pytest
import trio

from proxy.nodes.address import Address
from proxy.nodes.link import Login
from proxy.nodes.node import Node
from proxy.nodes.promotion import Outcome, Promotion
from tests.servers import Pair, RedisServer

SOON = 0.05  # seconds, for an answer that does not come
NODE_OF = Callable[..., Node]
FREEZE = Callable[[RedisServer], None]


@pytest.fixture
async def promotion(pair: Pair, node_of: NODE_OF) -> AsyncIterator[Promotion]:
    """Of the replica, prepared."""
    promotion = Promotion(node_of(pair.replica))
    await promotion.prepare()
    yield promotion
    promotion.close()


def promotions(server: RedisServer) -> int:
    """Count how often the server was told."""
    told = server.info("commandstats").get("cmdstat_replicaof", {"calls": 0})
    calls: int = told["calls"]
    return calls


def own_connection(server: RedisServer) -> int:
    lines = server.client().client_list()
    return next(int(line["id"]) for line in lines if line["name"] == "baton:test:promotion")


async def test_a_candidate_becomes_primary(pair: Pair, promotion: Promotion) -> None:
    assert await promotion.ask(10) is Outcome.PRIMARY
    assert "says it is primary" in promotion.why
    assert pair.replica.info()["role"] == "master"


async def test_what_is_known_is_not_asked_again(pair: Pair, promotion: Promotion) -> None:
    before = promotions(pair.replica)
    assert await promotion.ask(10) is Outcome.PRIMARY
    assert await promotion.ask(10) is Outcome.PRIMARY
    assert promotions(pair.replica) == before + 1


async def test_a_promotion_need_not_be_prepared(pair: Pair, node_of: NODE_OF) -> None:
    promotion = Promotion(node_of(pair.replica))
    assert await promotion.ask(10) is Outcome.PRIMARY
    promotion.close()


async def test_a_stopped_candidate_is_unknown_until_it_answers(
    pair: Pair, promotion: Promotion, frozen: FREEZE
) -> None:
    before = promotions(pair.replica)
    frozen(pair.replica)
    for _ in range(3):
        assert await promotion.ask(SOON) is Outcome.UNKNOWN
        assert "has not answered within" in promotion.why
    pair.replica.thaw()
    assert await promotion.ask(10) is Outcome.PRIMARY
    assert promotions(pair.replica) == before + 1


async def test_a_candidate_that_is_not_connected_to_in_time_was_told_nothing(
    pair: Pair, node_of: NODE_OF, frozen: FREEZE
) -> None:
    promotion = Promotion(node_of(pair.replica))
    before = promotions(pair.replica)
    frozen(pair.replica)
    assert await promotion.ask(SOON) is Outcome.NOT_PRIMARY
    assert promotion.why == f"{pair.replica.address}: no connection within 0.05 s; nothing was sent"
    pair.replica.thaw()
    assert await promotion.ask(10) is Outcome.NOT_PRIMARY
    assert (promotions(pair.replica), pair.replica.info()["role"]) == (before, "slave")


async def test_a_candidate_that_died_before_it_was_told_is_not_primary(
    pair: Pair, promotion: Promotion
) -> None:
    pair.replica.kill()
    assert await promotion.ask(10) is Outcome.NOT_PRIMARY
    assert "Connection refused" in promotion.why


async def test_a_candidate_that_restarted_before_it_was_told_is_not_told(
    pair: Pair, promotion: Promotion
) -> None:
    pair.replica.kill()
    pair.replica.restart()
    assert await promotion.ask(10) is Outcome.NOT_PRIMARY
    assert "had been restarted before it was asked; nothing was sent" in promotion.why


async def test_a_process_known_from_before_counts_where_nothing_was_prepared(
    pair: Pair, node_of: NODE_OF
) -> None:
    node = node_of(pair.replica)
    await node.role()
    promotion = Promotion(node)
    pair.replica.kill()
    pair.replica.restart()
    assert await promotion.ask(10) is Outcome.NOT_PRIMARY
    assert "nothing was sent" in promotion.why
    promotion.close()


async def test_a_candidate_that_died_with_the_order_unread_is_not_primary(
    pair: Pair, promotion: Promotion
) -> None:
    pair.replica.freeze()
    assert await promotion.ask(SOON) is Outcome.UNKNOWN
    pair.replica.kill()
    assert await promotion.ask(10) is Outcome.NOT_PRIMARY
    assert promotion.why.startswith("the candidate process is gone: ")


async def test_a_candidate_that_restarted_with_the_order_unread_is_not_primary(
    pair: Pair, promotion: Promotion
) -> None:
    pair.replica.freeze()
    assert await promotion.ask(SOON) is Outcome.UNKNOWN
    pair.replica.kill()
    pair.replica.restart()
    assert await promotion.ask(10) is Outcome.NOT_PRIMARY
    assert "has been restarted" in promotion.why


class Wire:
    """A TCP relay to a server that can be cut, or swallow what is sent in either direction."""

    def __init__(self, server: RedisServer, nursery: trio.Nursery, listener: socket.socket) -> None:
        self.server, self.nursery = server, nursery
        self.listener = trio.socket.from_stdlib_socket(listener)
        self.address = Address("127.0.0.1", listener.getsockname()[1])
        self.orders_arrive = self.answers_arrive = True
        self.connections: list[tuple[trio.SocketStream, trio.SocketStream]] = []

    async def serve(self) -> None:
        try:
            while True:
                near = trio.SocketStream((await self.listener.accept())[0])
                far = await trio.open_tcp_stream("127.0.0.1", self.server.port)
                self.connections.append((near, far))
                self.nursery.start_soon(self._carry, near, far, lambda: self.orders_arrive)
                self.nursery.start_soon(self._carry, far, near, lambda: self.answers_arrive)
        finally:
            for connection in self.connections:
                for stream in connection:
                    stream.socket.close()
            self.listener.close()

    async def _carry(
        self, source: trio.SocketStream, sink: trio.SocketStream, arrives: Callable[[], bool]
    ) -> None:
        with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            async for data in source:
                if arrives():
                    await sink.send_all(data)

    async def cut(self) -> None:
        """Close every connection on the proxy's side only: the server does not learn of it."""
        for near, _ in self.connections:
            await near.aclose()


@pytest.fixture
async def wire(pair: Pair, nursery: trio.Nursery) -> Wire:
    """Before the replica."""
    wire = Wire(pair.replica, nursery, socket.create_server(("127.0.0.1", 0)))
    nursery.start_soon(wire.serve)
    return wire


async def test_an_order_that_ran_is_found_out_over_another_connection(pair: Pair, wire: Wire) -> None:
    promotion = Promotion(Node(wire.address, Login(), "baton:test"))
    await promotion.prepare()
    wire.answers_arrive = False
    assert await promotion.ask(SOON) is Outcome.UNKNOWN
    wire.answers_arrive = True
    await wire.cut()
    assert await promotion.ask(10) is Outcome.PRIMARY
    assert "the connection on which it was told was lost" in promotion.why
    assert pair.replica.info()["role"] == "master"


async def test_an_order_that_lies_unread_in_a_lost_connection_is_taken_back(pair: Pair, wire: Wire) -> None:
    # The server keeps the old connection and would run what is in it; here nothing ever arrived in it.
    promotion = Promotion(Node(wire.address, Login(), "baton:test"))
    await promotion.prepare()
    old = own_connection(pair.replica)
    wire.orders_arrive = False
    assert await promotion.ask(SOON) is Outcome.UNKNOWN
    wire.orders_arrive = True
    await wire.cut()
    assert await promotion.ask(10) is Outcome.NOT_PRIMARY
    assert "the connection on which it was told was lost" in promotion.why
    assert pair.replica.info()["role"] == "slave"
    assert old not in [int(line["id"]) for line in pair.replica.client().client_list()]


async def test_a_candidate_that_nobody_reaches_is_unknown(pair: Pair, wire: Wire) -> None:
    promotion = Promotion(Node(wire.address, Login(), "baton:test"))
    await promotion.prepare()
    promotion.node.connect_within = SOON
    wire.orders_arrive = False
    assert await promotion.ask(SOON) is Outcome.UNKNOWN
    await wire.cut()
    assert await promotion.ask(10) is Outcome.UNKNOWN
    assert "no connection within" in promotion.why
    promotion.node.connect_within = 10
    wire.orders_arrive = True
    assert await promotion.ask(10) is Outcome.NOT_PRIMARY


async def test_an_order_that_is_refused_leaves_a_replica(pair: Pair, node_of: NODE_OF) -> None:
    pair.replica.command("ACL", "SETUSER", "op", "on", ">pw", "~*", "&*", "+@all", "-replicaof")
    promotion = Promotion(node_of(pair.replica, Login("op", "pw")))
    assert await promotion.ask(10) is Outcome.NOT_PRIMARY
    assert "to REPLICAOF NO ONE it says: NOPERM" in promotion.why
    promotion.close()


async def test_a_role_that_may_not_be_asked_is_unknown_and_asked_again(pair: Pair, node_of: NODE_OF) -> None:
    pair.replica.command("ACL", "SETUSER", "op", "on", ">pw", "~*", "&*", "+@all")
    promotion = Promotion(node_of(pair.replica, Login("op", "pw")))
    await promotion.prepare()
    pair.replica.command("ACL", "SETUSER", "op", "-role")
    assert await promotion.ask(10) is Outcome.UNKNOWN
    assert "ROLE: NOPERM" in promotion.why
    pair.replica.command("ACL", "SETUSER", "op", "+role")
    assert await promotion.ask(10) is Outcome.PRIMARY
    promotion.close()
