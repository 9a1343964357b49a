"""Replies are given out by the ledger alone; a lane that is out of step is closed."""

from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.relay.lane import Lane
from proxy.relay.ledger import LaneLost
from proxy.relay.reactor import IN, Reactor
from proxy.session.session import Session, Want
from proxy.wire.encoding import command
from proxy.wire.replies import LONG
from tests.relay.bench import Bench, ends
from tests.wire.streams import cut, places, values

PUSH = b">2\r\n+message\r\n+hello\r\n"
MESSAGE = b"*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nb\r\n"


class Noted(Want):
    """A reply that is looked at."""

    def __init__(self) -> None:
        self.seen = b""

    def take(self, session: Session, piece: bytes, last: bool) -> bytes:
        self.seen += piece
        return piece


@settings(max_examples=60)
@given(st.lists(values, min_size=1, max_size=5), places, st.lists(st.booleans(), min_size=5, max_size=5))
def test_replies_are_passed_on_as_they_came_however_they_come(
    stream: list[bytes], at: list[int], looked_at: list[bool]
) -> None:
    bench = Bench()
    idle: list[str] = []
    wants = []
    for _, look in zip(stream, looked_at, strict=False):
        if look:
            wants.append(Noted())
            bench.lane.owe_wanted(bench.client, wants[-1])
        else:
            bench.lane.owe(bench.client, 1)
    bench.lane.when_idle(lambda: idle.append("idle"))
    for chunk in cut(b"".join(stream), at):
        if chunk:
            assert idle == []
            bench.answers(chunk)
    assert bench.at_app() == b"".join(stream)
    assert not bench.lane.ledger and idle == ["idle"] and not bench.lane.closed
    assert [want.seen for want in wants] == [r for r, look in zip(stream, looked_at, strict=False) if look]
    bench.close()


def test_half_a_reply_of_one_lane_is_no_part_of_another_lanes(bench: Bench) -> None:
    """All lanes are counted by one Reader of hiredis, which must be empty between two chunks."""
    other = Bench()
    other.lane.owe(other.client, 1)
    other.answers(b"*3\r\n+1\r\n")
    bench.lane.owe(bench.client, 3)
    bench.answers(b"+a\r\n+b\r\n+c\r\n")
    assert not bench.lane.ledger and other.lane.ledger[0].count == 1
    other.answers(b"+2\r\n+3\r\n")
    assert not other.lane.ledger
    other.close()


def test_the_proxys_own_replies_take_their_turn(bench: Bench) -> None:
    lane, client = bench.lane, bench.client
    lane.say(client, b"+0\r\n")
    lane.owe(client, 2)
    lane.say(client, b"+3\r\n")
    lane.owe(client, 1)
    lane.say(client, b"+5\r\n")
    lane.say(client, b"+6\r\n")
    assert bench.at_app() == b"+0\r\n"
    bench.answers(b"+1\r\n")
    assert bench.at_app() == b"+1\r\n"
    bench.answers(b"+2\r\n+4\r\n")
    assert bench.at_app() == b"+2\r\n+3\r\n+4\r\n+5\r\n+6\r\n"
    assert not lane.ledger


def test_a_reply_that_nobody_asked_for_is_nobodys(bench: Bench) -> None:
    bench.lane.owe(bench.client, 1)
    bench.answers(b"+mine\r\n+whose\r\n")
    assert bench.lane.closed
    assert bench.at_app() == b"+mine\r\n<end>"


def test_what_is_no_reply_closes_the_lane_behind_what_preceded_it(bench: Bench) -> None:
    bench.lane.owe(bench.client, 2)
    bench.answers(b"+mine\r\nhello\r\n")
    assert bench.lane.closed and bench.at_app() == b"+mine\r\n<end>"


def test_a_lane_that_dies_says_what_it_owed_and_is_idle() -> None:
    events: list[LaneLost] = []
    idle: list[str] = []
    bench = Bench()
    bench.lane.lost = events.append
    bench.lane.owe(bench.client, 3)
    bench.lane.owe_wanted(bench.client, Noted())
    bench.lane.when_idle(lambda: idle.append("idle"))
    bench.answers(b"+1\r\n")
    bench.node.close()
    bench.lane.ready(IN)
    bench.lane.die("again")
    [event] = events
    assert event.owed == (bench.client,)
    assert event.why == "closed by the node" and idle == ["idle"]
    bench.close()


def test_a_push_is_owed_to_no_command(bench: Bench) -> None:
    bench.lane.owe(bench.client, 1)
    bench.answers(PUSH + b"+1\r\n" + PUSH)
    assert bench.at_app() == PUSH + b"+1\r\n" + PUSH and not bench.lane.ledger


def test_a_message_and_a_reply_that_looks_like_one_are_told_apart_by_the_session(bench: Bench) -> None:
    bench.lane.owe(bench.client, 1)
    bench.answers(MESSAGE)
    assert not bench.lane.ledger
    bench.says(command("SUBSCRIBE", "a"))
    bench.answers(
        b"*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n" + MESSAGE + b"*2\r\n$4\r\npong\r\n$10\r\nbaton:mark\r\n"
    )
    bench.says(command("PING"))
    bench.answers(MESSAGE + b"*2\r\n$4\r\npong\r\n$0\r\n\r\n")
    assert bench.at_app().count(b"message") == 3 and not bench.lane.ledger and not bench.lane.closed


def test_a_long_reply_passes_while_it_comes(bench: Bench) -> None:
    bench.lane.owe(bench.client, 2)
    bench.answers(b"$150000\r\n" + b"v" * 60_000)
    assert bench.at_app() == b"$150000\r\n" + b"v" * 60_000
    bench.answers(b"v" * 90_000)
    assert len(bench.at_app()) == 90_000 and bench.lane.ledger[0].count == 2
    bench.answers(b"\r\n+OK\r\n")
    assert bench.at_app() == b"\r\n+OK\r\n" and not bench.lane.ledger


def test_a_push_within_a_long_push_is_no_reply(bench: Bench) -> None:
    bench.lane.owe(bench.client, 1)
    long = b">2\r\n+message\r\n$%d\r\n" % (2 * LONG)
    bench.answers(long + b"+1\r\n" * 100)
    assert len(bench.lane.ledger) == 1
    bench.answers(b"v" * (2 * LONG - 400) + b"\r\n+1\r\n")
    assert not bench.lane.ledger and not bench.lane.closed


def test_a_lane_without_an_owner_gives_its_messages_to_nobody() -> None:
    ours, node = ends()
    lost: list[LaneLost] = []
    lane = Lane(Reactor(), ours, lost.append)
    node.sendall(PUSH)
    lane.ready(IN)
    assert not lost and not lane.closed
    lane.shut()
    node.close()


def test_what_comes_behind_the_mark_is_kept_until_it_counts(bench: Bench) -> None:
    bench.lane.kept = []
    bench.answers(PUSH)
    assert bench.at_app() == b""
    bench.lane.release_kept()
    assert bench.at_app() == PUSH
    bench.answers(PUSH)
    assert bench.at_app() == PUSH


def test_lines_of_a_monitor_are_told_from_replies_from_the_first_on(bench: Bench) -> None:
    line = b'+1700000000.000000 [0 127.0.0.1:1] "GET" "a"\r\n'
    bench.says(command("MONITOR"))
    bench.answers(b"+OK\r\n")
    bench.says(command("PING"))
    bench.answers(line + b"+PONG\r\n" + line)
    assert bench.at_app() == b"+OK\r\n" + line + b"+PONG\r\n" + line
    assert not bench.lane.closed and not bench.lane.ledger
