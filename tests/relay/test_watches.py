"""Taking a watch along: what goes down which lane, and what each answer means."""

import socket
from collections.abc import Callable, Iterator

import pytest
import trio
from attrs import define, field

from proxy.relay.lane import Lane
from proxy.relay.reactor import IN
from proxy.relay.watches import Watches
from proxy.wire.encoding import command
from tests.relay.bench import Bench, ends, received

CLEAN = b"+OK\r\n*0\r\n+OK\r\n"


@define(eq=False)
class Pass:
    """A client that watches a key, with its old lane and a warm one."""

    bench: Bench = field(factory=Bench)
    watches: Watches = field(factory=Watches)
    warm: Lane = field(init=False)
    candidate: socket.socket = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.bench.says(command("WATCH", "key"))
        self.bench.answers(b"+OK\r\n")
        self.bench.at_node(), self.bench.at_app()
        ours, self.candidate = ends()
        self.warm = Lane(self.bench.route.reactor, ours, self.bench.route.lane_lost)

    async def carry(self, on_candidate: bytes, on_old: bytes) -> int:
        """Carry the watch while the nodes answer so; give how many clients were late."""
        late: list[object] = []

        async def run() -> None:
            late.extend(await self.watches.carry({self.bench.client: self.warm}, 1))

        with trio.fail_after(5):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(run)
                await self._answer(self.candidate, self.warm, command("WATCH", "key"), on_candidate)
                again = command("MULTI") + command("EXEC") + command("WATCH", "key")
                await self._answer(self.bench.node, self.bench.lane, again, on_old)
        return len(late)

    async def _answer(self, node: socket.socket, lane: Lane, expected: bytes, reply: bytes) -> None:
        got = b""
        while len(got) < len(expected):
            await trio.lowlevel.checkpoint()
            got += received(node)
        assert got == expected
        if reply:
            node.sendall(reply)
            lane.ready(IN)

    def go_over(self) -> None:
        """The client leaves its old lane, which is closed, for the warm one."""
        self.bench.client.move(self.warm, self.watches.came(self.bench.client)).shut()

    def execs(self, lane: Callable[[], bytes]) -> bytes:
        """What goes to the node for the client's EXEC."""
        self.bench.says(command("MULTI") + command("EXEC"))
        return lane().removeprefix(command("MULTI"))


@pytest.fixture
def passing() -> Iterator[Pass]:
    made = Pass()
    yield made
    made.bench.close()
    made.warm.drop()
    made.candidate.close()


async def test_a_clean_watch_holds_on_either_lane(passing: Pass) -> None:
    assert await passing.carry(b"+OK\r\n", CLEAN) == 0
    assert passing.watches.came(passing.bench.client)
    assert passing.execs(passing.bench.at_node) == command("EXEC")


async def test_a_touched_key_makes_exec_nil_on_the_old_lane_too(passing: Pass) -> None:
    """Asking has used up the old watch, and the new one would see nothing."""
    await passing.carry(b"+OK\r\n", b"+OK\r\n*-1\r\n+OK\r\n")
    assert passing.execs(passing.bench.at_node) == command("DISCARD")


@pytest.mark.parametrize(
    "reply", [b"-NOPERM x\r\n-ERR EXEC without MULTI\r\n+OK\r\n", b"+OK\r\n-NO x\r\n+OK\r\n"]
)
async def test_an_error_is_not_taken_for_clean(passing: Pass, reply: bytes) -> None:
    await passing.carry(b"+OK\r\n", reply)
    assert passing.execs(passing.bench.at_node) == command("DISCARD")


async def test_a_watch_that_the_candidate_refuses_stays_behind(passing: Pass) -> None:
    await passing.carry(b"-NOPERM x\r\n", CLEAN)
    assert not passing.watches.came(passing.bench.client)
    passing.go_over()
    assert passing.execs(lambda: received(passing.candidate)) == command("DISCARD")


async def test_a_watch_that_came_is_in_force_on_the_warm_lane(passing: Pass) -> None:
    await passing.carry(b"+OK\r\n", CLEAN)
    passing.go_over()
    assert passing.execs(lambda: received(passing.candidate)) == command("EXEC")


async def test_a_watch_does_not_come_without_its_lane(passing: Pass) -> None:
    """The warm lane died between the two: a lane opened later watches nothing."""
    await passing.carry(b"+OK\r\n", CLEAN)
    passing.bench.move(passing.watches.came(passing.bench.client))
    passing.bench.bind()
    assert passing.execs(passing.bench.at_node) == command("DISCARD")


async def test_with_an_open_transaction_nothing_is_asked(passing: Pass) -> None:
    passing.bench.says(command("MULTI"))
    passing.bench.answers(b"+OK\r\n")
    passing.bench.at_node()
    assert await passing.watches.carry({passing.bench.client: passing.warm}, 1) == []
    assert received(passing.candidate) == passing.bench.at_node() == b""
    assert not passing.watches.came(passing.bench.client)
