"""The demo's checks have teeth: what is lost, doubled, torn or disconnected is found."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import AsyncExitStack, closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import evolve

from proxy.terminal.demo.clients import CHANGED, UNKNOWN, Client
from proxy.terminal.demo.loads import Load, start_load
from proxy.terminal.demo.report import Report, Result, Switchover, longest_otherwise_ms
from proxy.terminal.demo.run import together as all_of
from proxy.terminal.demo.verdict import Verdict, judge_counter, judge_sequence, judge_shared_counter, worst
from proxy.terminal.demo.workloads import WORKLOADS
from proxy.terminal.stage.direct import Address, connect
from proxy.terminal.stage.nodes import ask_directly, find_server, in_sync, start_nodes


def test_a_counter_that_went_up_by_one_is_clean() -> None:
    assert judge_counter([1, 2, 3], final=3) == Verdict()


@pytest.mark.parametrize("final", [2, 3, 4])
def test_an_unknown_increment_may_have_been_applied_or_not(final: int) -> None:
    replies = [1, 2, None, None]
    assert judge_counter(replies, final) == Verdict()
    assert judge_counter([*replies, final + 1], final + 1) == Verdict()


def test_a_counter_that_fell_back_has_lost_increments() -> None:
    assert judge_counter([1, 2, 3, 2, 3], final=3) == Verdict(lost=2)


def test_a_counter_that_lacks_acknowledged_increments_in_the_end_has_lost_them() -> None:
    assert judge_counter([1, 2, 3], final=1) == Verdict(lost=2)
    assert judge_counter([1, 2, 3], final=0) == Verdict(lost=3)


def test_a_counter_that_skipped_was_incremented_twice() -> None:
    assert judge_counter([1, 3, 4], final=5) == Verdict(doubled=2)
    assert judge_counter([1, None, 4], final=4) == Verdict(doubled=1)


def test_a_shared_counter_with_each_value_written_once_is_clean() -> None:
    assert judge_shared_counter([2, 1, 4], unknown=1, final=4) == Verdict()


def test_a_value_written_by_both_rivals_is_an_update_lost() -> None:
    assert judge_shared_counter([1, 2, 2, 3], unknown=0, final=3) == Verdict(lost=1)


def test_a_shared_counter_below_an_acknowledged_value_has_lost_it() -> None:
    assert judge_shared_counter([1, 2, 3], unknown=0, final=1) == Verdict(lost=2)


def test_a_shared_counter_that_nobody_moved_so_far_was_moved_twice() -> None:
    assert judge_shared_counter([1, 3], unknown=0, final=4) == Verdict(doubled=2)


def test_a_sequence_seen_once_and_in_order_is_clean() -> None:
    assert judge_sequence([1, 2, 4], unknown=[3], seen=[1, 2], left=[4]) == Verdict()


def test_a_missing_element_is_lost_and_a_second_one_doubled() -> None:
    assert judge_sequence([1, 2, 3], [], seen=[1, 3, 3]) == Verdict(lost=1, doubled=1)


def test_an_element_delivered_and_still_there_is_doubled() -> None:
    assert judge_sequence([1, 2], [], seen=[1, 2], left=[2]) == Verdict(doubled=1)


def test_an_element_that_overtook_another_is_a_fault() -> None:
    assert judge_sequence([1, 2, 3], [], seen=[1, 3, 2]) == Verdict(faults=("1 out of order",))


def test_an_element_that_was_never_sent_is_a_fault() -> None:
    (fault,) = judge_sequence([1], [], seen=[1, 7]).faults
    assert "never sent" in fault


def test_what_is_missing_on_both_nodes_is_missing_once() -> None:
    verdicts = [Verdict(lost=2), Verdict(lost=3, doubled=1, faults=("torn",)), Verdict(faults=("torn",))]
    assert worst(verdicts) == Verdict(lost=3, doubled=1, faults=("torn",))


def test_a_wait_that_touches_a_switchover_is_not_counted_beside_it() -> None:
    switchover = Switchover("done", "a", "b", began_s=10.0, ended_s=11.0)
    slowest = [(500.0, 9.6), (400.0, 10.9), (300.0, 11.1), (20.0, 5.0)]
    assert longest_otherwise_ms(slowest, [switchover]) == 300.0


CLEAN = Result("INCR", 1, 10, 0, 0, 0, 0, max_wait_ms=1.0, median_wait_ms=0.5, otherwise_max_ms=1.0)
DONE = Switchover("done", "a", "b", hold_ms=1.0)


def test_a_report_is_ok_only_if_everything_is() -> None:
    assert Report((DONE,), (CLEAN,)).ok
    assert not Report((), (CLEAN,)).ok
    assert not Report((DONE,), ()).ok
    assert not Report((DONE, Switchover("refused", "b", "a")), (CLEAN,)).ok
    assert not Report((DONE,), (CLEAN,), problems=("two primaries",)).ok


@pytest.mark.parametrize("what", ["errors", "disconnects", "lost", "doubled"])
def test_a_report_with_anything_lost_doubled_failed_or_disconnected_is_not_ok(what: str) -> None:
    one: dict[str, Any] = {what: 1}
    assert not Report((DONE,), (CLEAN, evolve(CLEAN, **one))).ok


@pytest.fixture
def hanging_up() -> Iterator[tuple[Address, list[object]]]:
    """A server that hangs up on everyone, and the list of those that came."""
    came: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up() -> None:
            while True:
                try:
                    connection, peer = listener.accept()
                except OSError:  # the listener was shut down: the test is over
                    return
                came.append(peer)
                connection.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        yield Address("127.0.0.1", listener.getsockname()[1]), came
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.mark.parametrize("protocol", [2, 3])
def test_a_client_does_not_try_again_behind_our_back(
    protocol: int, hanging_up: tuple[Address, list[object]]
) -> None:
    address, came = hanging_up
    client = Client(address, "a client", protocol=protocol)
    with closing(client.redis):
        assert client.ask(client.redis.set, "key", "value") is UNKNOWN
    assert len(came) == 1
    assert (client.tally.disconnects, client.tally.errors, client.tally.operations) == (1, 0, 0)


async def test_a_connection_that_redis_py_replaces_in_silence_counts_as_a_disconnect(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        (node,) = await start_nodes(stack, find_server(), tmp_path, 1)
        client = Client(node, "a client", protocol=3)
        with closing(client.redis):
            assert client.ask(client.redis.ping)
            await ask_directly(node, "CLIENT", "KILL", "TYPE", "normal")
            assert client.ask(client.redis.ping), "redis-py opens another connection and raises nothing"
        assert (client.tally.disconnects, client.tally.errors) == (1, 0)


async def test_a_watch_that_was_touched_is_told_from_one_whose_connection_broke(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        (node,) = await start_nodes(stack, find_server(), tmp_path, 1)
        client = Client(node, "a client", protocol=3)
        with closing(client.redis), client.redis.pipeline() as transaction:
            transaction.watch("key")
            await ask_directly(node, "SET", "key", "another's")
            transaction.multi()
            transaction.set("key", "mine")
            assert client.ask(transaction.execute) is CHANGED
            assert (client.tally.disconnects, client.tally.errors) == (0, 0)

            transaction.watch("key")
            await ask_directly(node, "CLIENT", "KILL", "TYPE", "normal")
            assert client.ask(transaction.get, "key") is UNKNOWN
            assert (client.tally.disconnects, client.tally.errors) == (1, 0)


class NaiveRelay:
    """What people build before they know better: it forwards bytes, and moves by dropping connections."""

    def __init__(self, target: Address) -> None:
        self.target = target
        self.connections: set[trio.CancelScope] = set()

    async def forward(self, client: trio.SocketStream) -> None:
        with trio.CancelScope() as scope:
            self.connections.add(scope)
            try:
                async with await trio.open_tcp_stream(*self.target) as node, trio.open_nursery() as nursery:
                    nursery.start_soon(self.pump, client, node, scope)
                    nursery.start_soon(self.pump, node, client, scope)
            finally:
                self.connections.discard(scope)

    async def pump(self, source: trio.SocketStream, sink: trio.SocketStream, scope: trio.CancelScope) -> None:
        try:
            async for chunk in source:
                await sink.send_all(chunk)
        except trio.BrokenResourceError:
            pass  # it hung up: the end of the connection, like the end of its bytes
        scope.cancel()

    def move(self, target: Address) -> None:
        self.target = target
        for scope in self.connections:
            scope.cancel()


async def further(loads: list[Load], operations: int) -> None:
    """Returns when each load has told of so many operations more than before."""
    goals = [load.live[0] + operations for load in loads]
    while any(load.live[0] < goal for load, goal in zip(loads, goals, strict=True)):
        await trio.sleep(0.01)


async def perform(directory: Path, *, switch_over: bool) -> dict[str, Result]:
    """Every workload's result, through a naive relay, with a naive switchover or none."""
    async with AsyncExitStack() as stack, trio.open_nursery() as nursery:
        old, new = await start_nodes(stack, find_server(), directory, 2)
        relay = NaiveRelay(old)
        serve = partial(trio.serve_tcp, relay.forward, 0, host="127.0.0.1")
        (listener,) = await nursery.start(serve)
        address = Address(*listener.socket.getsockname())
        loads = [await start_load(stack, nursery, directory, name, address) for name in WORKLOADS]
        await all_of([load.ready for load in loads])
        await further(loads, 20)
        if switch_over:
            await ask_directly(new, "REPLICAOF", "NO", "ONE")
            await further(loads, 20)  # acknowledged by the old primary, of which the new one never hears
            relay.move(new)
            await ask_directly(old, "REPLICAOF", *map(str, new))
            await further(loads, 20)
        await all_of([load.stop for load in loads])
        primary, replica = (new, old) if switch_over else (old, new)
        await in_sync(primary, [replica])
        results = {load.workload: await load.judge([primary, replica], []) for load in loads}
        nursery.cancel_scope.cancel()
    return results


async def test_a_load_without_a_switchover_is_judged_clean(tmp_path: Path) -> None:
    results = await perform(tmp_path, switch_over=False)
    assert [(name, result.problems) for name, result in results.items() if not result.clean] == []
    assert all(result.operations >= 20 for result in results.values())
    assert all(0 < result.median_wait_ms <= result.max_wait_ms for result in results.values())


async def test_a_naive_switchover_is_caught_by_every_workload(tmp_path: Path) -> None:
    results = await perform(tmp_path, switch_over=True)
    assert all(result.disconnects > 0 for result in results.values())
    for name in ("SET/GET", "INCR", "MULTI/EXEC", "pipelines"):
        assert results[name].lost > 0, name


async def test_a_write_that_vanished_from_a_node_is_lost(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack, trio.open_nursery() as nursery:
        (node,) = await start_nodes(stack, find_server(), tmp_path, 1)
        load = await start_load(stack, nursery, tmp_path, "SET/GET", node)
        await load.ready()
        await further([load], 20)
        await load.stop()
        with connect(node) as direct:
            assert direct.delete(direct.randomkey()) == 1
        result = await load.judge([node], [])
        nursery.cancel_scope.cancel()
    assert (result.lost, result.doubled, result.errors) == (1, 0, 0)
