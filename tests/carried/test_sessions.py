"""Who a client is and what it has set up is the same after a switchover, and after one back."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
import redis

from tests.baton import BatonProcess
from tests.carried.scene import Scene, at_node
from tests.servers import Pair, RedisServer
from tests.talking import Talk
from tests.valve import ValvedPair, at_gate
from tests.waiting import wait_until


def names_on(server: RedisServer) -> list[str]:
    return sorted(line["name"] for line in server.client().client_list())


def test_idle_clients_notice_nothing(scene: Scene) -> None:
    spoken, silent = [scene.talk() for _ in range(20)], [scene.talk() for _ in range(5)]
    for number, talk in enumerate(spoken):
        assert talk.ask("SET", f"key:{number}", number) == "OK"
    for _ in range(2):
        assert scene.switch()["clients_carried"] >= len(spoken)
        assert all(talk.is_quiet() for talk in spoken + silent)
    for number, talk in enumerate(spoken):
        assert talk.ask("GET", f"key:{number}") == str(number)
    assert [talk.ask("PING") for talk in silent] == ["PONG"] * len(silent)


def test_selected_databases_and_names_are_carried(scene: Scene) -> None:
    talks = [scene.talk() for _ in range(4)]
    for number, talk in enumerate(talks):
        assert talk.ask_all(f"SELECT {number}", f"CLIENT SETNAME worker-{number}") == ["OK", "OK"]
    for _ in range(2):
        scene.switch()
        for number, talk in enumerate(talks):
            said = at_node(talk)
            assert (said["name"], said["db"]) == (f"worker-{number}", str(number))
            assert talk.ask("CLIENT", "GETNAME") == f"worker-{number}"
            assert talk.ask("SET", "where", number) == "OK"
            assert scene.primary.client(db=number).get("where") == str(number)
    assert not [name for name in names_on(scene.replica) if name.startswith("worker")]


def test_a_name_that_was_taken_back_stays_away(scene: Scene) -> None:
    talk = scene.talk()
    talk.ask_all("CLIENT SETNAME worker", "SELECT 3")
    scene.switch()
    assert talk.ask("CLIENT", "SETNAME", "") == "OK"
    assert talk.ask("SELECT", 0) == "OK"
    scene.switch()
    assert talk.ask("CLIENT", "GETNAME") in ("", None)
    talk.ask("SET", "here", 1)
    assert scene.primary.command("GET", "here") == "1"


def test_a_reset_session_is_carried_as_a_fresh_one(scene: Scene) -> None:
    talk = scene.talk()
    talk.ask_all("CLIENT SETNAME worker", "SELECT 3")
    assert isinstance(talk.ask("HELLO", 3), dict)
    scene.switch()
    assert talk.ask("RESET") == "RESET"
    scene.switch()
    assert talk.ask("CLIENT", "GETNAME") is None
    talk.send("HGETALL", "absent")
    talk.expect(b"*0\r\n")
    talk.ask("SET", "here", 1)
    assert scene.primary.client(db=0).get("here") == "1"


def test_the_library_info_is_kept_or_refused_as_the_node_does(scene: Scene) -> None:
    """CLIENT SETINFO came with 7.2; older nodes answer it with an error, which changes nothing."""
    talk, straight = scene.talk(), scene.bypass()
    told = talk.ask("CLIENT", "SETINFO", "LIB-NAME", "fruit")
    assert str(told) == str(straight.ask("CLIENT", "SETINFO", "LIB-NAME", "fruit"))
    client = scene.proxy.client(client_name="picker")  # redis-py sends SETINFO by itself
    for _ in range(2):
        scene.switch()
        assert client.client_getname() == "picker"
        assert str(client.client_info().get("lib-name", "redis-py")).startswith("redis-py")


@pytest.fixture
def guarded(redis_server: Callable[..., RedisServer], baton: Callable[..., BatonProcess]) -> Scene:
    """Nodes with a password and an ACL user, and the proxy with its own password."""
    lines = ("requirepass seed", "masterauth seed", "user picker on >fig ~fruit:* &* +@all")
    primary, replica = redis_server(*lines), redis_server(*lines)
    replica.replicate(primary)
    replica.wait_link_up()
    primary.wait_replicas(1)
    proxy = baton(primary, replica, environment={"BATON_NODES_PASSWORD": "seed"})
    return Scene(Pair(primary, replica), proxy)


def test_whoever_logged_in_is_logged_in_on_the_new_primary(guarded: Scene) -> None:
    by_password, by_user, by_hello, nobody = (guarded.talk() for _ in range(4))
    assert by_password.ask("AUTH", "seed") == "OK"
    assert by_user.ask("AUTH", "picker", "fig") == "OK"
    greeting = by_hello.ask("HELLO", 3, "AUTH", "picker", "fig", "SETNAME", "hello")
    assert greeting["proto"] == 3
    assert "NOAUTH" in str(nobody.ask("GET", "fruit:1"))
    for turn in range(2):
        guarded.switch()
        assert by_password.ask("ACL", "WHOAMI") == "default"
        assert by_password.ask("SET", "fruit:1", turn) == "OK"
        assert by_user.ask("ACL", "WHOAMI") == "picker"
        assert by_user.ask("GET", "fruit:1") == str(turn)
        assert "NOPERM" in str(by_user.ask("GET", "stone"))
        assert by_hello.ask("CLIENT", "GETNAME") == "hello"
        assert by_hello.ask("ACL", "WHOAMI") == "picker"
        by_hello.send("HGETALL", "fruit:none")
        by_hello.expect(b"%0\r\n")
        assert "NOAUTH" in str(nobody.ask("GET", "fruit:1"))
    assert nobody.ask("AUTH", "seed") == "OK"
    assert nobody.ask("GET", "fruit:1") == "1"


def test_a_login_that_failed_changes_nothing(guarded: Scene) -> None:
    talk = guarded.talk()
    assert talk.ask("AUTH", "picker", "fig") == "OK"
    assert "WRONGPASS" in str(talk.ask("AUTH", "seed-not"))
    assert "WRONGPASS" in str(talk.ask("HELLO", 3, "AUTH", "default", "no", "SETNAME", "lost"))
    guarded.switch()
    assert talk.ask("ACL", "WHOAMI") == "picker"
    assert talk.ask("CLIENT", "GETNAME") is None
    talk.send("HGETALL", "fruit:none")
    talk.expect(b"*0\r\n")


def test_a_session_that_changes_all_the_time_is_carried_as_it_is(scene: Scene) -> None:
    """SELECT and what depends on it, over and over: some of it falls into each step of a switchover."""
    stop, wrong = threading.Event(), list[Any]()

    def work(number: int) -> None:
        talk = scene.talk()
        turn = 0
        while not stop.is_set():
            turn += 1
            db = (number + turn) % 16
            talk.send_all(f"SELECT {db}", f"CLIENT SETNAME w{number}-{turn}", f"SET at:{number} {db}:{turn}")
            if turn % 2:
                talk.send_all(f"GET at:{number}", "CLIENT GETNAME")
                got = talk.replies(5)
            else:
                got = [*talk.replies(3), *talk.ask_all(f"GET at:{number}", "CLIENT GETNAME")]
            if got != ["OK", "OK", "OK", f"{db}:{turn}", f"w{number}-{turn}"]:
                wrong.append((number, turn, got))
                return

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(20):
            scene.switch()
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert wrong == []


def test_a_client_that_goes_back_and_forth_between_databases_writes_where_it_believes(scene: Scene) -> None:
    """What is as it was may have changed in between: SELECT comes and goes while a warm lane is opened."""
    stop, faults = threading.Event(), list[Any]()
    for db in (0, 1):
        scene.primary.client(db=db).set("db", db)

    def work() -> None:
        talk, turn = scene.talk(), 0
        while not stop.is_set():
            turn += 1
            db = turn % 2
            talk.ask("SELECT", db)
            for _ in range(3):
                if (got := talk.ask("GET", "db")) != str(db):
                    faults.append((db, got))
                    return

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for _ in range(40):
        scene.switch()
    stop.set()
    for thread in threads:
        thread.join()
    assert faults == []


def test_what_a_client_sets_up_during_the_hold_is_done_on_the_new_primary(
    valved: ValvedPair, baton: Callable[..., BatonProcess]
) -> None:
    proxy = baton(valved.primary, valved.replica)
    old, new = Talk(proxy.raw()), Talk(proxy.raw())
    assert old.ask("SELECT", 1) == "OK"
    with valved.hold(proxy) as switching:
        late = Talk(proxy.raw())
        for talk in (old, new, late):
            talk.send_all("SELECT 5", "CLIENT SETNAME late", "SET where 5")
        wait_until(lambda: at_gate(proxy) == 3, "three clients wait at the gate")
        assert all(talk.is_quiet() for talk in (old, new, late))
    assert switching.result()["clients_held"] == 3
    for talk in (old, new, late):
        assert talk.replies(3) == ["OK"] * 3
        assert talk.ask("CLIENT", "GETNAME") == "late"
    assert valved.replica.client(db=5).get("where") == "5"


def test_a_new_client_that_connects_during_the_hold_is_served_after_it(
    valved: ValvedPair, baton: Callable[..., BatonProcess]
) -> None:
    proxy = baton(valved.primary, valved.replica)
    with valved.hold(proxy):
        talk = Talk(proxy.raw())
        talk.send_all("HELLO 3", "SET fruit fig")
        wait_until(lambda: at_gate(proxy) == 1, "it waits at the gate")
        assert talk.is_quiet()
    assert talk.reply()["role"] == "master"
    assert talk.reply() == "OK"
    assert valved.replica.command("GET", "fruit") == "fig"


def test_real_clients_go_on_after_a_switchover(scene: Scene) -> None:
    for protocol in (2, 3):
        client = scene.proxy.client(protocol=protocol, db=4)
        client.set("count", 0)
        for turn in range(1, 5):
            scene.switch()
            assert client.incr("count") == turn
        with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
            client.lpush("count", 1)
        assert client.get("count") == "4"


def test_no_evict_and_no_touch_are_carried(scene: Scene) -> None:
    """NO-EVICT came with 7.0 and NO-TOUCH with 7.2; where the node knows neither, it says so."""
    talk = scene.talk()
    assert talk.ask("CLIENT", "SETNAME", "worker") == "OK"
    straight = scene.bypass().ask_all("CLIENT NO-EVICT on", "CLIENT NO-TOUCH on")
    assert list(map(str, talk.ask_all("CLIENT NO-EVICT on", "CLIENT NO-TOUCH on"))) == list(
        map(str, straight)
    )
    wanted = {flag for flag, answer in zip("eT", straight, strict=True) if answer == "OK"}
    for _ in range(2):
        scene.switch()
        assert set(at_node(talk)["flags"]) & {"e", "T"} == wanted
    talk.ask_all("CLIENT NO-EVICT off", "CLIENT NO-TOUCH off")
    scene.switch()
    assert set(at_node(talk)["flags"]) & {"e", "T"} == set()
