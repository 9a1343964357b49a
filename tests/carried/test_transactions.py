"""MULTI under way, WATCH, and scripts that are called by their digest."""

from __future__ import annotations

import threading
from collections.abc import Callable
from hashlib import sha1
from typing import Any

import pytest
import redis

from tests.baton import BatonProcess
from tests.carried.scene import Scene
from tests.servers import Pair
from tests.talking import Talk

NIL = {2: b"*-1\r\n", 3: b"_\r\n"}


def test_an_open_transaction_is_executed_on_the_new_primary(scene: Scene) -> None:
    talk, other = scene.talk(), scene.talk()
    assert talk.ask_all("MULTI", "SET fruit fig", "INCR count") == ["OK", "QUEUED", "QUEUED"]
    scene.switch()
    assert other.ask("GET", "fruit") is None
    assert talk.is_quiet()
    assert talk.ask("INCR", "count") == "QUEUED"
    scene.switch()
    assert talk.ask("EXEC") == ["OK", 1, 2]
    assert scene.primary.command("GET", "fruit") == "fig"
    assert talk.ask_all("INCR count", "MULTI", "INCR count", "EXEC") == [3, "OK", "QUEUED", [4]]


def test_an_open_transaction_can_be_discarded_after_it_has_moved(scene: Scene) -> None:
    talk = scene.talk()
    talk.ask_all("MULTI", "SET fruit fig")
    scene.switch()
    assert talk.ask_all("DISCARD", "GET fruit", "EXEC")[:2] == ["OK", None]


def test_a_transaction_with_a_command_that_failed_to_queue_aborts_after_it_has_moved(scene: Scene) -> None:
    talk = scene.talk()
    answers = talk.ask_all("MULTI", "SET fruit fig", "NOSUCHCOMMAND", "SET")
    assert answers[:2] == ["OK", "QUEUED"] and "ERR" in str(answers[2]) and "ERR" in str(answers[3])
    scene.switch()
    assert talk.ask("SET", "fruit", "pear") == "QUEUED"
    assert str(talk.ask("EXEC")).startswith("EXECABORT")
    assert talk.ask("GET", "fruit") is None


def test_a_nested_multi_leaves_the_queue_as_it_is(scene: Scene) -> None:
    talk = scene.talk()
    answers = talk.ask_all("MULTI", "SET fruit fig", "MULTI")
    straight = scene.bypass().ask_all("MULTI", "SET fruit fig", "MULTI", "EXEC")
    assert list(map(str, answers)) == list(map(str, straight[:3])) and "ERR" in str(answers[2])
    scene.switch()
    assert str(talk.ask("EXEC")) == str(straight[-1])


def test_a_select_inside_a_transaction_takes_effect_with_exec(scene: Scene) -> None:
    talk = scene.talk()
    talk.ask_all("MULTI", "SELECT 7", "SET where 7")
    scene.switch()
    assert talk.ask("EXEC") == ["OK", "OK"]
    scene.switch()
    assert talk.ask("GET", "where") == "7"
    assert scene.primary.client(db=7).get("where") == "7"
    talk.ask_all("MULTI", "SELECT 9", "DISCARD")
    scene.switch()
    assert talk.ask("GET", "where") == "7"


def test_a_transaction_too_large_to_be_kept_aborts_if_it_has_moved(
    pair: Pair, baton: Callable[..., BatonProcess]
) -> None:
    scene = Scene(pair, baton(*pair, environment={"BATON_LIMITS_TRANSACTION_BYTES": "2000"}))
    stays, moves = scene.talk(), scene.talk()
    for talk in (stays, moves):
        assert talk.ask("MULTI") == "OK"
        for number in range(3):
            assert talk.ask("SET", f"large:{number}", "x" * 1000) == "QUEUED"
    assert stays.ask("EXEC") == ["OK"] * 3
    scene.primary.command("FLUSHALL")
    scene.switch()
    assert moves.ask("SET", "small", 1) == "QUEUED"
    assert str(moves.ask("EXEC")).startswith("EXECABORT")
    assert moves.ask("EXISTS", "large:0", "small") == 0
    assert moves.ask_all("MULTI", "SET small 1", "EXEC") == ["OK", "QUEUED", ["OK"]]


@pytest.mark.parametrize("protocol", [2, 3])
def test_the_exec_of_a_watch_that_has_moved_is_nil_in_its_protocol(scene: Scene, protocol: int) -> None:
    talk = scene.talk()
    if protocol == 3:
        talk.ask("HELLO", 3)
    assert talk.ask_all("WATCH fruit", "MULTI", "SET fruit fig") == ["OK", "OK", "QUEUED"]
    scene.switch()
    scene.bypass().ask("SET", "fruit", "foreign")
    talk.send("EXEC")
    talk.expect(NIL[protocol])
    assert talk.ask("GET", "fruit") == "foreign"
    assert talk.ask_all("MULTI", "SET fruit fig", "EXEC") == ["OK", "QUEUED", ["OK"]]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_foreign_write_to_a_watched_key_is_never_missed(scene: Scene, when: str) -> None:
    talk = scene.talk()
    assert talk.ask("WATCH", "fruit") == "OK"
    if when == "before":
        scene.bypass().ask("SET", "fruit", "foreign")
    scene.switch()
    if when == "after":
        scene.bypass().ask("SET", "fruit", "foreign")
    assert talk.ask_all("MULTI", "SET fruit fig", "EXEC")[-1] is None
    assert talk.ask("GET", "fruit") == "foreign"


@pytest.mark.parametrize("release", ["UNWATCH", "DISCARD", "RESET"])
def test_a_watch_that_was_given_up_is_given_up_on_the_new_primary(scene: Scene, release: str) -> None:
    talk = scene.talk()
    assert talk.ask_all("WATCH fruit", *(["MULTI"] if release == "DISCARD" else []))[0] == "OK"
    scene.switch()
    assert talk.ask(release) in ("OK", "RESET")
    scene.bypass().ask("SET", "fruit", "foreign")
    assert talk.ask_all("MULTI", "SET fruit fig", "EXEC")[-1] == ["OK"]


def test_a_transaction_that_is_watched_and_has_failed_aborts(scene: Scene) -> None:
    talk = scene.talk()
    talk.ask_all("WATCH fruit", "MULTI", "NOSUCHCOMMAND")
    scene.switch()
    assert str(talk.ask("EXEC")).startswith("EXECABORT")
    assert talk.ask("PING") == "PONG"


def test_counting_with_watch_over_many_switchovers_misses_no_conflict(scene: Scene) -> None:
    """Four clients and one that bypasses the proxy count by WATCH, GET, MULTI, SET, EXEC."""
    stop, counted, faults = threading.Event(), list[int](), list[Any]()

    def count(client: redis.Redis) -> None:
        mine = 0
        try:
            while not stop.is_set():
                with client.pipeline() as pipe:
                    pipe.watch("count")  # type: ignore[no-untyped-call]
                    value = int(pipe.get("count") or 0)
                    pipe.multi()
                    pipe.set("count", value + 1)
                    try:
                        pipe.execute()
                    except redis.WatchError:
                        continue
                    mine += 1
        except redis.RedisError as fault:
            faults.append(fault)
        counted.append(mine)

    clients = [scene.proxy.client(protocol=2 + number % 2) for number in range(4)]
    threads = [threading.Thread(target=count, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for _ in range(15):
        scene.switch()
    stop.set()
    for thread in threads:
        thread.join()
    assert faults == []
    assert sum(counted) == int(scene.primary.command("GET", "count"))


def test_scripts_are_found_by_their_digest_on_the_new_primary(scene: Scene) -> None:
    talk, other = scene.talk(), scene.talk()
    loaded = talk.ask("SCRIPT", "LOAD", "return 'loaded'")
    assert talk.ask("EVAL", "return 'evaluated'", 0) == "evaluated"
    talk.send_all("MULTI")
    talk.send("EVAL", "return 'queued'", 0)
    assert talk.replies(2) == ["OK", "QUEUED"]
    assert talk.ask("EXEC") == ["queued"]
    for _ in range(2):
        scene.switch()
        assert other.ask("EVALSHA", loaded, 0) == "loaded"
        for text in ("evaluated", "queued"):
            assert other.ask("EVALSHA", sha1(f"return '{text}'".encode()).hexdigest(), 0) == text
    assert talk.ask("SCRIPT", "FLUSH") == "OK"
    scene.switch()
    scene.primary.command("SCRIPT", "FLUSH")
    scene.switch()
    scene.switch()
    assert "NOSCRIPT" in str(other.ask("EVALSHA", loaded, 0))


def test_digests_are_found_while_scripts_are_loaded_all_the_time(scene: Scene) -> None:
    stop, faults = threading.Event(), list[Any]()

    def work(number: int) -> None:
        talk, turn = Talk(scene.proxy.raw()), 0
        while not stop.is_set():
            turn += 1
            text = f"return '{number}:{turn}'"
            loaded = talk.ask("SCRIPT", "LOAD", text) if turn % 2 else sha1(text.encode()).hexdigest()
            if not turn % 2:
                talk.ask("EVAL", text, 0)
            if (got := talk.ask("EVALSHA", loaded, 0)) != f"{number}:{turn}":
                faults.append(got)
                return

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(15):
        scene.switch()
    stop.set()
    for thread in threads:
        thread.join()
    assert faults == []
