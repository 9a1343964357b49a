"""Commands that may block: where their timeout stands, what is left of it, what they answer without it."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.session.blocking import SECONDS, SHORTEST, Blocking
from proxy.session.session import Say, Send, SendAndWait, Session, Step
from proxy.session.table import ask, resume
from proxy.wire.commands import CommandTable
from proxy.wire.encoding import command
from proxy.wire.requests import arguments
from tests.servers import RedisServer
from tests.session.conversation import Conversation, new_session
from tests.wire.streams import replies_of

Start = Callable[..., RedisServer]
UNBLOCKED = b"-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n"

LINES = {
    "BLPOP k j {}": 1,
    "BRPOP k {}": 1,
    "BRPOPLPUSH k j {}": 1,
    "BLMOVE k j LEFT RIGHT {}": 1,
    "BZPOPMIN k {}": 1,
    "BZPOPMAX k j {}": 1,
    "BLMPOP {} 1 k LEFT": 1,
    "BZMPOP {} 1 k MIN COUNT 2": 1,
    "XREAD BLOCK {} STREAMS s $": 1000,
    "XREAD COUNT 3 BLOCK {} STREAMS s t 0 $": 1000,
    "XREADGROUP GROUP g c BLOCK {} STREAMS s >": 1000,
    "XREADGROUP GROUP streams block COUNT 1 NOACK BLOCK {} STREAMS s >": 1000,
}
UNKNOWN_ON_6_2 = ("BLMPOP", "BZMPOP")


def block(line: str) -> tuple[Session, Blocking]:
    """A session in which this has been sent at second 100."""
    session = new_session()
    words = line.split()
    [step] = ask(session, words[0].upper().encode(), command(*words))
    assert isinstance(step, SendAndWait) and isinstance(step.want, Blocking)
    assert session.blocked is step.want and arguments(step.frame) == [word.encode() for word in words]
    step.want.since = 100.0
    return session, step.want


def park(session: Session, blocking: Blocking) -> None:
    blocking.recalled = True
    assert blocking.take(session, UNBLOCKED, True) == b""
    assert blocking.parked and session.blocked is blocking


def resumed(session: Session, now: float) -> bytes:
    [step] = resume(session, now)
    assert isinstance(step, SendAndWait) and step.want is session.blocked
    assert isinstance(step.frame, bytes)
    return step.frame


def test_every_blocking_command_is_tried_here() -> None:
    assert {name.decode() for name in SECONDS} | {"XREAD", "XREADGROUP"} == {
        line.split()[0] for line in LINES
    }


@pytest.mark.parametrize("line", LINES)
def test_what_is_left_of_a_timeout_is_issued_again(line: str) -> None:
    unit = LINES[line]
    session, blocking = block(line.format(7 * unit))
    assert blocking.timeout == 7
    park(session, blocking)
    again = resumed(session, 104.5).decode("latin-1")
    assert again == command(*line.format("2500" if unit == 1000 else "2.5000").split()).decode()
    park(session, blocking)
    assert (
        resumed(session, 106).decode()
        == command(*line.format("1000" if unit == 1000 else "1.0000").split()).decode()
    )


@pytest.mark.parametrize("line", LINES)
def test_for_ever_stays_for_ever(line: str) -> None:
    session, blocking = block(line.format(0))
    park(session, blocking)
    assert resumed(session, 1e9) == command(*line.format(0).split())


@pytest.mark.parametrize("line", LINES)
@settings(max_examples=40)
@given(timeout=st.floats(0.0001, 1e6), gone=st.floats(-1, 1e6))
def test_what_is_left_is_never_nothing(line: str, timeout: float, gone: float) -> None:
    unit = LINES[line]
    session, blocking = block(
        line.format(max(1, round(timeout * 1000)) if unit == 1000 else f"{timeout:.6f}")
    )
    blocking.timeout = timeout
    park(session, blocking)
    [step] = resume(session, 100 + gone)
    if isinstance(step, Say):
        assert gone > timeout - 1e-6 and session.blocked is None
    else:
        assert isinstance(step, SendAndWait)
        left = float(arguments(step.frame)[blocking.at]) / unit
        assert SHORTEST <= left <= max(SHORTEST, timeout - gone) + (0.00051 if unit == 1000 else 0.00006)


def test_the_shortest_time_that_is_issued_again_ends_on_every_version(redis_server: Start) -> None:
    """6.2 reads 0.001 as 0, which is for ever."""
    session, blocking = block("BLPOP k 5")
    park(session, blocking)
    frame = resumed(session, 104.9999)
    assert Conversation(redis_server()).tell_all(frame) == b"*-1\r\n"


def without_time(line: str, protocol: int) -> bytes:
    session, blocking = block(line.format(1))
    session.protocol = protocol
    park(session, blocking)
    [step] = resume(session, 101)
    assert isinstance(step, Say) and not step.close and session.blocked is None
    return step.reply


@pytest.mark.parametrize("protocol", [2, 3])
def test_the_nil_of_a_command_without_time_is_the_one_that_redis_gives(
    redis_server: Start, protocol: int
) -> None:
    server = redis_server()
    for group in ("g", "streams"):
        server.command("XGROUP", "CREATE", "s", group, "$", "MKSTREAM")
    known = [line for line in LINES if server.version != "6.2" or not line.startswith(UNKNOWN_ON_6_2)]
    lanes = []
    for line in known:  # all at once: a node looks for timeouts ten times a second
        lanes.append(server.raw())
        lanes[-1].sendall(
            command("HELLO", protocol) + command(*line.format(1 if LINES[line] == 1000 else 0.01).split())
        )
    for line, lane in zip(known, lanes, strict=True):
        said = b""
        while len(found := replies_of([said])[0]) < 2:
            said += lane.recv(65_536)
        assert found[1] == without_time(line, protocol), line


@pytest.mark.parametrize(
    "line", ["BLPOP", "BLMPOP", "XREAD", "XREAD BLOCK", "XREAD BLOCK 5", "XREAD COUNT 5 STREAMS s $"]
)
def test_what_does_not_block_is_forwarded(line: str) -> None:
    session = new_session()
    frame = command(*line.split())
    steps = ask(session, line.split()[0].encode(), frame)
    assert [step.frame for step in steps if isinstance(step, Send | SendAndWait)] == [frame]


def test_a_key_or_a_group_may_be_called_as_an_option_is() -> None:
    assert ask(new_session(), b"XREAD", command("XREAD", "STREAMS", "BLOCK", "0")) == (
        Send(command("XREAD", "STREAMS", "BLOCK", "0")),
    )
    _, blocking = block("xreadgroup GROUP BLOCK STREAMS block 9 streams BLOCK >")
    assert (blocking.at, blocking.timeout) == (5, 0.009)


@pytest.mark.parametrize("timeout", ["0x10", "x", "", "-1", "inf", "nan"])
def test_a_timeout_that_is_strange_is_waited_for_all_the_same(timeout: str) -> None:
    """Redis reads 0x10 as 16; a session that took it for an error would not be recalled."""
    session = new_session()
    [step] = ask(session, b"BLPOP", command("BLPOP", "k", timeout))
    assert isinstance(step, SendAndWait)
    assert step.want.take(session, b"-ERR timeout is not a float or out of range\r\n", True)
    assert session.blocked is None


def test_an_unblocking_that_the_client_asked_for_is_its_own() -> None:
    session, blocking = block("BLPOP k 0")
    assert blocking.take(session, UNBLOCKED, True) == UNBLOCKED
    assert session.blocked is None and not blocking.parked


def test_the_element_that_comes_while_it_is_recalled_is_given_out() -> None:
    session, blocking = block("BLPOP k 0")
    blocking.recalled = True
    assert blocking.take(session, b"*2\r\n$1\r\nk\r\n$1\r\nv\r\n", True)
    assert session.blocked is None
    assert resume(session, 0) == ()


def test_the_newest_entry_is_replaced_by_its_id_and_nothing_else_is() -> None:
    session, blocking = block("XREAD BLOCK 0 STREAMS a b c $ 5-1 $")
    assert blocking.newest() == [b"a", b"c"]
    blocking.since_entries({b"a": b"7-0", b"c": b"0-0"})
    assert blocking.newest() == []
    park(session, blocking)
    assert resumed(session, 0) == command(*b"XREAD BLOCK 0 STREAMS a b c 7-0 5-1 0-0".decode().split())


@pytest.mark.parametrize("line", ["BLPOP $ 0", "XREADGROUP GROUP $ $ BLOCK 0 STREAMS $ >"])
def test_only_xread_waits_for_the_newest_entry(line: str) -> None:
    _, blocking = block(line)
    assert blocking.newest() == [] and blocking.writes


def test_reading_commands_are_recalled_after_the_pause() -> None:
    assert not block("XREAD BLOCK 0 STREAMS s $")[1].writes
    assert block("BLPOP k 0")[1].writes


def test_inside_multi_nothing_blocks() -> None:
    session = new_session()
    ask(session, b"MULTI", command("MULTI"))
    steps: tuple[Step, ...] = ask(session, b"BLPOP", command("BLPOP", "k", "0"))
    assert isinstance(steps[0], Send) and session.blocked is None


def test_a_command_that_only_the_server_knows_to_block_is_recalled_and_begins_anew() -> None:
    session = new_session()
    session.common.commands = CommandTable(frozenset((b"MOD.WAIT",)), frozenset((b"MOD.WAIT",)))
    frame = command("MOD.WAIT", "key", "5")
    [step] = ask(session, b"MOD.WAIT", frame)
    assert isinstance(step, SendAndWait) and session.blocked is step.want and session.blocked.writes
    session.blocked.since, session.blocked.recalled = 100.0, True
    assert step.want.take(session, b"-UNBLOCKED x\r\n", True) == b""
    [step] = resume(session, 103.0)
    assert isinstance(step, SendAndWait) and step.frame == frame
    assert step.want.take(session, b"+OK\r\n", True) == b"+OK\r\n" and session.blocked is None
