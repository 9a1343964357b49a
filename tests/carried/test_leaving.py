"""RESET and QUIT: what a client leaves behind is left behind, whenever a switchover comes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.baton import BatonProcess
from tests.carried.scene import Scene, at_node
from tests.servers import Pair
from tests.talking import Talk
from tests.valve import ValvedPair, at_gate
from tests.waiting import wait_until

BEFORE = {
    "a subscription": ("SUBSCRIBE news", "PSUBSCRIBE n*"),
    "a queue": ("WATCH fruit", "MULTI", "INCR count"),
    "a database and a name": ("SELECT 3", "CLIENT SETNAME worker"),
    "silence": ("CLIENT REPLY OFF", "INCR count"),
}


@pytest.mark.parametrize("kind", BEFORE)
def test_a_client_that_was_reset_is_carried_as_a_fresh_one(scene: Scene, kind: str) -> None:
    talk = scene.talk()
    talk.send_all(*BEFORE[kind])
    if kind != "silence":
        talk.replies(len(BEFORE[kind]))
    scene.switch()
    assert talk.ask("RESET") == "RESET"
    assert talk.ask("CLIENT", "SETNAME", "after") == "OK"
    for _ in range(2):
        scene.switch()
        said = at_node(talk)
        assert [said[what] for what in ("sub", "psub", "db", "multi", "name")] == [
            "0",
            "0",
            "0",
            "-1",
            "after",
        ]
    scene.primary.command("PUBLISH", "news", "x")
    assert talk.ask("SET", "fruit", "fig") == "OK"
    assert scene.primary.command("GET", "fruit") == "fig"


def test_a_quit_during_the_hold_is_answered_after_it_and_what_came_before_is_done(
    valved: ValvedPair, baton: Callable[..., BatonProcess]
) -> None:
    proxy = baton(valved.primary, valved.replica)
    old, new = Talk(proxy.raw()), Talk(proxy.raw())
    assert old.ask("SET", "count", 1) == "OK"
    with valved.hold(proxy) as switching:
        for talk in (old, new):
            talk.send_all("INCR count", "QUIT", "INCR count")
        wait_until(lambda: at_gate(proxy) == 2, "both wait at the gate")
    assert switching.result()["clients_closed"] == 0
    assert sorted((old.rest(), new.rest())) == [b":2\r\n+OK\r\n", b":3\r\n+OK\r\n"]
    assert valved.replica.command("GET", "count") == "3"


def test_who_quits_or_goes_while_blocked_or_subscribed_leaves_no_lane_behind(scene: Scene) -> None:
    kinds = ("BLPOP list 0", "SUBSCRIBE news", "WATCH fruit", "MULTI", "XREAD BLOCK 0 STREAMS stream $")
    talks = [scene.talk() for _ in kinds]
    lanes = len(scene.primary.client().client_list())
    for talk, line in zip(talks, kinds, strict=True):
        talk.send(*line.split())
    scene.wait_blocked(2)
    scene.switch()
    scene.wait_blocked(2)
    for talk in talks:
        talk.send("QUIT")
        talk.socket.shutdown(1)
        talk.rest()
    for node in scene.pair:
        wait_until(
            lambda node=node: len(node.client().client_list()) <= lanes + 2,  # type: ignore[misc]
            lambda node=node: f"the lanes are gone: {node.client().client_list()}",  # type: ignore[misc]
        )
    scene.wait_blocked(0)
    scene.primary.command("RPUSH", "list", "fig")
    assert scene.primary.command("LLEN", "list") == 1


@pytest.mark.parametrize("when", ["before its lane is open", "in the hold"])
def test_a_client_that_has_gone_takes_no_element_with_it(
    valved: ValvedPair, baton: Callable[..., BatonProcess], when: str
) -> None:
    proxy = baton(valved.primary, valved.replica)
    scene = Scene(Pair(valved.primary, valved.replica), proxy)
    talk = scene.talk()
    if when == "in the hold":
        assert talk.ask("PING") == "PONG"
        with valved.hold(proxy):
            talk.send_all("BLPOP list 0", "INCR count")
            wait_until(lambda: at_gate(proxy) == 1, "it waits at the gate")
            talk.socket.close()
    else:
        talk.send_all("BLPOP list 0", "INCR count")
        talk.socket.close()
    wait_until(lambda: proxy.admin("INFO", "clients")["connected_clients"] == 0, "it is gone")
    scene.wait_blocked(0)
    assert scene.primary.command("RPUSH", "list", "fig") == 1
    assert scene.primary.command("LLEN", "list") == 1


def test_who_sends_no_more_is_answered_what_is_there(scene: Scene) -> None:
    """As `printf 'BLPOP list 0' | nc` would: the element is taken, so it has to arrive."""
    scene.primary.command("RPUSH", "list", "fig")
    for ahead in ([], ["PING"]):
        talk = scene.talk()
        talk.send_all(*ahead, "BLPOP list 0", "RPUSH list fig")
        talk.socket.shutdown(1)
        assert talk.rest() == b"+PONG\r\n" * len(ahead) + b"*2\r\n$4\r\nlist\r\n$3\r\nfig\r\n:1\r\n"
