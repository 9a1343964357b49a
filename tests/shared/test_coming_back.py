"""A client has a lane of its own for as long as it needs one, and keeps the order of what it says."""

from __future__ import annotations

from tests.shared.scene import Shared, alike
from tests.talking import Talk
from tests.waiting import wait_until

NEEDS = {
    "MULTI in pieces": (("MULTI", "SET fruit fig"), ("EXEC",)),
    "MULTI that is discarded": (("MULTI", "SET fruit fig"), ("DISCARD",)),
    "WATCH and EXEC": (("WATCH fruit",), ("MULTI", "GET fruit", "EXEC")),
    "WATCH and UNWATCH": (("WATCH fruit",), ("UNWATCH",)),
    "WATCH and EXEC in one piece": (("WATCH fruit", "GET fruit"), ("MULTI", "EXEC")),
    "a channel": (("SUBSCRIBE news",), ("UNSUBSCRIBE news",)),
    "a pattern": (("PSUBSCRIBE news*",), ("PUNSUBSCRIBE",)),
    "tracking": (("HELLO 3", "CLIENT TRACKING on"), ("CLIENT TRACKING off", "HELLO 2")),
    "tracking, until RESET": (("HELLO 3", "CLIENT TRACKING on BCAST"), ("RESET",)),
    "everything, until RESET": (
        ("SELECT 3", "CLIENT SETNAME x", "WATCH fruit", "MULTI", "GET a"),
        ("RESET",),
    ),
}
SINCE_7_0 = {
    "a shard channel": (("SSUBSCRIBE news",), ("SUNSUBSCRIBE news",)),
    "NO-EVICT": (("CLIENT NO-EVICT on",), ("CLIENT NO-EVICT off",)),
}
SINCE_7_2 = {"NO-TOUCH": (("CLIENT NO-TOUCH on",), ("CLIENT NO-TOUCH off",))}


def needs(version: str) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    return {
        **NEEDS,
        **({} if version == "6.2" else SINCE_7_0),
        **(SINCE_7_2 if version in ("7.4", "8.0") else {}),
    }


def test_a_client_has_its_own_lane_while_it_needs_one_and_comes_back(lone: Shared) -> None:
    other = lone.talk("PING")
    for need, (begin, end) in needs(lone.primary.version).items():
        for pieces in (False, True):
            talk = lone.talk("SET fruit pear")
            lone.wait_shared(talk)
            told = ask(talk, begin, pieces)
            assert not any(isinstance(reply, Exception) for reply in told), (need, told)
            lone.assert_private(talk)
            assert other.ask("ECHO", need) == need
            told = ask(talk, end, pieces)
            assert not any(isinstance(reply, Exception) for reply in told), (need, told)
            lone.wait_shared(talk)
            assert talk.ask("ECHO", need) == need, need
            assert talk.is_quiet(), need
            talk.socket.close()
    assert lone.lane(other) == "shared"


def ask(talk: Talk, commands: tuple[str, ...], pieces: bool) -> list[object]:
    if pieces:
        return [talk.ask(*command.split()) for command in commands]
    return talk.ask_all(*commands)


BLOCKING: dict[str, tuple[str, object]] = {
    "BLPOP list 0": ("RPUSH list fig", ["list", "fig"]),
    "BLMOVE list other LEFT LEFT 0": ("RPUSH list fig", "fig"),
    "BZPOPMIN zset 0": ("ZADD zset 1 fig", ["zset", "fig", "1"]),
    "XREAD BLOCK 0 STREAMS stream $": ("XADD stream 1-1 a b", [["stream", [["1-1", ["a", "b"]]]]]),
}


def test_who_was_blocked_comes_back(lone: Shared) -> None:
    waker = lone.talk("PING")
    for command, (wake, wanted) in BLOCKING.items():
        talk = lone.talk("PING")
        talk.send_all("SET before 1", command, "GET before")
        wait_until(lambda: lone.primary.info("clients")["blocked_clients"] == 1, "it is blocked")
        lone.assert_private(talk)
        assert not isinstance(waker.ask(*wake.split()), Exception)
        assert talk.replies(3) == ["OK", wanted, "1"]
        lone.wait_shared(talk)
        assert talk.ask("GET", "before") == "1"
    talk.send_all("BLPOP none 0.05", "GET before")
    assert talk.replies(2) == [None, "1"]
    lone.wait_shared(talk, waker)


def test_who_listened_to_everything_comes_back(lone: Shared) -> None:
    talk, other = lone.talk("PING"), lone.talk("PING")
    assert talk.ask("MONITOR") == "OK"
    lone.assert_private(talk)
    assert other.ask("SET", "fruit", "fig") == "OK"
    assert '"SET" "fruit" "fig"' in talk.reply()
    talk.send("RESET")
    wait_until(lambda: talk.reply() == "RESET", "it is reset")
    lone.wait_shared(talk, other)
    assert other.ask("SET", "fruit", "pear") == "OK"
    assert talk.ask("GET", "fruit") == "pear" and talk.is_quiet()


def test_replies_off_and_on_again(lone: Shared) -> None:
    talk = lone.talk("PING")
    talk.send_all("CLIENT REPLY OFF", "SET fruit fig", "INCR count", "CLIENT REPLY ON", "GET fruit")
    assert talk.replies(2) == ["OK", "fig"]
    talk.send_all("CLIENT REPLY SKIP", "INCR count", "GET count")
    assert talk.reply() == "2"
    lone.wait_shared(talk)
    assert talk.is_quiet() and talk.ask("GET", "count") == "2"


def test_commands_behind_one_that_blocks_wait_for_it_and_others_do_not(lone: Shared) -> None:
    talks = [lone.talk("PING") for _ in range(20)]
    for number, talk in enumerate(talks):
        talk.send_all(f"SET a:{number} 1", f"BLPOP list:{number} 0", f"INCR a:{number}")
        assert talk.reply() == "OK"
    plain = lone.talk()
    assert plain.ask_all(*(f"GET a:{number}" for number in range(20))) == ["1"] * 20
    wait_until(lambda: lone.primary.info("clients")["blocked_clients"] == 20, "all are blocked")
    assert plain.ask_all(*(f"RPUSH list:{number} fig" for number in range(20))) == [1] * 20
    for number, talk in enumerate(talks):
        assert talk.replies(2) == [[f"list:{number}", "fig"], 2]
    lone.wait_shared(*talks)


def test_a_login_that_fails_changes_nothing(lone: Shared) -> None:
    talk, other = lone.talk("HELLO 3", "SELECT 4", "SET fruit fig"), lone.talk("PING")
    for login in (
        "AUTH picker wrong",
        "AUTH nobody fig",
        "AUTH wrong",
        "HELLO 2 AUTH picker wrong SETNAME x",
    ):
        other.send("ECHO", "here")
        assert isinstance(talk.ask(*login.split()), Exception)
        assert talk.ask_all("ACL WHOAMI", "GET fruit", "HGETALL none", "CLIENT GETNAME") == [
            "default",
            "fig",
            {},
            None,
        ]
        assert other.reply() == "here"
    lone.wait_shared(talk, other)


def test_each_client_is_greeted_with_its_own_id(lone: Shared) -> None:
    talks = [lone.talk() for _ in range(20)]
    for talk in talks:
        talk.send_all("HELLO 3", "CLIENT ID", "HELLO 3", "MULTI", "CLIENT ID", "EXEC")
    told = [talk.replies(6) for talk in talks]
    assert len({number for _, number, *_ in told}) == 20
    for first, number, second, *_, executed in told:
        assert first["id"] == second["id"] == number and executed == [number]


def test_a_session_is_the_same_on_every_lane(lone: Shared) -> None:
    """Name, db, user and protocol are told by the session, wherever its commands go."""
    talk = lone.talk("HELLO 3 AUTH picker fig SETNAME app", "SELECT 6", "SET fruit fig")
    for special in (("WATCH fruit", "UNWATCH"), ("SUBSCRIBE c", "UNSUBSCRIBE c"), ("BLPOP none 0.01",)):
        for command in special:
            talk.ask(*command.split())
        lone.wait_shared(talk)
        alike_identity(talk)
    straight = lone.straight()
    straight.ask_all("HELLO 3 AUTH picker fig SETNAME app", "SELECT 6")
    alike(talk, straight, "CLIENT GETNAME", "ACL WHOAMI", "GET fruit", "HGETALL none", "DBSIZE")


def alike_identity(talk: Talk) -> None:
    assert talk.ask_all("CLIENT GETNAME", "ACL WHOAMI", "GET fruit", "HGETALL none") == [
        "app",
        "picker",
        "fig",
        {},
    ]
