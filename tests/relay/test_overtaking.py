"""What is too long to be kept back passes as it comes, over a connection that the lane has left; whoever can
be served elsewhere is, and nothing that may have changed anything is asked twice."""

from collections.abc import Container

import pytest

from proxy.relay.proving import HELD_MAX
from proxy.relay.reactor import IN
from proxy.relay.shared import SharedLane
from proxy.wire.counting import count_requests
from proxy.wire.encoding import command
from tests.relay.crowd import Crowd, fences, get, value

LONG = b"$%d\r\n%s\r\n" % (2 * HELD_MAX, b"v" * 2 * HELD_MAX)
HALF = HELD_MAX + 100_000
"""Bytes: more than are kept back."""
SET, INCR, SCAN = command("SET", "k", 1), command("INCR", "n"), command("SCAN", 0)
OK = b"+OK\r\n"


def left_of(crowd: Crowd) -> SharedLane:
    [left] = crowd.lane.left
    return left


def test_who_waits_behind_a_long_reply_is_served_over_a_new_connection(crowd: Crowd) -> None:
    """So is its reader, over a lane of its own; what comes for them on the one that was left is nobody's."""
    [fence] = fences(crowd.say({0: get(0), 1: get(1), 2: SET, 3: get(3, 2)}))
    crowd.answers(LONG[:HALF])
    assert crowd.all_heard() == [b""] * 4 and crowd.wants_connection
    assert crowd.route.wanted == [crowd.clients[0]]
    lane, node = crowd.lend(0)
    assert node.recv(1000) == get(0)
    crowd.connect()
    sent = crowd.turn()
    assert sent.startswith(get(1) + get(3, 2)), "the write is not asked for again"
    crowd.answers(value(1) + value(3, 2) + b"".join(fences(sent)))
    assert crowd.all_heard() == [b"", value(1), b"", value(3, 2)]
    left = left_of(crowd)
    crowd.answers(b"".join([LONG[HALF:], value(1), OK, value(3, 2), fence]), link=0)
    assert crowd.all_heard() == [b"", b"", OK, b""] and left.closed and not crowd.lane.left
    node.sendall(value(0))
    lane.ready(IN)
    assert crowd.heard(0) == value(0)


def test_the_long_reply_to_a_command_that_may_have_changed_something_passes_as_it_comes(crowd: Crowd) -> None:
    [fence] = fences(crowd.say({0: INCR, 1: SET, 2: get(2)}))
    crowd.answers(LONG[:HALF])
    assert crowd.heard(0) == LONG[:HALF]
    crowd.answers(b"".join([LONG[HALF:], OK, value(2), fence]))
    assert crowd.all_heard() == [LONG[HALF:], OK, b"", b""] and not crowd.lane.left
    assert not crowd.route.wanted, "nothing of its own is to be asked again"
    assert not crowd.wants_connection, "the one that was left is of use again"
    assert crowd.turn().startswith(get(2))


@pytest.mark.parametrize(
    "pipeline", [get(1) + SET, SET + get(1), get(1) + SCAN], ids=["GET SET", "SET GET", "GET SCAN"]
)
def test_who_has_sent_more_than_plain_reads_is_not_asked_for_again(crowd: Crowd, pipeline: bytes) -> None:
    """Neither what is looked at, for it has been noted already that it was sent."""
    [fence] = fences(crowd.say({0: get(0), 1: pipeline, 2: get(2)}))
    answers = {get(1): value(1), SET: OK, SCAN: b"*2\r\n$1\r\n0\r\n*0\r\n"}
    first, second = (answers[each] for each in (get(1), SET, SCAN) if each in pipeline)
    if pipeline.startswith(SET):
        first, second = second, first
    crowd.answers(LONG[:HALF])
    crowd.connect()
    assert crowd.turn() == get(2)
    crowd.answers(b"".join([LONG[HALF:], first, second, value(2), fence]), link=0)
    assert crowd.heard(1) == first + second


def test_who_goes_on_sending_gets_its_replies_in_order_though_its_lane_was_left(crowd: Crowd) -> None:
    [fence] = fences(crowd.say({0: INCR, 1: SET}))
    crowd.answers(LONG[:HALF])
    crowd.connect()
    crowd.says(1, get(1))
    crowd.says(1, get(1))
    assert crowd.turn() == b"", "the answer to SET is still to come"
    assert crowd.say({2: get(2)}) == get(2)
    crowd.answers(b"".join([LONG[HALF:], OK, fence]), link=0)
    assert crowd.heard(1) == OK and crowd.turn().startswith(get(1) * 2)


@pytest.mark.parametrize("late", [b"", SET + SET], ids=["one command", "several"])
def test_batches_behind_the_long_reply_are_passed_on_too(crowd: Crowd, late: bytes) -> None:
    [first] = fences(crowd.say({0: INCR, 1: SET}))
    [second] = fences(crowd.say({2: SET, 3: get(3) + late}))
    crowd.answers(LONG[:HALF])
    rest = b"".join([LONG[HALF:], OK, first, OK, value(3) + OK * (len(late) // len(SET)), second])
    for at in range(0, len(rest), 30_001):
        crowd.answers(rest[at : at + 30_001], link=0)
    assert crowd.all_heard() == [LONG, OK, OK, value(3) + OK * 2 if late else b""]
    assert not crowd.lane.left


def test_the_fence_is_compared_though_replies_pass(crowd: Crowd) -> None:
    [fence] = fences(crowd.say({0: INCR, 1: SET, 2: get(2)}))
    crowd.answers(LONG[:HALF])
    crowd.connect()
    crowd.answers(b"".join([LONG[HALF:], OK, value(2), fence[:-3] + b"?\r\n"]), link=0)
    assert crowd.route.lost_lanes == 1 and not crowd.lane.left and not crowd.lane.closed
    assert not any(each.closed for each in crowd.clients), "all had been given what was theirs"


@pytest.mark.parametrize(
    "what", [b">2\r\n+message\r\n+hello\r\n", b"hello\r\n", OK * 2], ids=["push", "garbage", "one more"]
)
def test_a_node_that_is_out_of_step_while_replies_pass_has_its_lane_closed(crowd: Crowd, what: bytes) -> None:
    fences(crowd.say({0: INCR, 1: SET, 2: get(2)}))
    crowd.answers(LONG[:HALF])
    left = left_of(crowd)
    crowd.answers(LONG[HALF:] + what + b"+x\r\n", link=0)
    assert left.closed and crowd.route.lost_lanes == 1
    assert crowd.all_heard() == [LONG, (OK if what.startswith(OK) else b"<end>"), b"", b""]


def miscount(monkeypatch: pytest.MonkeyPatch, who: int, off: int, blind: bool = True) -> None:
    """The commands of this client are counted wrongly, and the second count is ``blind``."""

    def wrong(data: bytes, plain: Container[bytes]) -> int:
        return count_requests(data, plain) + (off if b"%d.0" % who in data else 0)

    monkeypatch.setattr("proxy.relay.client.count_requests", wrong)
    if blind:
        monkeypatch.setattr("proxy.relay.shared.holds", lambda data, count: True)


@pytest.mark.parametrize("off", [1, -1], ids=["one more", "one less"])
@pytest.mark.parametrize("who", [0, 1, 2])
def test_commands_that_were_miscounted_are_found_out_before_anything_passes(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch, who: int, off: int
) -> None:
    miscount(monkeypatch, who, off)
    crowd.say({0: INCR + get(0), 1: SET + get(1), 2: get(2, 2)})
    crowd.answers(LONG[:HALF])
    assert crowd.all_heard() == [b"<end>"] * 3 + [b""]
    assert not crowd.lane.left and not crowd.clients[3].closed


@pytest.mark.parametrize("off", [1, -1], ids=["one more", "one less"])
def test_so_are_those_behind_a_client_who_has_been_given_a_part_of_his_replies(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch, off: int
) -> None:
    miscount(monkeypatch, 1, off)
    crowd.say({0: INCR * 3})
    crowd.answers(b":1\r\n")
    crowd.say({1: SET + get(1), 2: get(2) + SET})
    crowd.answers(LONG[:HALF])
    assert crowd.all_heard() == [b":1\r\n<end>", b"<end>", b"<end>", b""]


@pytest.mark.parametrize("off", [1, -1], ids=["one more", "one less"])
def test_who_was_miscounted_while_alone_gets_nothing_of_the_next_ones_long_reply(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch, off: int
) -> None:
    """Nor the next one of his: the count was wrong before anything was fenced."""
    miscount(monkeypatch, 0, off, blind=False)
    crowd.say({0: get(0) + INCR})
    if off > 0 and not crowd.clients[0].closed:
        crowd.say({0: SET})
    crowd.answers(value(0) + (b":1\r\n" + OK if off > 0 else b""))
    crowd.say({1: INCR})
    crowd.answers(LONG[:HALF])
    assert b"vvv" not in crowd.heard(0) + crowd.heard(1)


def test_what_no_command_asked_for_comes_between_two_replies(crowd: Crowd) -> None:
    notice = b">1\r\n+MIGRATING\r\n"
    [fence] = fences(crowd.say({0: INCR + INCR, 1: SET}))
    crowd.answers(LONG[:HALF])
    crowd.clients[0].push(notice)
    crowd.clients[1].push(notice)
    crowd.connect()
    crowd.clients[0].push(notice)
    crowd.answers(b"".join([LONG[HALF:], b":1\r\n", OK, fence]), link=0)
    assert crowd.all_heard() == [LONG + notice * 2 + b":1\r\n", notice + OK, b"", b""]


def test_who_does_not_read_what_passes_is_waited_for_if_nobody_stands_behind_it(crowd: Crowd) -> None:
    crowd.say({0: INCR})
    crowd.deaf.add(0)
    crowd.answers(LONG[:HALF])
    left = left_of(crowd)
    at = HALF
    while left.events & IN:
        crowd.answers(LONG[at : at + 30_000], link=0)
        at += 30_000
    assert at < len(LONG) and not crowd.clients[0].closed
    crowd.deaf.clear()
    assert crowd.heard(0) == LONG[:at] and left.events & IN
    crowd.answers(LONG[at:], link=0)
    assert crowd.heard(0) == LONG[at:] and not crowd.lane.left


def test_who_does_not_read_what_passes_is_closed_where_others_stand_behind_it(crowd: Crowd) -> None:
    [fence] = fences(crowd.say({0: INCR, 1: SET}))
    crowd.deaf.add(0)
    crowd.answers(LONG[:HALF])
    assert left_of(crowd).events & IN
    crowd.answers(b"".join([LONG[HALF:], OK, fence]))
    assert crowd.clients[0].closed and crowd.heard(1) == OK and not crowd.lane.left


def test_who_has_gone_is_not_asked_for_again(crowd: Crowd) -> None:
    [fence] = fences(crowd.say({0: INCR, 1: get(1), 2: get(2)}))
    crowd.clients[1].close()
    crowd.answers(LONG[:HALF])
    crowd.connect()
    assert crowd.turn() == get(2)
    crowd.answers(b"".join([LONG[HALF:], value(1), value(2), fence]), link=0)
    assert crowd.all_heard() == [LONG, b"<end>", b"", b""]
    crowd.answers(value(2))
    assert crowd.heard(2) == value(2)


def test_a_connection_that_was_left_takes_along_only_whom_it_owes_something(crowd: Crowd) -> None:
    crowd.say({0: INCR, 1: SET, 2: get(2)})
    crowd.answers(LONG[:HALF])
    crowd.connect()
    crowd.links[0][1].close()
    left_of(crowd).ready(IN)
    assert crowd.all_heard() == [LONG[:HALF] + b"<end>", b"<end>", b"", b""]
    assert not crowd.lane.left and not crowd.lane.closed
    assert crowd.turn() == get(2)


def test_what_is_kept_back_has_a_limit_and_less_than_that_is_proven(crowd: Crowd) -> None:
    some = b"$%d\r\n%s\r\n" % (HELD_MAX // 2, b"w" * (HELD_MAX // 2))
    [fence] = fences(crowd.say({0: get(0), 1: get(1)}))
    crowd.answers(some + value(1))
    assert crowd.all_heard() == [b""] * 4 and not crowd.lane.left
    crowd.answers(fence)
    assert crowd.all_heard() == [some, value(1), b"", b""] and not crowd.wants_connection
