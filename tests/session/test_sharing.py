"""What may go down a shared lane, what keeps a client on a lane of its own, and what does for good."""

from collections.abc import Callable

import pytest

from proxy.session.common import Common
from proxy.session.scripts import Scripts
from proxy.session.session import Session
from proxy.session.sharing import (
    ALIKE,
    LARGE,
    LASTING,
    UNSHARED,
    apart,
    count_whole,
    pinned,
    whole,
)
from proxy.session.table import SPECIAL, ask, plain
from proxy.wire.commands import CommandTable, parse_commands
from proxy.wire.encoding import command
from proxy.wire.requests import Frame, RequestCutter
from tests.servers import RedisServer
from tests.session.conversation import Conversation
from tests.wire.test_commands import told_by

Start = Callable[..., RedisServer]

TABLE = CommandTable(
    names=SPECIAL | UNSHARED | {b"GET", b"SET", b"PING", b"MOD.DO", b"XADD"},
    blocking=frozenset((b"BLPOP", b"XREAD")),
    foreign=frozenset((b"MOD.DO",)),
)
PLAIN = plain(TABLE)
SHARED = frozenset((b"GET", b"SET", b"PING", b"XADD"))
MULTI, EXEC, GET = command("MULTI"), command("EXEC"), command("GET", "k")


def new_session() -> Session:
    return Session(1, Common(Scripts(10, 1000), commands=TABLE))


def named(*frames: bytes) -> list[tuple[bytes, Frame]]:
    """The commands as a client's cutter gives them."""
    return list(RequestCutter().feed(b"".join(frames)))


def why(session: Session, *words: str) -> str:
    [(name, frame)] = named(command(*words))
    return apart(session, name, frame, PLAIN)


def test_what_is_plain_is_shared_and_nothing_else_that_has_a_row_is() -> None:
    assert {name for name in PLAIN if name == name.upper()} == SHARED
    for name in SHARED:
        assert why(new_session(), name.decode()) == ""


@pytest.mark.parametrize("name", sorted(SPECIAL - ALIKE - {b"XREAD", b"XREADGROUP"}), ids=bytes.decode)
def test_each_command_that_has_a_row_goes_down_a_lane_of_its_own(name: bytes) -> None:
    session = new_session()
    assert why(session, name.decode(), "x") == name.decode()
    if name in LASTING or name == b"CLIENT":  # CLIENT X is nothing that anybody knows
        assert pinned(session) == name.decode()
    else:
        assert pinned(session) == ""


@pytest.mark.parametrize("name", sorted(ALIKE), ids=bytes.decode)
def test_what_is_looked_at_only_for_its_answer_is_shared(name: bytes) -> None:
    assert why(new_session(), name.decode(), "0") == ""


@pytest.mark.parametrize("name", sorted(UNSHARED | {b"MOD.DO"}), ids=bytes.decode)
def test_what_changes_the_connection_or_must_pass_a_script_is_not_shared(name: bytes) -> None:
    session = new_session()
    assert why(session, name.decode(), "KILL") == name.decode()
    assert pinned(session) == (name.decode() if name in LASTING else "")


@pytest.mark.parametrize("name", ["XREAD", "XREADGROUP"])
def test_a_stream_is_read_over_a_shared_lane_unless_that_may_block(name: str) -> None:
    session = new_session()
    assert why(session, name, "COUNT", "1", "STREAMS", "s", "0") == ""
    assert why(session, name, "bLock", "0", "STREAMS", "s", "$") == "XREAD BLOCK" and not pinned(session)


@pytest.mark.parametrize("name", ["NOSUCH", "MOD.NOSUCH", "get\r\nid=1", ""])
def test_what_the_server_does_not_list_pins_for_good(name: str) -> None:
    session = new_session()
    reason = apart(session, name.upper().encode(), command(name), PLAIN)
    assert reason == pinned(session) == "unknown command"
    assert why(session, "GET", "k") == reason


@pytest.mark.parametrize(
    ("words", "lasts"),
    [
        ("SETNAME a", False),
        ("setinfo LIB-NAME a", False),
        ("TRACKING off", False),
        ("NO-EVICT off", False),
        ("MAINT_NOTIFICATIONS on", False),
        ("CAPA redirect", True),
        ("IMPORT-SOURCE ON", True),
        ("NOSUCH", True),
        ("", False),
    ],
)
def test_what_nobody_knows_of_client_pins(words: str, lasts: bool) -> None:
    session = new_session()
    assert why(session, "CLIENT", *words.split()) == "CLIENT"
    assert pinned(session) == ("CLIENT" if lasts else "")


@pytest.mark.parametrize(
    ("word", "lasts"), [("DEBUG", True), ("debug", True), ("KILL", False), ("LOAD", False)]
)
def test_a_script_debugger_pins(word: str, lasts: bool) -> None:
    session = new_session()
    assert why(session, "SCRIPT", word) == "SCRIPT" and pinned(session) == ("SCRIPT" if lasts else "")


def test_what_is_large_goes_down_a_lane_of_its_own() -> None:
    session = new_session()
    size = LARGE - len(command("SET", "k", "v" * LARGE)) + LARGE
    exact = command("SET", "k", "v" * size)
    assert len(exact) == LARGE and apart(session, b"SET", exact, PLAIN) == ""
    for name in (b"SET", b"EVAL", b"XREAD"):
        long = command(name, "v" * LARGE)
        assert apart(session, name, [long[:9000], long[9000:]], PLAIN) == "large transfers"
        assert not pinned(session)


WHOLE = [
    ([MULTI, EXEC], 2),
    ([MULTI, GET, command("set", "k", 1), EXEC], 4),
    ([MULTI, GET, EXEC, GET, EXEC], 3),
    ([command("multi"), GET, command("Exec")], 3),
    ([b"MULTI\r\n", b"GET k\r\n", b"EXEC\r\n"], 3),
]
NOT_WHOLE = {
    "in pieces": [MULTI, GET],
    "SELECT": [MULTI, command("SELECT", 3), EXEC],
    "nested": [MULTI, MULTI, EXEC],
    "WATCH": [MULTI, command("WATCH", "k"), EXEC],
    "DISCARD": [MULTI, GET, command("DISCARD"), EXEC],
    "RESET": [MULTI, command("RESET"), EXEC],
    "QUIT": [MULTI, command("QUIT"), EXEC],
    "BLPOP": [MULTI, command("BLPOP", "k", 0), EXEC],
    "EVAL": [MULTI, command("EVAL", "return 1", 0), EXEC],
    "AUTH": [MULTI, command("AUTH", "secret"), EXEC],
    "unknown": [MULTI, command("NOSUCH"), EXEC],
    "a module's": [MULTI, command("MOD.DO"), EXEC],
    "MULTI misspelt": [command("MULTI", 1), GET, EXEC],
    "EXEC misspelt": [MULTI, GET, command("EXEC", 1), EXEC],
    "malformed": [MULTI, GET],
    "no MULTI": [GET, EXEC],
    "too large": [MULTI, *[command("SET", "k", "v" * (LARGE // 4))] * 4, EXEC],
}


@pytest.mark.parametrize(("frames", "count"), WHOLE)
def test_a_transaction_that_has_arrived_whole_may_be_shared(frames: list[bytes], count: int) -> None:
    assert whole(named(*frames), PLAIN) == count


def test_one_that_comes_alone_is_seen_at_a_glance_and_nothing_else_is() -> None:
    assert count_whole(MULTI + GET + command("SET", "k", EXEC) + EXEC, PLAIN) == 4
    for frames in (*NOT_WHOLE.values(), *(frames for frames, _ in WHOLE[2:]), [MULTI, EXEC], [GET]):
        assert count_whole(b"".join(frames), PLAIN) == 0
    data = MULTI + GET + EXEC
    for end in range(len(data)):
        assert count_whole(data[:end], PLAIN) == 0
        assert count_whole(data + data[:end], PLAIN) == 3 * (end == 0)


@pytest.mark.parametrize("what", NOT_WHOLE)
def test_any_other_transaction_may_not(what: str) -> None:
    commands = named(*NOT_WHOLE[what])
    if what == "malformed":
        commands += [(b"", b"-ERR Protocol error\r\n"), *named(EXEC)]
    assert whole(commands, PLAIN) == 0


def test_no_transaction_is_none() -> None:
    assert whole([], PLAIN) == 0


HELD = {
    "MULTI": ("MULTI", "DISCARD"),
    "WATCH k": ("WATCH", "UNWATCH"),
    "MONITOR": ("MONITOR", "RESET"),
    "SUBSCRIBE c": ("SUBSCRIBE", "UNSUBSCRIBE c"),
    "PSUBSCRIBE c": ("SUBSCRIBE", "PUNSUBSCRIBE"),
    "CLIENT TRACKING ON": ("CLIENT TRACKING", "CLIENT TRACKING OFF"),
    "CLIENT NO-EVICT on": ("CLIENT NO-EVICT", "CLIENT NO-EVICT off"),
    "SELECT 3": ("", "SELECT 0"),
    "CLIENT SETNAME a": ("", "PING"),
}


def test_what_a_session_holds_pins_it_until_it_is_taken_back(redis_server: Start) -> None:
    server = redis_server()
    for said, (reason, back) in HELD.items():
        talk = Conversation(server)
        assert talk.tell("HELLO", 3).startswith(b"%")
        failed = talk.tell(*said.split()).startswith(b"-")  # 6.2 has no NO-EVICT
        assert pinned(talk.session) == ("" if failed else reason), said
        talk.tell(*back.split())
        assert pinned(talk.session) == "", back
        talk.lane.close()


def test_who_is_blocked_or_silenced_or_leaves_is_pinned() -> None:
    said = {
        ("BLPOP", "k", "0"): "BLPOP",
        ("CLIENT", "REPLY", "OFF"): "CLIENT REPLY",
        ("CLIENT", "REPLY", "SKIP"): "CLIENT REPLY",
        ("QUIT",): "QUIT",
    }
    for words, reason in said.items():
        session = new_session()
        ask(session, words[0].encode(), command(*words))
        assert pinned(session) == reason


def test_no_name_that_a_server_lists_is_plain_and_changes_the_connection(redis_server: Start) -> None:
    server = redis_server()
    kept = (
        b"ACL APPEND BITCOUNT COMMAND CONFIG DBSIZE DEL ECHO FLUSHALL GET INFO KEYS LRANGE MSET PING PUBLISH"
    )
    listed = parse_commands(told_by(server))
    assert set(kept.split()) <= plain(listed)
    changing = (
        b"AUTH HELLO SELECT RESET QUIT CLIENT MULTI EXEC DISCARD WATCH UNWATCH MONITOR SUBSCRIBE SCRIPT"
    )
    assert plain(listed).isdisjoint(changing.split())
    assert plain(listed).isdisjoint(LASTING | UNSHARED | listed.blocking | SPECIAL)
