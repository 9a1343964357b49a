"""Who leaves while its lane is being drained is waited for no longer, and vetoes nothing."""

from typing import cast

import trio
import trio.testing

from proxy.nodes.node import Node
from proxy.relay import recall
from proxy.relay.quiet import until_idle
from proxy.wire.encoding import command
from tests.relay.bench import Bench


class Telling:
    """A node that tells the ids of its clients; meanwhile the client leaves."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    async def client_ids(self) -> dict[str, int]:
        self._bench.client.close()
        return {}


async def test_a_client_that_leaves_while_ids_are_learnt_vetoes_nothing(bench: Bench) -> None:
    bench.says(command("BLPOP", "list", 0))
    assert recall.owing(bench.route) == [(bench.client, bench.lane)]
    await recall.learn_ids(bench.route, cast(Node, Telling(bench)))
    assert bench.lane.closed and not recall.owing(bench.route)


def test_what_goes_ahead_of_a_wait_is_answered_before_the_pause_and_the_wait_may_stay(bench: Bench) -> None:
    """Under the pause the node would postpone it; a WAIT that is blocked already writes nothing."""
    bench.client.session.moved = True
    bench.says(command("WAIT", 1, 0))
    assert b"SPUBLISH" in bench.at_node()
    assert not recall.only_reads(bench.client, bench.lane)
    bench.answers(b":0\r\n")
    assert b"WAIT" in bench.at_node()
    assert recall.only_reads(bench.client, bench.lane)


async def test_a_lane_whose_client_has_left_is_waited_for_no_longer(bench: Bench) -> None:
    bench.says(command("PING"))
    with trio.fail_after(5):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(until_idle, [bench.lane])
            await trio.testing.wait_all_tasks_blocked()
            bench.client.close()


def test_a_lane_that_is_dead_owes_nothing_and_is_waited_for_by_nobody(bench: Bench) -> None:
    bench.lane.owe(bench.client, 1)
    assert recall.owing(bench.route) == [(bench.client, bench.lane)]
    bench.lane.closed = True
    assert recall.owing(bench.route) == []
    bench.lane.closed = False


async def test_to_wait_where_nothing_is_owed_lets_others_have_their_turn(bench: Bench) -> None:
    with trio.testing.assert_checkpoints():
        await until_idle([bench.lane])
