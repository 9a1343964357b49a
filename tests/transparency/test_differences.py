"""The list of differences is as long as it must be, and hides nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from attrs import evolve, frozen

from tests.transparency import connection, differences
from tests.transparency.connection import Circle
from tests.transparency.conversations import Conversation, Raw, Said, Step, elsewhere
from tests.transparency.differences import (
    DIFFERS,
    LEFT_OUT,
    PASSED_OVER,
    PASSED_OVER_SHARED,
    PASSED_OVER_SWITCHED,
    REFUSED,
    PassedOver,
    monitor_filter,
)
from tests.transparency.examples import EXAMPLES, Commands, Example
from tests.transparency.frames import Node
from tests.transparency.invalidations import Invalidations
from tests.transparency.pools import Patience
from tests.transparency.proxied import Differed, same
from tests.transparency.sameness import Known, Names
from tests.transparency.straight import Cause
from tests.transparency.twins import Twins
from tests.waiting import wait_until

TIME_TO_DIFFER_SECONDS = 4.0
"""What differs by the clock does so by the second, if not sooner."""


@frozen
class Shown:
    """What two sides said to an example, and who they said it to."""

    name: str
    straight: Node
    other: Node
    known: Known

    def is_same_as(self, other: Node) -> bool:
        return same(Cause(self.name), self.straight, other, self.known)


def told(port: int, example: Example) -> tuple[Node, Names]:
    """The reply to the last command of an example, and the names of who asked."""
    circle = Circle(port, (3 if example.resp3 else 2, 2), False)
    with closing(circle):
        talk = circle.clients[0]
        *before, last = example.commands
        for words in before:
            talk.send(circle.rendered(words))
            talk.next_frames(example.answers or 1)
        if example.resp3:  # a channel a push
            while talk.collect(0.05):
                pass
            talk.taken()
        talk.send(circle.rendered(last))
        answer = talk.next_frames(example.answers) if example.answers else talk.next_frame()
        assert answer is not None
        return answer, circle.names


def show(name: str, twins: Twins) -> Shown | None:
    """Two replies to an example that differ; None if the server does not know the command, or is known to
    answer alike.

    The other side is a node without the proxy, unless the example says that the proxy makes the difference.
    """
    example = EXAMPLES[name]
    twins.prepare()
    straight, names = told(twins.server.port, example)
    if twins.server.version in example.alike_on:
        return None
    if straight.kind == b"-":
        assert b"nknown" in straight.text, f"{name} is answered with an error: {straight.text!r}"
        return None
    there = twins.proxy.port if example.proxied else twins.primary.port
    if example.replica:
        there = twins.pair[not twins.swapped].port
    got: list[tuple[Node, Names]] = []

    def differs() -> bool:
        if not example.later:
            twins.prepare()
        got.append(told(there, example))
        return got[-1][0] != straight

    wait_until(differs, f"{name} differs", TIME_TO_DIFFER_SECONDS)
    return Shown(name, straight, got[-1][0], Known(names, got[-1][1]))


def wrong_ones(node: Node) -> Iterator[Node]:
    """Replies of another shape: an error, nothing, another type, fewer elements, other elements."""
    yield Node(b"-", b"ERR no")
    yield Node(b"$", None)
    yield Node(b"_", b"")
    yield Node(b"+", b"7") if node.kind != b"+" else Node(b":", b"7")
    if node.elements:
        yield Node(node.kind, node.elements[1:])
        yield Node(node.kind, (*node.elements[:-1], Node(b"+", b"777777777777")))


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_entry_is_needed_and_allows_no_other_shape(twins: Twins, name: str) -> None:
    shown = show(name, twins)
    if shown is None:
        return
    assert shown.is_same_as(shown.other)
    for wrong in wrong_ones(shown.other):
        assert not shown.is_same_as(wrong), wrong


def test_each_command_of_the_list_has_an_example() -> None:
    listed = {name for each in DIFFERS for name in each.commands}
    assert listed == set(EXAMPLES)


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_left_out_for_the_proxys_sake_is_refused_by_it(twins: Twins, name: str) -> None:
    answer, _ = told(twins.proxy.port, Example((tuple(name.split()),)))
    assert answer.kind == b"-" and b"Baton" in answer.text


ALONE: dict[str, Commands] = {
    "PFSELFTEST": (("PFSELFTEST",),),
    "CLIENT PAUSE": (("CLIENT", "PAUSE", "1", "WRITE"), ("SET", "s1", "x"), ("CLIENT", "PAUSE", "x")),
    "SCRIPT DEBUG": (("SCRIPT", "DEBUG", "NO"), ("SCRIPT", "DEBUG", "x")),
    "MEMORY DOCTOR": (("MEMORY", "DOCTOR"),),
    "SLOWLOG GET": (("SLOWLOG", "GET"),),
    "SLOWLOG LEN": (("SLOWLOG", "LEN"),),
    "LATENCY HISTOGRAM": (("LATENCY", "HISTOGRAM"),),
    "POST": (("POST",),),
}
"""What is left out of conversations, since it disturbs them, and is said here."""
BY_KIND = ("MEMORY DOCTOR", "SLOWLOG GET", "SLOWLOG LEN", "LATENCY HISTOGRAM")
"""Of these only the type of the answer is the same."""


@pytest.mark.parametrize("name", ALONE)
def test_what_is_left_out_for_the_conversations_sake_is_the_same_alone(twins: Twins, name: str) -> None:
    twins.prepare()
    sides = [Circle(port, (2,), False) for port in (twins.server.port, twins.proxy.port)]
    for words in ALONE[name]:
        answers = []
        for side in sides:
            side.clients[0].send(side.rendered(words))
            answers.append(side.clients[0].next_frame())
        straight, proxied = answers
        if straight is not None and proxied is not None and name in BY_KIND:
            assert straight.kind == proxied.kind
        else:
            assert straight == proxied
            assert straight is not None or all(side.clients[0].closed for side in sides)
    for side in sides:
        side.close()


def test_what_is_left_out_is_said_alone_refused_or_named_by_the_issue() -> None:
    given = {"SHUTDOWN", "DEBUG", "MIGRATE", "SAVE", "BGSAVE", "BGREWRITEAOF", "HOST:"}
    assert {name for each in LEFT_OUT for name in each.commands} == given | set(REFUSED) | set(ALONE)


WATCHED = Conversation(
    protocols=(2, 3, 3),
    patient=True,
    steps=(
        Step(0, (("MONITOR",),)),
        Step(1, (("SUBSCRIBE", "ch1"),)),
        Step(2, (("SET", "s1", "x"), ("SELECT", "1"))),
        Step(2, (("MULTI",),)),
        Step(1, (("BLPOP", "l9", Patience(False)),)),
        Step(2, (("INCR", "n1"), ("EXEC",), ("WAIT", "0", "0"))),
    ),
)
"""Somebody overhears the others, and the proxy."""


def lines(said: str) -> bytes:
    return b"".join(b"+1.5 [0 %s] %s\r\n" % tuple(line.encode().split(b" ", 1)) for line in said.split(" / "))


KEPT = 'a:1 "PING" "x" / a:1 "CLIENT" "ID" / a:1 "ROLE" / a:1 "GET" "s1" / lua "PING" "baton"'


def test_of_what_monitor_tells_only_the_proxys_own_is_passed_over() -> None:
    own = lines('o:1 "PING" / o:2 "ROLE" / a:1 "PING" "baton:mark"')
    assert monitor_filter({b"o:1", b"o:2"}, False).sub(b"", own + lines(KEPT) + own) == lines(KEPT)
    assert monitor_filter(set(), False).sub(b"", lines(KEPT)) == lines(KEPT)


def test_with_a_switchover_no_command_on_data_is_passed_over() -> None:
    kept = lines('a:1 "GET" "PING" / lua "INCR" "n1" / a:1 "EXEC" / a:1 "clients" / a:1 "SPUBLISH" "ch" "x"')
    assert monitor_filter({b"o:1"}, True).sub(b"", kept) == kept


OVERHEARD = (*PASSED_OVER, *PASSED_OVER_SHARED, *PASSED_OVER_SWITCHED)


@pytest.mark.parametrize("needed", OVERHEARD, ids=lambda each: each.reason)
def test_what_monitor_tells_of_the_proxy_differs_if_it_is_not_passed_over(
    twins: Twins, monkeypatch: pytest.MonkeyPatch, needed: PassedOver
) -> None:
    monkeypatch.setattr(connection, "LIMIT_SECONDS", 0.5)
    if twins.shared and (needed.own or needed in PASSED_OVER_SWITCHED):
        return  # what is passed over with shared lanes is all that these clients notice
    if not twins.shared and needed in PASSED_OVER_SHARED:
        return
    conversation = WATCHED if needed not in PASSED_OVER_SWITCHED else evolve(WATCHED, switch_at=5)
    twins.hold(conversation)
    for rules in ("PASSED_OVER", "PASSED_OVER_SHARED", "PASSED_OVER_SWITCHED"):
        kept = tuple(each for each in getattr(differences, rules) if each is not needed)
        monkeypatch.setattr(differences, rules, kept)
    with pytest.raises(Differed):
        twins.hold(conversation)


def talk(*batches: tuple[Said, ...], switch_at: int | None = None) -> Conversation:
    """What one client says, an act each."""
    return Conversation((2, 2, 2), False, tuple(Step(0, batch) for batch in batches), switch_at)


REPLY_OFF, REPLY_SKIP = ("CLIENT", "REPLY", "OFF"), ("CLIENT", "REPLY", "SKIP")
LEFT_OUT_AT_TIMES = {
    "behind MONITOR": talk((("MONITOR",), REPLY_SKIP, ("ECHO", "x"), ("ECHO", "y"))),
    "an error behind MONITOR": talk((("MONITOR",),), (("ECHO", "x"), Raw(b"*x\r\n"))),
    "behind CLIENT REPLY SKIP": talk((REPLY_SKIP, Raw(b"\r\n"), ("GET", "s1"))),
    "WATCH and MULTI": talk((("WATCH", "s9"), ("MULTI",)), (("EXEC",),), switch_at=1),
    "on Valkey": talk((Raw(b" \t\r\n"), ("GET", "s1"))),
    "behind CLIENT REPLY OFF": talk((REPLY_OFF, Raw(b"*x\r\n")), (("GET", "s1"),)),
    "inside MULTI": talk((("MULTI",), ("SUBSCRIBE", "ch1"), ("EXEC",))),
    "inside MULTI, muted": talk((REPLY_OFF, ("MULTI",), ("CLIENT", "REPLY", "ON"), ("GET", "s1"), ("EXEC",))),
}
ONLY_ON = {"an error behind MONITOR": "7.0", "on Valkey": "8.0", "behind CLIENT REPLY OFF": "6.2"}


@pytest.mark.parametrize("place", LEFT_OUT_AT_TIMES)
def test_what_is_left_out_at_times_would_differ(
    twins: Twins, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setattr(connection, "LIMIT_SECONDS", 0.5)
    if ONLY_ON.get(place, twins.server.version) == twins.server.version:
        with pytest.raises(Differed):
            twins.hold(LEFT_OUT_AT_TIMES[place])


def test_no_switchover_finds_a_queue_open_behind_watch_and_else_it_may_be_anywhere() -> None:
    watch, multi, run = Step(0, (("WATCH", "s1"),)), Step(0, (("MULTI",),)), Step(0, (("EXEC",),))
    assert [elsewhere((watch, multi, run, run), place, False)[0] for place in range(5)] == [0, 1, 3, 3, 4]
    assert [elsewhere((multi, multi, run), place, True) for place in range(4)] == [
        (n, True) for n in range(4)
    ]
    assert [elsewhere((watch, multi, run), place, True)[1] for place in (0, 1, 3)] == [False, False, True]


TRACKED = Conversation(
    protocols=(3, 2, 2),
    patient=False,
    steps=(
        Step(0, (("CLIENT", "TRACKING", "ON"), ("GET", "s1"), ("GET", "n1"))),
        Step(1, (("SET", "s1", "x"),)),
        Step(1, (("SET", "n1", "x"),)),
        Step(0, (("GET", "s2"),)),
        Step(1, (("SET", "s2", "x"),)),
    ),
    switch_at=2,
)
"""One key is told of before the switchover, one never, since all is, and one after it."""
TOLD = b">2\r\n$10\r\ninvalidate\r\n*1\r\n$2\r\ns1\r\n"
ALL = b">2\r\n$10\r\ninvalidate\r\n_\r\n"


def test_invalidations_differ_with_a_switchover_if_they_are_compared_as_they_come(
    twins: Twins, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "LIMIT_SECONDS", 0.5)
    twins.hold(TRACKED)
    monkeypatch.setattr(Invalidations, "without", lambda self, data, proxied: data)
    with pytest.raises(Differed):
        twins.hold(TRACKED)


def test_nobody_is_told_of_a_change_that_was_not_or_misses_the_word_to_forget_all() -> None:
    def told(straight: bytes, proxied: bytes, due: bool = True, may: int = 1) -> str:
        one = Invalidations(due, may)
        assert one.without(b"+OK\r\n" + straight + b":1\r\n", proxied=False) == b"+OK\r\n:1\r\n"
        assert one.without(proxied, proxied=True) == b""
        return one.fault(over=True)

    assert told(TOLD, ALL) == told(TOLD, TOLD + ALL) == told(b"", b"", due=False) == ""
    assert "was not told to forget all" in told(TOLD, TOLD)
    assert "also got" in told(b"", ALL + TOLD)
    assert "also got" in told(TOLD, ALL + TOLD + TOLD)
    assert "also got" in told(b"", ALL + ALL)
    assert "also got" in told(b"", ALL, due=False, may=0)
