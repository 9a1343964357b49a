"""What preflight refuses, in words, with every client as it was."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import redis

from tests.baton import BatonProcess
from tests.carried.scene import Scene
from tests.servers import Pair, RedisServer, Trio, free_port
from tests.talking import Talk
from tests.valve import ValvedPair
from tests.waiting import wait_until


def refusal(proxy: BatonProcess, to: str | None = None) -> str:
    with pytest.raises(redis.ResponseError) as refused:
        proxy.switchover(to)
    return str(refused.value)


def test_a_wrong_to_is_refused(trio_of_nodes: Trio, baton: Callable[..., BatonProcess]) -> None:
    proxy = baton(*trio_of_nodes)
    assert refusal(proxy, trio_of_nodes.primary.address).startswith("REFUSED candidate:")
    unknown = f"127.0.0.1:{free_port()}"
    said = refusal(proxy, unknown)
    assert said.startswith("REFUSED candidate:") and unknown in said
    for node in (trio_of_nodes.other, trio_of_nodes.replica):
        report = proxy.switchover(node.address)
        assert (report["outcome"], report["to"]) == ("done", node.address)


def test_a_second_switchover_is_told_that_one_is_under_way(
    valved: ValvedPair, baton: Callable[..., BatonProcess]
) -> None:
    proxy = baton(valved.primary, valved.replica)
    with valved.hold(proxy) as first:
        assert refusal(proxy).startswith("BUSY")
        with pytest.raises(redis.ResponseError, match="BUSY"):
            proxy.admin("CHECK")
    assert first.result()["outcome"] == "done"


def test_another_baton_in_front_is_refused(pair: Pair, baton: Callable[..., BatonProcess]) -> None:
    mine, other = baton(*pair), baton(*pair)
    for proxy in (mine, other):
        assert refusal(proxy).startswith("REFUSED other-baton:")
    other.terminate()
    wait_until(
        lambda: not [line for line in mine.admin("CHECK") if line.startswith("REFUSE")], "the other is gone"
    )
    assert mine.switchover()["outcome"] == "done"


def test_a_replica_that_shall_never_be_primary_is_refused(scene: Scene) -> None:
    scene.replica.command("CONFIG", "SET", "replica-priority", 0)
    assert "priority" in refusal(scene.proxy)
    assert refusal(scene.proxy, scene.replica.address).startswith("REFUSED priority:")


def test_a_user_who_is_missing_on_the_candidate_is_named(scene: Scene) -> None:
    scene.primary.command("ACL", "SETUSER", "picker", "on", ">fig", "~*", "&*", "+@all")
    talk = scene.talk()
    assert talk.ask("AUTH", "picker", "fig") == "OK"
    said = refusal(scene.proxy)
    assert said.startswith("REFUSED") and "picker" in said
    assert talk.ask("ACL", "WHOAMI") == "picker"
    scene.replica.command("ACL", "SETUSER", "picker", "on", ">other", "~*", "&*", "+@all")
    said = refusal(scene.proxy)
    assert said.startswith("REFUSED") and "picker" in said
    assert talk.ask("SET", "fruit", "fig") == "OK"
    scene.replica.command("ACL", "SETUSER", "picker", "resetpass", ">fig")
    scene.switch()
    assert talk.ask("ACL", "WHOAMI") == "picker"


def test_a_password_that_differs_is_refused(
    redis_server: Callable[..., RedisServer], baton: Callable[..., BatonProcess]
) -> None:
    primary = redis_server("requirepass seed", "masterauth seed")
    replica = redis_server("requirepass seed", "masterauth seed")
    replica.replicate(primary)
    replica.wait_link_up()
    primary.wait_replicas(1)
    proxy = baton(primary, replica, environment={"BATON_NODES_PASSWORD": "seed"})
    talk = Talk(proxy.raw())
    assert talk.ask("AUTH", "seed") == "OK"
    primary.command("CONFIG", "SET", "masterauth", "other")
    assert refusal(proxy).startswith("REFUSED masterauth:")
    primary.command("CONFIG", "SET", "masterauth", "seed")
    assert replica.command("CONFIG", "SET", "requirepass", "other") == "OK"
    said = refusal(proxy)
    assert said.startswith("REFUSED")
    assert talk.ask("SET", "fruit", "fig") == "OK"
