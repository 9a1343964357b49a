"""A private lane that is used again tells nothing of who had it before."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.binaries import find_all
from tests.shared.scene import Shared, fields
from tests.talking import Talk


@pytest.fixture(scope="module", params=list(find_all()) or ["no-redis-server"])
def redis_binary(request: pytest.FixtureRequest) -> Path:
    """Each version: what a RESET leaves behind differs."""
    return find_all()[request.param]


TRACES = (
    "CLIENT SETNAME left-behind",
    "CLIENT SETINFO lib-name left-behind",
    "CLIENT NO-EVICT on",
    "CLIENT NO-TOUCH on",
    "SELECT 5",
    "WATCH fruit",
    "UNWATCH",
    "AUTH picker fig",
    "AUTH picker wrong",
    "HELLO 2 AUTH picker wrong SETNAME left-behind",
    "SELECT 99",
    "DISCARD now",
    "CLIENT TRACKING on",
    "CLIENT TRACKING on BCAST PREFIX fr",
    "SUBSCRIBE news",
    "MONITOR",
    "MULTI",
    "READONLY",
    "CLIENT REPLY SKIP",
    "CLIENT REPLY OFF",
    "BLPOP list 0",
    "SET half-of-it",
)
SAME = ("db", "flags", "user", "name", "resp", "lib-name", "lib-ver", "sub", "psub", "multi", "redir")
"""What CLIENT INFO tells of a connection beside its own numbers and its age."""


def leave_by_closing(talk: Talk) -> None:
    talk.socket.close()


def leave_by_reset(talk: Talk) -> None:
    talk.ask("RESET")


def leave_by_quit(talk: Talk) -> None:
    talk.send("QUIT")
    talk.rest()


@pytest.mark.parametrize("leave", [leave_by_closing, leave_by_reset, leave_by_quit])
def test_a_lane_that_is_used_again_is_as_new(lone: Shared, leave: Callable[[Talk], None]) -> None:
    clean = seen_on_a_private_lane(lone.talk())
    assert clean["name"] == "" and clean["db"] == "0" and clean["user"] == "default"
    for trace in TRACES:
        left = [lone.talk("HELLO 3") for _ in range(3)]
        for talk in left:
            if trace not in ("CLIENT REPLY OFF", "CLIENT REPLY SKIP", "BLPOP list 0"):
                talk.ask(*trace.split())
            else:
                talk.send(*trace.split())
                talk.send("PING")
        for talk in left:
            if not (leave is leave_by_reset and "REPLY" in trace):
                leave_at_once(talk, leave, trace)
            else:
                talk.socket.close()
        nexts = [lone.talk("PING") for _ in range(4)]
        for talk in nexts:
            assert seen_on_a_private_lane(talk) == clean, trace
        lone.primary.command("SET", "fruit", "fig")
        lone.primary.command("PUBLISH", "news", "fig")
        for talk in nexts:
            assert talk.ask_all("CLIENT GETNAME", "ACL WHOAMI", "EXEC")[:2] == [None, "default"], trace
            assert talk.is_quiet(), trace
            talk.socket.close()


def leave_at_once(talk: Talk, leave: Callable[[Talk], None], trace: str) -> None:
    """A blocked client reads nothing of what it might be told on its way out."""
    if trace == "BLPOP list 0":
        talk.socket.close()
    else:
        leave(talk)


def seen_on_a_private_lane(talk: Talk) -> dict[str, str]:
    """What the node tells of the lane that a client has while it watches a key."""
    watching, said, unwatched = talk.ask_all("WATCH other", "CLIENT INFO", "UNWATCH")
    assert (watching, unwatched) == ("OK", "OK")
    told = fields(said)
    return {name: told[name] for name in SAME if name in told}


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        ("WATCH fruit", "UNWATCH"),
        ("MULTI", "EXEC"),
        ("SELECT 3", "SELECT 0"),
        ("SUBSCRIBE a", "UNSUBSCRIBE a"),
    ],
)
def test_a_lane_on_which_something_strange_was_said_is_not_used_again(
    lone: Shared, begin: str, end: str
) -> None:
    """It has been said on a lane that the client has for another reason."""
    clean = seen_on_a_private_lane(lone.talk())
    for strange in ("DEBUG OBJECT fruit", "NOSUCHCOMMAND"):
        talk = lone.talk("HELLO 3", "SET fruit fig")
        talk.ask_all(begin, strange, end)
        assert talk.ask("PING") == "PONG"
        if strange.startswith("DEBUG"):  # READONLY is an error, except on Valkey
            lone.assert_private(talk)
        assert seen_on_a_private_lane(lone.talk("PING")) == clean
        talk.socket.close()
        assert seen_on_a_private_lane(lone.talk("PING")) == clean


def test_lanes_are_used_again(lone: Shared) -> None:
    for _ in range(3):
        talk = lone.talk("WATCH fruit", "UNWATCH")
        lone.wait_shared(talk)
    before = lone.received()
    talks = [lone.talk("PING") for _ in range(30)]
    for talk in talks:
        assert talk.ask_all("WATCH fruit", "MULTI", "GET fruit", "EXEC") == ["OK", "OK", "QUEUED", [None]]
        lone.wait_shared(talk)
    assert lone.received() - before <= 3


def test_a_watch_of_one_client_is_not_dirty_for_the_next(lone: Shared) -> None:
    for turn in range(5):
        first = lone.talk("WATCH fruit")
        lone.primary.command("INCR", "fruit")
        first.socket.close()
        second = lone.talk("PING")
        assert second.ask_all("WATCH other", "MULTI", "ECHO x") == ["OK", "OK", "QUEUED"]
        assert second.ask("EXEC") == ["x"], turn
        third = lone.talk("WATCH fruit")
        lone.primary.command("INCR", "fruit")
        assert third.ask_all("MULTI", "EXEC") == ["OK", None]
        assert third.ask_all("MULTI", "EXEC") == ["OK", []]


def test_a_subscription_that_is_given_up_sends_nothing_to_the_next(lone: Shared) -> None:
    for _ in range(5):
        first = lone.talk("SUBSCRIBE news", "PSUBSCRIBE *")
        first.socket.close()
        second = lone.talk("WATCH other")
        lone.primary.command("PUBLISH", "news", "fig")
        assert second.ask("ECHO", "x") == "x" and second.is_quiet()
        third = lone.talk("SUBSCRIBE own")
        lone.primary.command("PUBLISH", "news", "fig")
        assert lone.primary.command("PUBLISH", "own", "pear") >= 1
        assert third.reply() == ["message", "own", "pear"]
        third.socket.close()
