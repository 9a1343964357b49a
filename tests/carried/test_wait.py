"""WAIT tells the truth after a switchover, although the new lane has not carried the client's last write."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.baton import BatonProcess
from tests.carried.scene import Scene
from tests.servers import Pair, RedisServer, Trio
from tests.waiting import wait_until


def test_a_wait_that_is_blocked_is_answered_on_the_new_primary(
    trio_of_nodes: Trio, baton: Callable[..., BatonProcess]
) -> None:
    primary, replica, other = trio_of_nodes
    scene = Scene(Pair(primary, replica), baton(*trio_of_nodes))
    other.freeze()
    talk = scene.talk()
    talk.send_all("SET fruit fig", "WAIT 2 0", "INCR count")
    scene.wait_blocked(1)
    other.thaw()
    assert talk.replies(3) == ["OK", 2, 1]
    for _ in range(3):
        assert talk.ask_all("SET fruit fig", "WAIT 2 5000", "INCR count")[1] == 2
        report = scene.proxy.switchover()
        assert (report["outcome"], report["full_resyncs"]) == ("done", 0)
        assert talk.ask("WAIT", 2, 5000) == 2


def test_a_blocked_wait_stays_blocked_over_a_switchover(scene: Scene) -> None:
    talk = scene.talk()
    talk.send_all("SET fruit fig", "WAIT 5 0", "INCR count")
    assert talk.reply() == "OK"
    for _ in range(2):
        scene.wait_blocked(1)
        scene.switch()
        scene.wait_blocked(1)
        assert talk.is_quiet()
    talk.socket.close()
    scene.wait_blocked(0)


@pytest.fixture
def narrow(redis_server: Callable[..., RedisServer], baton: Callable[..., BatonProcess]) -> Scene:
    """Nodes with a user who may not publish to any channel."""
    lines = ("user picker on >fig ~* resetchannels +@all",)
    primary, replica = redis_server(*lines), redis_server(*lines)
    replica.replicate(primary)
    replica.wait_link_up()
    primary.wait_replicas(1)
    return Scene(Pair(primary, replica), baton(primary, replica))


@pytest.mark.parametrize("login", [None, "AUTH picker fig"])
def test_a_wait_after_a_switchover_counts_no_replica_that_is_stopped(
    narrow: Scene, login: str | None
) -> None:
    talk = narrow.talk()
    if login is not None:
        assert talk.ask(*login.split()) == "OK"
    assert talk.ask("SET", "fruit", "fig") == "OK"
    for _ in range(2):
        narrow.switch()
        wait_until(lambda: narrow.primary.command("WAIT", 1, 100) == 1, "the replica is there")
        stopped = narrow.replica
        stopped.freeze()
        assert talk.ask("WAIT", 1, 50) == 0
        stopped.thaw()
        assert talk.ask("WAIT", 1, 5000) == 1
        assert talk.ask_all("SET fruit fig", "WAIT 1 5000", "INCR count")[1] == 1


@pytest.mark.parametrize("login", [None, "AUTH picker fig"])
def test_commands_behind_a_wait_after_a_switchover_keep_their_order(narrow: Scene, login: str | None) -> None:
    talk = narrow.talk()
    if login is not None:
        talk.ask(*login.split())
    talk.ask("SET", "count", 0)
    narrow.switch()
    assert talk.ask_all("INCR count", "WAIT 1 5000", "INCR count", "WAIT 1 5000", "WAIT x", "INCR count")[
        :4
    ] == [
        1,
        1,
        2,
        1,
    ]


def test_waits_at_every_moment_of_many_switchovers_answer_once(scene: Scene) -> None:
    """A fresh lane's first WAIT has something sent ahead of it, which a pause must never meet."""
    talks = [scene.talk() for _ in range(8)]
    for talk in talks:
        talk.ask("INCR", "count")
    for turn in range(30):
        for number, talk in enumerate(talks):
            if (number + turn) % 3:
                talk.send_all("WAIT 1 5000", f"ECHO {turn}")
        scene.switch()
        for number, talk in enumerate(talks):
            if (number + turn) % 3:
                assert talk.replies(2) == [1, str(turn)]
            assert talk.is_quiet()


AOF = ("appendonly yes", "appendfsync everysec")


@pytest.fixture
def durable(redis_server: Callable[..., RedisServer], baton: Callable[..., BatonProcess]) -> Scene:
    """Nodes that write what they execute to disk."""
    primary, replica = redis_server(*AOF), redis_server(*AOF)
    replica.replicate(primary)
    replica.wait_link_up()
    primary.wait_replicas(1)
    return Scene(Pair(primary, replica), baton(primary, replica))


def test_a_waitaof_tells_the_truth_before_and_after_a_switchover(durable: Scene) -> None:
    """It came with 7.2; before, the node says that it does not know it."""
    talk = durable.talk()
    told = talk.ask("WAITAOF", 0, 0, 0)
    if isinstance(told, Exception):
        assert str(told) == str(durable.bypass().ask("WAITAOF", 0, 0, 0))
        return
    for _ in range(3):
        assert talk.ask_all("SET fruit fig", "WAITAOF 1 1 8000", "INCR count")[1] == [1, 1]
        stopped = durable.replica
        stopped.freeze()
        assert talk.ask_all("SET fruit pear", "WAITAOF 0 1 50", "INCR count")[1][1] == 0
        stopped.thaw()
        assert talk.ask("WAITAOF", 0, 1, 8000)[1] == 1
        durable.switch()
        wait_until(lambda: durable.primary.command("WAIT", 1, 100) == 1, "the replica is there")
        stopped = durable.replica
        stopped.freeze()
        assert talk.ask("WAITAOF", 0, 1, 50)[1] == 0
        stopped.thaw()
        assert talk.ask("WAITAOF", 1, 1, 8000) == [1, 1]


def test_a_blocked_waitaof_stays_blocked_over_a_switchover(durable: Scene) -> None:
    talk = durable.talk()
    if isinstance(talk.ask("WAITAOF", 0, 0, 0), Exception):
        return
    assert talk.ask("SET", "fruit", "fig") == "OK"
    talk.send_all("WAITAOF 0 5 0", "INCR count")
    for _ in range(2):
        durable.wait_blocked(1)
        durable.switch()
        durable.wait_blocked(1)
        assert talk.is_quiet()
    talk.socket.close()
    durable.wait_blocked(0)


def test_who_leaves_while_its_wait_is_answered_outside_is_waited_for_no_longer(scene: Scene) -> None:
    """Redis frees a blocked client that leaves; the proxy's own connection must not outlive it."""

    def outside() -> int:
        return sum(line["name"].endswith(":wait") for line in scene.primary.client().client_list())

    for node in scene.pair:
        denied = "-ping" if node.version == "6.2" else "-spublish"
        node.command("ACL", "SETUSER", "few", "on", ">pw", "~*", "resetchannels", "+@all", denied)
    talks = [scene.talk() for _ in range(3)]
    for talk in talks:
        talk.ask_all("AUTH few pw", "SET seen 1")
    scene.switch()
    for talk in talks:
        talk.send("WAIT", 5, 0)
    wait_until(lambda: outside() == 3, "all wait outside")
    for talk in talks:
        talk.socket.close()
    wait_until(lambda: outside() == 0, "nobody does")
