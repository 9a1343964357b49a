"""Every rule on made-up histories: one that could have been, and for each fault one that could not."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from tests.chaos.checker import judge, told
from tests.chaos.history import (
    Answer,
    Append,
    Cached,
    Count,
    Event,
    Fate,
    Fault,
    Final,
    Heard,
    History,
    Look,
    Noticed,
    Pop,
    Publish,
    Push,
    Read,
    Snapshot,
    Span,
    Subscription,
    Swap,
)

REFUSED, UNKNOWN = Fate.REFUSED, Fate.UNKNOWN


def at(begun: float, ended: float | None = None, fate: Fate = Fate.DONE, who: str = "c") -> Span:
    """From when to when; half a second where the end does not matter, never where nothing was answered."""
    late = math.inf if fate is Fate.UNKNOWN else begun + 0.5
    return Span(who, begun, late if ended is None else ended, fate)


def found(events: Sequence[Event], **final: Any) -> set[str]:
    """The rules that do not hold."""
    return {fault.rule for fault in judge(History(events), Final(**final))}


def log(*values: str) -> Mapping[str, Sequence[tuple[str, int]]]:
    """The list "l" in the end."""
    return {"l": [(value, place) for place, value in enumerate(values, 1)]}


A, B = Append(at(1), "l", "a", 1), Append(at(2), "l", "b", 2)

LOGS: Mapping[str, tuple[Sequence[Event], Sequence[str], set[str]]] = {
    "as it was written": ([A, B, Read(at(3), "l", ("a", "b"))], "ab", set()),
    "a read while somebody writes": ([A, B, Read(at(1.8, 3), "l", ("a",))], "ab", set()),
    "a read of the tail": ([A, B, Read(at(3), "l", ("b",), after="a")], "ab", set()),
    "a write without an answer, there": ([A, Append(at(2, fate=UNKNOWN), "l", "b")], "ab", set()),
    "a write without an answer, not there": ([A, Append(at(2, fate=UNKNOWN), "l", "b")], "a", set()),
    "a refused write": ([A, Append(at(2, fate=REFUSED), "l", "b")], "a", set()),
    "writes at the same time": ([A, Append(at(0.5, 3), "l", "b", 2)], "ab", set()),
    "an acknowledged write is gone": ([A, B], "a", {"acknowledged and missing"}),
    "a write is there twice": ([A, B], "aba", {"applied twice"}),
    "nobody wrote it": ([A], "ab", {"never written"}),
    "refused, and there": (
        [A, Append(at(2, fate=REFUSED), "l", "b")],
        "ab",
        {"refused yet applied"},
    ),
    "a reply that another client should have had": (
        [A, Append(at(1), "l", "b", 1)],
        "ab",
        {"another place than acknowledged"},
    ),
    "a read misses what was acknowledged": ([A, B, Read(at(3), "l", ("a",))], "ab", {"back in time"}),
    "a read after a longer read": (
        [A, Append(at(1, 9), "l", "b", 2), Read(at(2), "l", ("a", "b")), Read(at(3), "l", ("a",))],
        "ab",
        {"back in time"},
    ),
    "a read of the future": ([A, Read(at(1.6, 1.8), "l", ("a", "b")), B], "ab", {"back in time"}),
    "a later write stands ahead": (
        [Append(at(1), "l", "a", 2), Append(at(2), "l", "b", 1)],
        "ba",
        {"back in time"},
    ),
    "a read of what vanished": ([A, Read(at(3), "l", ("a", "b"))], "a", {"no part of the final log"}),
    "a read in another order": ([A, B, Read(at(3), "l", ("b", "a"))], "ab", {"no part of the final log"}),
    "a read of the tail skips one": (
        [A, B, Append(at(3), "l", "c", 3), Read(at(4), "l", ("c",), after="a")],
        "abc",
        {"no part of the final log"},
    ),
}


@pytest.mark.parametrize(("events", "end", "faults"), LOGS.values(), ids=LOGS)
def test_a_log_holds_what_was_acknowledged_and_is_read_as_it_grew(
    events: Sequence[Event], end: str, faults: set[str]
) -> None:
    assert found(events, logs=log(*end)) == faults


def test_half_a_transaction_is_seen() -> None:
    assert found([Snapshot(at(1), ("a",), ("a",))]) == set()
    assert found([Snapshot(at(1), ("a",), ())]) == {"half a transaction"}


COUNTERS: Mapping[str, tuple[Sequence[Event], int, set[str]]] = {
    "as it was counted": ([Count(at(1), "c", 1), Count(at(2), "c", 2), Look(at(3), "c", 2)], 2, set()),
    "at the same time, in any order": ([Count(at(1, 4), "c", 2), Count(at(2), "c", 1)], 2, set()),
    "without an answer, counted": ([Count(at(1, fate=UNKNOWN), "c")], 1, set()),
    "without an answer, not counted": ([Count(at(1, fate=UNKNOWN), "c")], 0, set()),
    "one is gone": ([Count(at(1), "c", 1), Count(at(2), "c", 2)], 1, {"acknowledged and missing"}),
    "one counts twice": ([Count(at(1), "c", 1)], 2, {"applied twice"}),
    "a refused one counts": ([Count(at(1, fate=REFUSED), "c")], 1, {"applied twice"}),
    "two get one number": (
        [Count(at(1, 3), "c", 1), Count(at(1, 3), "c", 1)],
        2,
        {"the same number twice"},
    ),
    "a later one gets a lower number": (
        [Count(at(1), "c", 2), Count(at(2), "c", 1)],
        2,
        {"back in time"},
    ),
    "a look finds less than was acknowledged": (
        [Count(at(1), "c", 1), Look(at(2), "c", 0)],
        1,
        {"back in time"},
    ),
    "a look finds less than a look before": (
        [Count(at(1, 9), "c", 1), Look(at(2), "c", 1), Look(at(3), "c", 0)],
        1,
        {"back in time"},
    ),
}


@pytest.mark.parametrize(("events", "end", "faults"), COUNTERS.values(), ids=COUNTERS)
def test_a_counter_counts_each_acknowledged_increment_once(
    events: Sequence[Event], end: int, faults: set[str]
) -> None:
    assert found(events, counters={"c": end}) == faults


SWAPS: Mapping[str, tuple[Sequence[Event], str, set[str]]] = {
    "a chain": ([Swap(at(1), "s", "", "a"), Swap(at(2), "s", "a", "b")], "b", set()),
    "a conflict that was seen": (
        [Swap(at(1), "s", "", "a"), Swap(at(1, fate=REFUSED), "s", "", "b")],
        "a",
        set(),
    ),
    "without an answer, in the chain": (
        [Swap(at(1, fate=UNKNOWN), "s", "", "a"), Swap(at(2), "s", "a", "b")],
        "b",
        set(),
    ),
    "two replace one value": (
        [Swap(at(1), "s", "", "a"), Swap(at(1), "s", "", "b")],
        "b",
        {"conflict missed", "acknowledged and missing"},
    ),
    "the last one is gone": (
        [Swap(at(1), "s", "", "a"), Swap(at(2), "s", "a", "b")],
        "a",
        {"acknowledged and missing"},
    ),
    "nobody wrote it": ([Swap(at(1), "s", "", "a")], "x", {"never written", "acknowledged and missing"}),
    "a refused one took place": (
        [Swap(at(1, fate=REFUSED), "s", "", "a")],
        "a",
        {"refused yet applied"},
    ),
    "built on what was not there yet": (
        [Swap(at(2), "s", "", "a"), Swap(at(1), "s", "a", "b")],
        "b",
        {"back in time"},
    ),
}


@pytest.mark.parametrize(("events", "end", "faults"), SWAPS.values(), ids=SWAPS)
def test_swaps_are_one_chain(events: Sequence[Event], end: str, faults: set[str]) -> None:
    assert found(events, registers={"s": end}) == faults


Q = "fifo:q"
PUSHED = [Push(at(1), Q, "a"), Push(at(2), Q, "b")]
QUEUES: Mapping[str, tuple[Sequence[Event], str, set[str]]] = {
    "one taken, one left": ([*PUSHED, Pop(at(3), (Q,), "a")], "b", set()),
    "taken by who waited": ([*PUSHED, Pop(at(0, 2), (Q,), "a"), Pop(at(0, 3), (Q,), "b")], "", set()),
    "gone with a client that got no answer": ([*PUSHED, Pop(at(3, fate=UNKNOWN), (Q,))], "b", set()),
    "refused, and not there": ([Push(at(1, fate=REFUSED), Q, "a")], "", set()),
    "nil in time": ([Pop(at(1, 2), (Q,), None, timeout=1.0)], "", set()),
    "gone": ([*PUSHED], "b", {"acknowledged and missing"}),
    "two gone with one client": (
        [*PUSHED, Pop(at(3, fate=UNKNOWN), (Q,))],
        "",
        {"acknowledged and missing"},
    ),
    "taken twice": ([*PUSHED, Pop(at(3), (Q,), "a"), Pop(at(3), (Q,), "a")], "b", {"taken twice"}),
    "taken, and there still": ([*PUSHED, Pop(at(3), (Q,), "a")], "ab", {"taken twice"}),
    "nobody pushed it": ([Pop(at(3), (Q,), "x")], "", {"never written"}),
    "refused, and taken": (
        [Push(at(1, fate=REFUSED), Q, "a"), Pop(at(2), (Q,), "a")],
        "",
        {"refused yet applied"},
    ),
    "taken before it was pushed": ([Push(at(3), Q, "a"), Pop(at(1), (Q,), "a")], "", {"back in time"}),
    "the later one first": (
        [*PUSHED, Pop(at(3), (Q,), "b"), Pop(at(4), (Q,), "a")],
        "",
        {"out of order"},
    ),
    "nil too early": ([Pop(at(1, 1.5), (Q,), None, timeout=1.0)], "", {"gave up early"}),
    "an answer that is much too late": ([Pop(at(1, 20), (Q,), None, timeout=1.0)], "", {"hung"}),
}


@pytest.mark.parametrize(("events", "left", "faults"), QUEUES.values(), ids=QUEUES)
def test_what_is_pushed_is_taken_once_and_in_order(
    events: Sequence[Event], left: str, faults: set[str]
) -> None:
    assert found(events, queues={Q: list(left)}) == faults


def heard(*numbers: int) -> list[Event]:
    return [Heard(at(time, who="s"), "news", "p", number) for time, number in enumerate(numbers)]


SUBSCRIBED = Subscription(at(0.5, 9, who="s"), "news")
PUBLISHED = [Publish(at(number, who="p"), "news", number) for number in (1, 2, 3)]
MESSAGES: Mapping[str, tuple[Sequence[Event], set[str]]] = {
    "all, once, in order": ([*PUBLISHED, SUBSCRIBED, *heard(1, 2, 3)], set()),
    "before and after the subscription": (
        [*PUBLISHED, Subscription(at(1.2, 2.8, who="s"), "news"), *heard(2)],
        set(),
    ),
    "on the edge of the subscription": (
        [*PUBLISHED, Subscription(at(1.2, 2.8, who="s"), "news"), *heard(1, 2, 3)],
        set(),
    ),
    "a message without an answer": ([Publish(at(1, fate=UNKNOWN, who="p"), "news", 1), SUBSCRIBED], set()),
    "one is lost": ([*PUBLISHED, SUBSCRIBED, *heard(1, 3)], {"message lost"}),
    "all are lost": ([*PUBLISHED, SUBSCRIBED], {"message lost"}),
    "one comes twice": ([*PUBLISHED, SUBSCRIBED, *heard(1, 2, 2, 3)], {"message doubled"}),
    "out of order": ([*PUBLISHED, SUBSCRIBED, *heard(1, 3, 2)], {"message out of order"}),
    "nobody published it": ([*PUBLISHED, SUBSCRIBED, *heard(1, 2, 3, 4)], {"message of nobody"}),
    "a refused one is heard": (
        [Publish(at(1, fate=REFUSED, who="p"), "news", 1), SUBSCRIBED, *heard(1)],
        {"refused yet applied"},
    ),
}


@pytest.mark.parametrize(("events", "faults"), MESSAGES.values(), ids=MESSAGES)
def test_a_subscriber_hears_every_message_once_and_in_order(
    events: Sequence[Event], faults: set[str]
) -> None:
    assert found(events) == faults


def test_an_answer_to_somebody_else_is_seen() -> None:
    assert found([Answer(at(1), "ECHO", "c#1", "c#1")]) == set()
    assert found([Answer(at(1), "ECHO", "c#1", "d#1")]) == {"not its own answer"}


def test_what_is_kept_though_somebody_wrote_is_seen() -> None:
    final: Mapping[str, Any] = {"counters": {"c": 2}, "registers": {"r": "x"}}
    assert found([Cached(at(1), "c", "2"), Cached(at(1), "r", "x")], **final) == set()
    assert found([Cached(at(1), "c", "1")], **final) == {"stale for ever"}
    assert found([Cached(at(1), "r", "y")], **final) == {"stale for ever"}


def test_what_a_client_noticed_is_a_fault() -> None:
    assert found([Noticed(at(1), "the connection was closed")]) == {"noticed"}


def test_faults_are_told_rule_by_rule_and_the_many_are_counted() -> None:
    many = [Fault("lost", str(number)) for number in range(5)]
    assert told([Fault("rare", "one"), *many]).splitlines() == [
        "lost, 5 times:",
        "    0",
        "    1",
        "    2",
        "rare, 1 times:",
        "    one",
    ]
