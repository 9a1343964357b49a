"""Many clients on one lane: batches, fences, and each one's replies in the order of its own commands."""

import pytest

from proxy.relay.shared import BATCH_BYTES
from proxy.wire.encoding import command
from tests.relay.crowd import Crowd, fence_of, fences, get, value

BAD = b"*x\r\n"
BAD_REPLY = b"-ERR Protocol error: invalid multibulk length\r\n"
BUSY = b"-BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.\r\n"
NOPERM = b"-NOPERM this user has no permissions to run the 'ping' command\r\n"
QUIT = command("QUIT")
KINDS = (
    b"+OK\r\n",
    b"-ERR no\r\n",
    b":7\r\n",
    b"$-1\r\n",
    b"$0\r\n\r\n",
    b"*2\r\n$4\r\n\r\n+O\r\n*1\r\n:1\r\n",
    b"%1\r\n+a\r\n~1\r\n#t\r\n",
    b"_\r\n",
)
"""Replies of all sorts, with line ends where they may be."""


def test_what_clients_send_in_one_turn_goes_out_in_one_piece_with_a_fence_behind_it(crowd: Crowd) -> None:
    sent = crowd.say({2: get(2), 0: get(0, 2), 1: get(1)})
    assert sent.startswith(get(2) + get(0, 2) + get(1) + b"*2\r\n$4\r\nPING\r\n$33\r\n")
    assert crowd.lane.transport is crowd.links[0][0] and len(crowd.lane.ledger) == 1
    crowd.answers(value(2) + value(0, 2) + value(1) + fence_of(sent))
    assert crowd.all_heard() == [value(0, 2), value(1), value(2), b""] and not crowd.lane.owes


def test_who_is_alone_needs_no_fence(crowd: Crowd) -> None:
    for _ in range(3):
        assert crowd.say({1: get(1, 3)}) == get(1, 3)
        crowd.answers(value(1, 3))
        assert crowd.heard(1) == value(1, 3) and not crowd.lane.owes


def test_who_is_alone_is_given_each_reply_as_it_comes_and_the_rest_is_proven(crowd: Crowd) -> None:
    answer = value(0, 3) + value(1)
    for place in range(len(answer)):
        crowd.say({0: get(0, 3)})
        crowd.answers(answer[: min(place, len(value(0, 3)))])
        before = crowd.heard(0)
        assert before == value(0, 3)[: place // len(value(0)) * len(value(0))]
        fence = fence_of(crowd.say({0: get(0), 1: get(1)})) if place else fence_of(crowd.say({1: get(1)}))
        rest = b"".join([value(0, 3)[place:], value(0) if place else b"", value(1), fence])
        crowd.answers(rest)
        assert before + crowd.heard(0) == value(0, 3) + (value(0) if place else b"")
        assert crowd.heard(1) == value(1) and not crowd.lane.owes


def test_of_who_sends_on_and_on_only_what_is_not_answered_yet_is_kept(crowd: Crowd) -> None:
    crowd.say({0: get(0, 3)})
    for _ in range(100):
        crowd.say({0: get(0, 3)})
        crowd.answers(value(0, 3))
        assert crowd.heard(0) == value(0, 3)
        assert sum(map(len, crowd.lane.ledger[0].pieces)) <= 2 * len(get(0, 3))
    crowd.answers(value(0, 3))
    assert crowd.heard(0) == value(0, 3) and not crowd.lane.owes


def test_who_sends_on_while_it_alone_is_owed_something_has_all_of_it_behind_one_fence(crowd: Crowd) -> None:
    assert crowd.say({1: get(1)}) == get(1)
    crowd.say({1: get(1)})
    crowd.say({2: get(2)})
    assert len(crowd.lane.ledger) <= 2
    sent = crowd.say({3: get(3)})
    assert sent.startswith(get(3)) and fence_of(sent)


def test_a_batch_onto_a_lane_that_owes_something_to_another_is_fenced_together_with_it(crowd: Crowd) -> None:
    crowd.say({0: get(0)})
    sent = crowd.say({1: get(1)})
    assert len(crowd.lane.ledger) == 1
    crowd.answers(value(0) + value(1))
    assert crowd.all_heard() == [b""] * 4, "it is not proven yet whose they are"
    crowd.answers(fence_of(sent))
    assert crowd.all_heard() == [value(0), value(1), b"", b""]


@pytest.mark.parametrize("answers", [KINDS, (BUSY,) * 8], ids=["values", "errors"])
def test_replies_come_out_the_same_wherever_they_are_cut(crowd: Crowd, answers: tuple[bytes, ...]) -> None:
    """Where every command is answered with an error, so is the fence."""
    first, second = b"".join(answers[:3]), b"".join(answers[3:])
    place = size = 0
    while place <= size:
        fence = fence_of(crowd.say({0: get(0, 3), 1: get(1, 5)}))
        data = b"".join([first, second, BUSY if BUSY in answers else fence])
        size = len(data)
        crowd.answers(data[:place])
        crowd.answers(data[place:])
        assert crowd.all_heard() == [first, second, b"", b""], f"cut at {place}"
        assert not crowd.lane.owes and not crowd.lane.closed
        place += 1


def test_replies_come_out_the_same_byte_by_byte_however_many_batches_are_under_way(crowd: Crowd) -> None:
    data = b""
    for _ in range(3):
        data += value(0) + value(1) + fence_of(crowd.say({0: get(0), 1: get(1)}))
    for place in range(len(data)):
        crowd.answers(data[place : place + 1])
    assert crowd.all_heard() == [value(0) * 3, value(1) * 3, b"", b""] and not crowd.lane.owes


def test_a_batch_goes_out_before_its_turn_ends_when_there_is_much_in_it(crowd: Crowd) -> None:
    many = command("SET", "k", "v" * (BATCH_BYTES // 2))
    crowd.says(0, many)
    assert not crowd.lane.ledger
    crowd.says(1, many)
    assert [len(batch.clients) for batch in crowd.lane.ledger] == [2] and crowd.lane.gathered is None
    crowd.says(2, many)
    assert len(fences(crowd.turn())) == 2


@pytest.mark.parametrize(
    ("sent", "answers", "heard"),
    [
        pytest.param(get(0) + BAD, value(0), value(0) + BAD_REPLY, id="malformed"),
        pytest.param(BAD, b"", BAD_REPLY, id="malformed, alone"),
        pytest.param(get(0, 2) + QUIT, value(0, 2), value(0, 2) + b"+OK\r\n", id="QUIT"),
        pytest.param(QUIT, b"", b"+OK\r\n", id="QUIT, alone"),
        pytest.param(get(0) + QUIT + command("INCR", "n"), value(0), value(0) + b"+OK\r\n", id="behind QUIT"),
        pytest.param(get(0) + QUIT + BAD, value(0), value(0) + b"+OK\r\n", id="malformed behind QUIT"),
    ],
)
@pytest.mark.parametrize("alone", [True, False], ids=["alone", "among others"])
def test_the_proxys_own_replies_take_their_turn_and_end_the_connection(
    crowd: Crowd, sent: bytes, answers: bytes, heard: bytes, alone: bool
) -> None:
    others = {} if alone else {1: get(1), 2: get(2)}
    at_node = crowd.say({1: get(1), 0: sent, 2: get(2)} if others else {0: sent})
    assert b"INCR" not in at_node and BAD not in at_node and QUIT not in at_node
    between = b"".join([value(1), answers, value(2)]) if others else answers
    crowd.answers(between + b"".join(fences(at_node)))
    assert crowd.heard(0) == heard + b"<end>"
    assert [crowd.heard(who) for who in others] == [value(who) for who in others]
    assert not crowd.lane.owes and not crowd.lane.closed


def test_a_reply_of_the_proxys_own_waits_for_what_was_sent_in_an_earlier_turn(crowd: Crowd) -> None:
    crowd.say({0: get(0)})
    sent = crowd.say({0: QUIT, 1: get(1)})
    assert crowd.heard(0) == b""
    crowd.answers(value(0) + value(1) + b"".join(fences(sent)))
    assert crowd.all_heard()[:2] == [value(0) + b"+OK\r\n<end>", value(1)]


def test_a_user_who_may_not_ping_is_unfit_to_share_and_the_lane_is_left(crowd: Crowd) -> None:
    """The error in the place of the fence's answer proves nothing, so no more is sent there."""
    crowd.say({0: get(0), 1: get(1)})
    crowd.say({2: get(2)})
    crowd.answers(value(0) + value(1) + NOPERM + value(2)[:3])
    assert crowd.all_heard() == [value(0), value(1), b"", b""]
    assert crowd.lane.unfit and crowd.lane.closed and len(crowd.lane.left) == 1
    crowd.answers(value(2)[3:] + NOPERM)
    assert crowd.heard(2) == value(2) and not crowd.lane.left
    crowd.say({0: get(0)})
    assert crowd.route.wanted == [crowd.clients[0]] and crowd.clients[0].lane is None
    _, node = crowd.lend(0)
    assert node.recv(1000) == get(0)
