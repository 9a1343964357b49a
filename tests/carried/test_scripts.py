"""EVALSHA finds its script, on the next primary and where it was flushed past the proxy. FCALL, too."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha1
from typing import Any

import pytest

from tests.baton import BatonProcess
from tests.binaries import version_of
from tests.carried.scene import Scene
from tests.servers import Pair
from tests.talking import Talk
from tests.waiting import wait_until

COUNT = "return redis.call('INCR', KEYS[1])"
LIBRARY = (
    "#!lua name=lib\nredis.register_function('count', function(keys) return redis.call('INCR', keys[1]) end)"
)
GONE = "NOSCRIPT No matching script."


def digest(body: str) -> str:
    return sha1(body.encode()).hexdigest()


def forget(scene: Scene) -> None:
    """Flush the scripts past the proxy."""
    assert scene.primary.command("SCRIPT", "FLUSH")


def wait_for(scene: Scene, key: str, value: str) -> None:
    wait_until(lambda: scene.primary.command("GET", key) == value, f"{key} is {value}")


def is_gone(answer: Any) -> bool:
    return str(answer).startswith(GONE)


@pytest.fixture
def counting(scene: Scene) -> Scene:
    """COUNT was run through the proxy, and is gone from the primary."""
    assert scene.talk().ask("EVAL", COUNT, 1, "seen") == 1
    forget(scene)
    return scene


def test_a_script_that_was_flushed_past_the_proxy_is_called_all_the_same(scene: Scene) -> None:
    bodies = [f"return '{way}'" for way in ("eval", "load", "queued eval", "queued load", "pipelined")]
    talk = scene.talk()
    talk.ask("EVAL", bodies[0], 0)
    talk.ask("SCRIPT", "LOAD", bodies[1])
    for words in (["MULTI"], ["EVAL", bodies[2], 0], ["SCRIPT", "LOAD", bodies[3]], ["EXEC"]):
        talk.ask(*words)
    talk.send("EVAL", bodies[4], 0)
    talk.send("SCRIPT", "LOAD", bodies[4])
    talk.replies(2)
    for protocol in (2, 3):
        other = scene.talk()
        other.ask("HELLO", protocol)
        for _ in range(2):
            forget(scene)
            answers = [other.ask("EVALSHA", digest(body).upper(), 0) for body in bodies]
            assert [f"return '{answer}'" for answer in answers] == bodies
        scene.switch()
    assert is_gone(talk.ask("EVALSHA", digest("return 'never seen'"), 0))


def test_a_flush_that_came_through_the_proxy_counts(scene: Scene) -> None:
    talk = scene.talk()
    talk.ask("EVAL", COUNT, 1, "n")
    assert talk.ask("EVALSHA", digest(COUNT), 1, "n") == 2
    assert talk.ask("SCRIPT", "FLUSH") == "OK"
    assert is_gone(talk.ask("EVALSHA", digest(COUNT), 1, "n"))
    scene.switch()
    assert is_gone(talk.ask("EVALSHA", digest(COUNT), 1, "n"))


def test_a_read_only_call_is_repaired_too(scene: Scene, redis_binary: Any) -> None:
    if version_of(redis_binary) == "6.2":
        assert "unknown command" in str(scene.talk().ask("EVALSHA_RO", digest(COUNT), 0))
        return
    talk = scene.talk()
    assert talk.ask("EVAL_RO", "return 7", 0) == 7
    forget(scene)
    assert talk.ask("EVALSHA_RO", digest("return 7"), 0) == 7


def test_what_stands_behind_a_repaired_call_is_executed_behind_it(counting: Scene) -> None:
    """Pipelined behind a digest that the process has not confirmed yet."""
    talk = counting.talk()
    counting.switch()
    for way in ("the new primary was flushed", "and again"):
        forget(counting)
        talk.ask("SET", "n", 10)
        if way == "and again":  # it is confirmed: one that fails in a pipeline makes it doubtful
            talk.send_all(f"EVALSHA {digest(COUNT)} 1 n", "INCR n")
            assert is_gone(talk.reply()) and talk.reply() == 11
            talk.ask("SET", "n", 10)
        talk.send_all(f"EVALSHA {digest(COUNT)} 1 n", "INCRBY n 10", f"EVALSHA {digest(COUNT)} 1 n")
        assert talk.replies(3) == [11, 21, 22], way


def test_a_call_in_a_pipeline_that_cannot_be_repaired_fails_in_its_place(counting: Scene) -> None:
    talk = counting.talk()
    assert talk.ask("EVALSHA", digest(COUNT), 1, "n") == 1
    forget(counting)
    talk.send_all("SET a 1", f"EVALSHA {digest(COUNT)} 1 n", "GET a", "GET n")
    answers = talk.replies(4)
    assert is_gone(answers[1]) and [answers[0], *answers[2:]] == ["OK", "1", "1"]
    assert talk.ask("EVALSHA", digest(COUNT), 1, "n") == 2


def test_inside_multi_a_call_fails_as_it_does_on_redis(counting: Scene) -> None:
    talk = counting.talk()
    talk.send_all("MULTI", "SET a 1", f"EVALSHA {digest(COUNT)} 1 n", "GET a", "EXEC")
    answers = talk.replies(5)[-1]
    assert answers[0] == "OK" and is_gone(answers[1]) and answers[2] == "1"
    assert talk.ask("EVALSHA", digest(COUNT), 1, "n") == 1


def test_a_client_that_may_not_load_scripts_is_helped_too(counting: Scene) -> None:
    for node in counting.pair:
        node.command("ACL", "SETUSER", "caller", "on", ">secret", "~*", "+@all", "-script", "-eval")
    caller = counting.talk()
    assert caller.ask("AUTH", "caller", "secret") == "OK"
    assert "NOPERM" in str(caller.ask("SCRIPT", "LOAD", COUNT))
    assert caller.ask("EVALSHA", digest(COUNT), 1, "n") == 1


def test_a_script_that_its_client_may_not_run_never_comes_to_a_node(scene: Scene) -> None:
    forbidden = "return 'forbidden'"
    for node in scene.pair:
        node.command("ACL", "SETUSER", "caller", "on", ">secret", "~*", "+@all", "-script", "-eval")
    caller = scene.talk()
    caller.ask("AUTH", "caller", "secret")
    for words in (["EVAL", forbidden, 0], ["SCRIPT", "LOAD", forbidden]):
        assert "NOPERM" in str(caller.ask(*words))
    assert is_gone(caller.ask("EVALSHA", digest(forbidden), 0))
    scene.switch()
    assert is_gone(caller.ask("EVALSHA", digest(forbidden), 0))


@pytest.mark.parametrize("mode", ["OFF", "SKIP"])
def test_a_repaired_call_that_its_client_wants_unanswered_is_not_answered(counting: Scene, mode: str) -> None:
    talk = counting.talk()
    for number in (1, 2):  # not confirmed, and confirmed
        talk.send("CLIENT", "REPLY", mode)
        talk.send("EVALSHA", digest(COUNT), 1, "n")
        wait_for(counting, "n", str(number))
        if mode == "OFF":
            talk.send("CLIENT", "REPLY", "ON")
            assert talk.reply() == "OK"
        assert talk.ask("PING") == "PONG"
        forget(counting)


def test_a_client_that_has_said_its_last_word_gets_the_answer_of_a_repaired_call(counting: Scene) -> None:
    for number in (1, 2):
        talk = counting.talk()
        talk.send("EVALSHA", digest(COUNT), 1, "n")
        talk.socket.shutdown(socket.SHUT_WR)
        assert talk.rest() == b":%d\r\n" % number
        forget(counting)


def test_a_script_that_says_noscript_itself_runs_once(scene: Scene) -> None:
    body = "redis.call('INCR', KEYS[1]) return redis.error_reply(ARGV[1])"
    own = f"redis.call('INCR', KEYS[1]) return redis.error_reply('{GONE} Please use EVAL.')"
    talk = scene.talk()
    for each in (body, own):
        talk.ask("SCRIPT", "LOAD", each)
    assert str(talk.ask("EVALSHA", digest(body), 1, "n", "NOSCRIPT of my own")) == "NOSCRIPT of my own"
    assert is_gone(talk.ask("EVALSHA", digest(own), 1, "n"))
    assert talk.ask("GET", "n") == "2"


def test_scripts_that_the_server_evicted_are_called_all_the_same(scene: Scene) -> None:
    """From 7.4 on a server keeps 500 of those that came by EVAL."""
    talk, bypass = scene.talk(), scene.bypass()
    assert talk.ask("EVAL", COUNT, 1, "n") == 1
    for number in range(600):
        bypass.send("EVAL", f"return {number}", 0)
    bypass.replies(600)
    evicted = scene.primary.command("SCRIPT", "EXISTS", digest(COUNT)) == [False]
    assert evicted == (scene.primary.version in ("7.4", "8.0"))
    assert talk.ask("EVALSHA", digest(COUNT), 1, "n") == 2


def test_a_script_in_use_is_kept_longer(pair: Pair, baton: Callable[..., BatonProcess]) -> None:
    scene = Scene(pair, baton(*pair, environment={"BATON_LIMITS_SCRIPTS_COUNT": "2"}))
    talk = scene.talk()
    bodies = [f"return {number}" for number in range(3)]
    talk.ask("EVAL", bodies[0], 0)
    talk.ask("EVAL", bodies[1], 0)
    assert talk.ask("EVALSHA", digest(bodies[0]), 0) == 0
    talk.ask("EVAL", bodies[2], 0)
    forget(scene)
    assert talk.ask("EVALSHA", digest(bodies[0]), 0) == 0
    assert is_gone(talk.ask("EVALSHA", digest(bodies[1]), 0))


def test_every_call_counts_once_while_scripts_are_flushed_and_the_primary_moves(scene: Scene) -> None:
    """Nobody sends anything behind a call here, so none fails but where it is flushed twice in a row."""
    over = threading.Event()

    def call(talk: Talk, key: str) -> Iterator[Any]:
        while not over.is_set():
            yield talk.ask("EVALSHA", digest(COUNT), 1, key)

    def caller(number: int) -> int:
        talk = scene.talk()
        assert talk.ask("EVAL", COUNT, 1, f"n{number}") == 1
        answers = list(call(talk, f"n{number}"))
        ran = [answer for answer in answers if not is_gone(answer)]
        assert ran == list(range(2, len(ran) + 2)), "none is lost, none runs twice"
        return len(answers) - len(ran)

    with ThreadPoolExecutor(8) as pool:
        calling = [pool.submit(caller, number) for number in range(8)]
        try:
            for _ in range(6):
                for node in scene.pair:
                    node.command("SCRIPT", "FLUSH")
                scene.switch()
        finally:
            over.set()
        failed = sum(each.result() for each in calling)
    assert failed == 0, "the flushes were far apart"


def test_functions_can_be_called_right_after_a_switchover(scene: Scene, redis_binary: Any) -> None:
    talk = scene.talk()
    if version_of(redis_binary) == "6.2":
        assert "unknown command" in str(talk.ask("FCALL", "count", 1, "n"))
        return
    assert talk.ask("FUNCTION", "LOAD", LIBRARY) == "lib"
    others = [scene.talk() for _ in range(5)]
    expected = 0
    for _ in range(2):
        for each in (talk, *others):
            expected += 1
            assert each.ask("FCALL", "count", 1, "n") == expected
        talk.send_all("MULTI", "FCALL count 1 n")
        assert talk.replies(2) == ["OK", "QUEUED"]
        scene.switch()
        expected += 1
        assert talk.ask("EXEC") == [expected]


def test_a_call_that_is_repaired_is_still_the_one_that_client_caching_was_said_of(scene: Scene) -> None:
    body = "return redis.call('GET', KEYS[1])"
    talk = scene.talk()
    talk.ask("HELLO", 3)
    talk.ask_all("SET fruit fig", "CLIENT TRACKING ON OPTIN")
    assert talk.ask("EVAL", body, 1, "fruit") == "fig"
    scene.bypass().ask("SCRIPT", "FLUSH")
    assert talk.ask("CLIENT", "CACHING", "YES") == "OK"
    assert talk.ask("EVALSHA", sha1(body.encode()).hexdigest(), 1, "fruit") == "fig"
    scene.bypass().ask("SET", "fruit", "pear")
    assert talk.reply() == ["invalidate", ["fruit"]]


def test_scripts_are_on_the_new_primary_before_anybody_calls_them(scene: Scene) -> None:
    """Nothing has to be repaired: also where it could not be, inside MULTI."""
    talk = scene.talk()
    bodies = [f"return {number}" for number in range(4)]
    digests = [sha1(body.encode()).hexdigest() for body in bodies]
    talk.ask("EVAL", bodies[0], 0)
    talk.ask("SCRIPT", "LOAD", bodies[1])
    talk.ask("MULTI")
    talk.ask("EVAL", bodies[2], 0)
    talk.ask("EXEC")
    for command in (("EVAL", bodies[3], 0), ("PING",)):
        talk.send(*command)
    assert talk.replies(2) == [3, "PONG"]
    scene.switch()
    assert scene.primary.command("SCRIPT", "EXISTS", *digests) == [True] * 4
    talk.ask("MULTI")
    talk.ask("EVALSHA", digests[2], 0)
    assert talk.ask("EXEC") == [2]
