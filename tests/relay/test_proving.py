"""A reply never reaches the wrong client: the count is broken on purpose, in each place where one is taken.

Whatever is miscounted, nobody is given a byte of anybody else's; those to whom the lane owed something are
closed, and those to whom it owed nothing go on.
"""

from collections.abc import Callable, Container, Sequence
from contextlib import closing
from typing import cast

import pytest

from proxy.relay.proving import Proving
from proxy.wire.counting import count_requests, split_replies
from tests.relay.crowd import Crowd, fences, get, value

SENDERS, ONLOOKER = (0, 1, 2), 3
ALL = {who: get(who, 2) for who in SENDERS}
REPLIES = [value(who, 2) for who in SENDERS]
WRONG = [pytest.param(1, id="one-more"), pytest.param(-1, id="one-less")]
PUSH = b">2\r\n+message\r\n+hello\r\n"


def miscount_requests(monkeypatch: pytest.MonkeyPatch, who: int, off: int, blind: bool = True) -> None:
    """The commands of this client are counted wrongly, and whoever counts them again is ``blind``."""

    def wrong(data: bytes, plain: Container[bytes]) -> int:
        return count_requests(data, plain) + (off if b"key %d." % who in data else 0)

    monkeypatch.setattr("proxy.relay.client.count_requests", wrong)
    if blind:
        monkeypatch.setattr("proxy.relay.shared.holds", lambda data, count: True)  # or they would not go out


def assert_closed(crowd: Crowd, heard: Sequence[bytes] = (b"", b"", b"")) -> None:
    """The lane and the senders are; they have been given this at most, and the onlooker goes on."""
    assert crowd.lane.closed and crowd.route.lost_lanes == 1
    assert crowd.all_heard() == [*(each + b"<end>" for each in heard), b""]
    assert not crowd.clients[ONLOOKER].closed


@pytest.mark.parametrize("off", WRONG)
@pytest.mark.parametrize("who", SENDERS)
def test_commands_that_are_miscounted_close_the_lane_before_anybody_is_given_anything(
    monkeypatch: pytest.MonkeyPatch, who: int, off: int
) -> None:
    miscount_requests(monkeypatch, who, off)
    for place in range(0, 150, 7):
        with closing(Crowd()) as crowd:
            answer = b"".join([*REPLIES, *fences(crowd.say(ALL))])
            crowd.answers(answer[:place])
            crowd.answers(answer[place:])
            assert_closed(crowd)


@pytest.mark.parametrize("off", WRONG)
@pytest.mark.parametrize("who", SENDERS)
def test_commands_that_are_miscounted_are_counted_again_and_not_even_sent(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch, who: int, off: int
) -> None:
    miscount_requests(monkeypatch, who, off, blind=False)
    assert crowd.say(ALL) in (b"", b"<end>")
    assert_closed(crowd)


@pytest.mark.parametrize("off", WRONG)
@pytest.mark.parametrize("who", SENDERS)
def test_replies_that_are_miscounted_close_the_lane_before_anybody_is_given_anything(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch, who: int, off: int
) -> None:

    def wrong(data: bytes, start: int, counts: Sequence[int]) -> list[int]:
        return split_replies(data, start, [count + off * (n == who) for n, count in enumerate(counts)])

    monkeypatch.setattr("proxy.relay.proving.split_replies", wrong)
    crowd.answers(b"".join([*REPLIES, *fences(crowd.say(ALL))]))
    assert_closed(crowd)


@pytest.mark.parametrize("off", WRONG)
def test_who_was_miscounted_while_alone_is_found_out_by_the_next_ones_fence(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch, off: int
) -> None:
    miscount_requests(monkeypatch, 0, off)
    assert fences(crowd.say({0: ALL[0]})) == []
    answer = b"".join([*REPLIES, *fences(crowd.say({1: ALL[1], 2: ALL[2]}))])
    crowd.answers(answer)
    assert_closed(crowd)


def test_a_late_reply_of_who_was_miscounted_while_alone_is_not_the_next_ones(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By then the lane seems to owe nothing."""
    miscount_requests(monkeypatch, 0, -1)
    assert fences(crowd.say({0: ALL[0]})) == []
    crowd.answers(value(0))
    behind = crowd.say({1: get(1)})
    crowd.answers(REPLIES[0][len(value(0)) :])
    crowd.answers(b"".join([value(1), *fences(behind)]))
    assert crowd.lane.closed
    assert crowd.all_heard()[:2] == [value(0), b"<end>"]


def test_who_is_miscounted_while_alone_is_given_what_is_its_own_alone(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    miscount_requests(monkeypatch, 0, -1)
    crowd.say({0: ALL[0]})
    crowd.answers(REPLIES[0])
    assert crowd.lane.closed and crowd.all_heard() == [value(0), b"", b"", b""]


Answer = Callable[[list[bytes], bytes], list[bytes]]
MISCHIEF: dict[str, Answer] = {
    "a reply too many": lambda replies, fence: [*replies[:1], value(7), *replies[1:], fence],
    "a reply too many at the end": lambda replies, fence: [*replies, value(7), fence],
    "a reply too few": lambda replies, fence: [replies[0], value(1), replies[2], fence],
    "the last reply is lacking": lambda replies, fence: [*replies[:2], value(2), fence],
    "the fence too early": lambda replies, fence: [*replies[:2], fence, replies[2]],
    "the fence first": lambda replies, fence: [fence, *replies],
    "a push first": lambda replies, fence: [PUSH, *replies, fence],
    "a push between": lambda replies, fence: [replies[0], PUSH, *replies[1:], fence],
    "a push before the fence": lambda replies, fence: [*replies, PUSH, fence],
    "a push for a reply": lambda replies, fence: [replies[0], value(1), PUSH, replies[2], fence],
    "a fence that was never sent": lambda replies, fence: [*replies, fence[:-4] + b"xx\r\n"],
    "garbage first": lambda replies, fence: [b"hello\r\n", *replies, fence],
    "garbage between": lambda replies, fence: [*replies[:2], b"$x\r\n", replies[2], fence],
    "garbage before the fence": lambda replies, fence: [*replies, b"\r\n", fence],
    "an error for the fence, and the fence": lambda replies, fence: [*replies, b"-BUSY x\r\n", fence],
    "a value with this very fence": lambda replies, fence: [
        *(b"$%d\r\n%s\r\n" % (len(fence), fence), replies[0][17:], *replies[1:], fence)
    ],
}


@pytest.mark.parametrize("what", MISCHIEF)
def test_a_node_that_is_out_of_step_has_its_lane_closed_before_anybody_is_given_anything(
    crowd: Crowd, what: str
) -> None:
    [fence] = fences(crowd.say(ALL))
    crowd.answers(b"".join(MISCHIEF[what](REPLIES, fence)))
    assert_closed(crowd)


FENCELESS: dict[str, Callable[[bytes], bytes]] = {
    "no answer to the fence": lambda fence: b"",
    "another word for the fence's": lambda fence: b"$33\r\n%s\r\n" % (b"x" * 33),
    "an answer of another kind": lambda fence: b":1\r\n",
    "garbage": lambda fence: b"hello\r\n",
}


@pytest.mark.parametrize("what", FENCELESS)
def test_without_the_fences_answer_nobody_is_given_anything_and_the_next_one_proves_it_lacking(
    crowd: Crowd, what: str
) -> None:
    fenced = {who: ALL[who] for who in (0, 1)}
    [fence] = fences(crowd.say(fenced))
    crowd.answers(b"".join([*REPLIES[:2], FENCELESS[what](fence)]))
    assert crowd.all_heard() == [b""] * 4
    [next_fence] = fences(crowd.say({2: ALL[2]}))
    crowd.answers(REPLIES[2] + next_fence)
    assert_closed(crowd)


def test_two_fences_that_change_places_prove_nothing(crowd: Crowd) -> None:
    [first] = fences(crowd.say({0: ALL[0], 1: ALL[1]}))
    [second] = fences(crowd.say({2: ALL[2]}))
    crowd.answers(b"".join([*REPLIES[:2], second, REPLIES[2], first]))
    assert_closed(crowd)


@pytest.mark.parametrize("what", ["no answer to the fence", "another word for the fence's"])
def test_a_lane_that_is_let_through_without_its_fences_answer_is_closed(crowd: Crowd, what: str) -> None:
    """Who calls it is no reactor, but a task that must not be ended by a node's fault."""
    [fence] = fences(crowd.say(ALL))
    crowd.answers(b"".join([*REPLIES, FENCELESS[what](fence)]))
    left = cast(Proving, crowd.lane.receiver).let_through()
    crowd.answers(value(0), link=0)
    assert left.closed
    assert crowd.all_heard()[ONLOOKER] == b""


def test_what_comes_behind_the_fence_is_nobodys(crowd: Crowd) -> None:
    [fence] = fences(crowd.say(ALL))
    crowd.answers(b"".join([*REPLIES, fence, value(7)]))
    assert crowd.lane.closed
    assert crowd.all_heard() == [*REPLIES, b""], "the batch itself was in step"
    assert not any(each.closed for each in crowd.clients), "nothing was owed to them any more"


def test_what_comes_unasked_is_nobodys(crowd: Crowd) -> None:
    crowd.answers(value(7))
    assert crowd.lane.closed and crowd.all_heard() == [b""] * 4


def test_the_text_of_an_older_fence_in_a_value_is_nothing_but_a_value(crowd: Crowd) -> None:
    [older] = fences(crowd.say(ALL))
    crowd.answers(b"".join([*REPLIES, older]))
    assert crowd.all_heard() == [*REPLIES, b""]
    kept = b"$%d\r\n%s\r\n" % (len(older), older)
    for place in range(1, len(kept) + 50):
        [fence] = fences(crowd.say({0: get(0), 1: get(1)}))
        answer = kept + value(1) + fence
        crowd.answers(answer[:place])
        crowd.answers(answer[place:])
        assert crowd.all_heard() == [kept, value(1), b"", b""]


def test_no_two_lanes_have_the_same_fences(crowd: Crowd) -> None:
    with closing(Crowd()) as other:
        assert set(fences(crowd.say(ALL))).isdisjoint(fences(other.say(ALL)))
