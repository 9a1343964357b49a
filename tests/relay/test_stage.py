"""The stage of a switchover, with nodes that are pretended."""

from typing import Any, cast

import trio
import trio.testing

from proxy.relay.lane import MESSAGE, NOTHING
from proxy.relay.stage import Stage
from proxy.switchover.report import Report
from tests.relay.bench import Bench


class Candidate:
    """A replica that has every byte."""

    run_id = "one"

    silent = False

    async def reach(self, offset: int) -> int:
        return offset

    async def role(self) -> None:
        """Answer, or not."""
        if self.silent:
            await trio.sleep_forever()


def stage_of(bench: Bench) -> Stage:
    nodes = cast(Any, Candidate())
    return Stage(bench.route, nodes, nodes, [], ("127.0.0.1", 1), Report(trio.current_time), 1.0)


async def test_who_is_in_the_middle_of_a_message_is_heard_out(
    bench: Bench, autojump_clock: trio.testing.MockClock
) -> None:
    stage = stage_of(bench)
    bench.lane.inside = MESSAGE

    async def come_to_its_end() -> None:
        await trio.sleep(0.1)
        bench.lane.inside = NOTHING

    async with trio.open_nursery() as nursery:
        nursery.start_soon(come_to_its_end)
        await stage.converge()
        assert bench.lane.inside == NOTHING
    assert not bench.client.closed


async def test_who_is_in_the_middle_of_a_message_for_too_long_vetoes_nothing(
    bench: Bench, autojump_clock: trio.testing.MockClock
) -> None:
    stage = stage_of(bench)
    bench.lane.inside = MESSAGE
    await stage.converge()
    assert bench.client.closed and stage.report.clients_closed == 1


async def test_nobody_is_closed_because_a_node_answers_nobody(
    bench: Bench, autojump_clock: trio.testing.MockClock
) -> None:
    stage = stage_of(bench)
    bench.lane.inside = MESSAGE
    cast(Any, stage.old).silent = True
    with trio.move_on_after(1.0) as budget:
        await stage.converge()
    assert budget.cancelled_caught and not bench.client.closed and stage.report.clients_closed == 0


async def test_who_answers_when_a_packet_was_sent_again_is_not_closed(
    bench: Bench, autojump_clock: trio.testing.MockClock
) -> None:
    stage = stage_of(bench)
    bench.lane.inside = MESSAGE

    async def come_to_its_end() -> None:
        await trio.sleep(0.7)
        bench.lane.inside = NOTHING

    async with trio.open_nursery() as nursery:
        nursery.start_soon(come_to_its_end)
        await stage.converge()
    assert not bench.client.closed and stage.report.clients_closed == 0
