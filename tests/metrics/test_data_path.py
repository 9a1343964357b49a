"""What the data path counts: commands, bytes, and how long it took; on socket pairs, by our own clock."""

from collections.abc import Iterator

import pytest

from proxy.relay import counts, lane, ledger
from proxy.relay.counts import BOUNDS, EVERY, Counts, Tally
from proxy.relay.proving import HELD_MAX
from proxy.session.session import Send, SendAndWait
from proxy.session.tracking import Unheard
from proxy.wire.encoding import command
from tests.relay.bench import Bench, received
from tests.relay.crowd import TABLE, Crowd, fence_of, fences, get, value

INCR = command("INCR", "n")
OK = b"+OK\r\n"


class Clock:
    """Stands still until it is moved."""

    seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    made = Clock()
    for module in (counts, lane, ledger):
        monkeypatch.setattr(module, "clock", made)
    yield made


def of(here: Bench | Crowd) -> Counts:
    return here.route.reactor.counts


def observed(tally: Tally) -> dict[float, int]:
    """How many commands took at most so long, and more than the bucket before."""
    bounds = (*BOUNDS, float("inf"))
    return {bound: count for bound, count in zip(bounds, tally.buckets, strict=True) if count}


def test_a_batch_of_a_shared_lane_is_counted_and_timed_for_each_of_its_replies(
    crowd: Crowd, clock: Clock
) -> None:
    sent = crowd.say({0: get(0, 2), 1: get(1)})
    clock.seconds += 0.002
    answer = value(0, 2) + value(1) + fence_of(sent)
    crowd.answers(answer)
    assert crowd.all_heard() == [value(0, 2), value(1), b"", b""]
    shared = of(crowd).shared
    assert shared.commands == 3 and observed(shared) == {0.0025: 3}
    assert shared.seconds == pytest.approx(3 * 0.002)
    assert of(crowd).private.commands == 0 and of(crowd).answered == 0


def test_bytes_are_what_the_sockets_took_and_gave_fences_included(crowd: Crowd) -> None:
    sent = crowd.say({0: get(0, 2), 1: get(1)})
    answer = value(0, 2) + value(1) + fence_of(sent)
    crowd.answers(answer)
    crowd.all_heard()
    clients, nodes = of(crowd).clients, of(crowd).nodes
    assert (clients.received, nodes.sent) == (len(get(0, 2) + get(1)), len(sent))
    assert (nodes.received, clients.sent) == (len(answer), len(value(0, 2) + value(1)))


def test_a_time_on_the_bound_of_a_bucket_belongs_to_it(crowd: Crowd, clock: Clock) -> None:
    clock.seconds = 0.0
    crowd.say({0: get(0)})
    clock.seconds = 0.5
    crowd.answers(value(0))
    clock.seconds = 0.0
    crowd.say({0: get(0)})
    clock.seconds = 11.0
    crowd.answers(value(0))
    assert observed(of(crowd).shared) == {0.5: 1, float("inf"): 1}


def test_who_pipelines_without_a_pause_is_timed_from_the_commands_that_are_answered(
    crowd: Crowd, clock: Clock
) -> None:
    """The lane always owes something: no time grows beyond what a reply really took."""
    crowd.say({0: get(0, 2)})
    for _ in range(20):
        clock.seconds += 0.004
        crowd.say({0: get(0, 2)})
        crowd.answers(value(0, 2))
    shared = of(crowd).shared
    assert shared.commands == 42
    assert observed(shared).keys() == {0.005}, "each was answered 4 ms after it was sent"
    assert sum(shared.buckets) >= 20


def test_a_batch_that_joined_another_is_not_timed_from_before_it_was_sent(crowd: Crowd, clock: Clock) -> None:
    crowd.say({0: get(0)})
    clock.seconds += 1.0
    fence = fence_of(crowd.say({1: get(1)}))
    clock.seconds += 0.001
    crowd.answers(value(0) + value(1) + fence)
    assert of(crowd).shared.commands == 2
    assert observed(of(crowd).shared) == {2.5: 1}, "the one that was under way; the other is left out"


def test_what_passes_as_it_comes_is_timed_reply_by_reply(crowd: Crowd, clock: Clock) -> None:
    long = b"$%d\r\n%s\r\n" % (2 * HELD_MAX, b"v" * 2 * HELD_MAX)
    [fence] = fences(crowd.say({0: INCR, 1: INCR}))
    clock.seconds += 0.2
    crowd.answers(long)
    clock.seconds += 0.2
    crowd.answers(b":1\r\n" + fence)
    assert observed(of(crowd).shared) == {0.25: 1, 0.5: 1}


def test_what_the_proxy_answers_is_not_said_to_have_gone_down_a_lane(crowd: Crowd) -> None:
    crowd.say({0: command("QUIT"), 1: get(1)})
    assert (of(crowd).answered, of(crowd).shared.commands) == (1, 1)


def test_commands_of_a_private_lane_are_counted_each_once_whatever_goes_down_for_them(bench: Bench) -> None:
    bench.route.common.commands = TABLE
    bench.route.choose_plain()
    bench.says(get(0, 3))
    bench.says(command("MULTI") + get(0) + command("EXEC"))
    bench.answers(value(0, 3) + OK + b"+QUEUED\r\n" + b"*1\r\n" + value(0))
    bench.says(command("SUBSCRIBE", "news"))
    private = of(bench).private
    assert private.commands == 3 + 3 + 1
    assert of(bench).nodes.sent == len(received(bench.node)), "the mark behind SUBSCRIBE included"


def test_one_command_in_sixteen_is_timed_on_private_lanes(bench: Bench, clock: Clock) -> None:
    bench.route.common.commands = TABLE
    bench.route.choose_plain()
    for _ in range(20 * EVERY):
        bench.says(get(0))
        clock.seconds += 0.003
        bench.answers(value(0))
    assert observed(of(bench).private) == {0.005: 20}


def test_a_pipeline_on_a_private_lane_is_timed_until_what_was_sent_last_is_answered(
    bench: Bench, clock: Clock
) -> None:
    bench.route.common.commands = TABLE
    bench.route.choose_plain()
    bench.says(get(0, 3))
    clock.seconds += 0.02
    bench.answers(value(0, 2))
    assert observed(of(bench).private) == {}
    clock.seconds += 0.02
    bench.says(get(0))
    bench.answers(value(0))
    assert observed(of(bench).private) == {0.05: 1}


def test_a_command_that_blocks_is_not_timed_and_nothing_behind_it_is_from_its_beginning(
    bench: Bench, clock: Clock
) -> None:
    bench.route.common.commands = TABLE
    bench.route.choose_plain()
    bench.says(command("BLPOP", "q", 0) + get(0))
    clock.seconds += 50.0
    bench.answers(b"*2\r\n$1\r\nq\r\n$1\r\nv\r\n")
    clock.seconds += 0.002
    bench.answers(value(0))
    assert observed(of(bench).private) == {0.0025: 1}


def test_a_reply_that_comes_in_pieces_is_timed_when_it_is_whole(bench: Bench, clock: Clock) -> None:
    bench.route.common.commands = TABLE
    bench.route.choose_plain()
    bench.says(get(0))
    clock.seconds += 0.02
    bench.answers(value(0)[:7])
    assert observed(of(bench).private) == {}
    clock.seconds += 0.02
    bench.answers(value(0)[7:])
    assert observed(of(bench).private) == {0.05: 1}


def test_what_the_proxy_sends_ahead_of_a_command_is_no_command(bench: Bench) -> None:
    """CLIENT CACHING is said again behind a hold."""
    ahead = Send(command("CLIENT", "CACHING", "YES"), Unheard())
    for step, counted in (
        (Send(get(0)), 0),
        (Send(get(0), Unheard()), 1),
        (SendAndWait(get(0), Unheard()), 1),
    ):
        before = of(bench).private.commands
        of(bench).asked((ahead, step), shared=False)
        assert of(bench).private.commands - before == counted, "what is forwarded is counted as it is"
    assert of(bench).answered == 0
