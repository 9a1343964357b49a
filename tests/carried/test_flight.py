"""Commands in flight, half commands, long pipelines, clients that do not read: nothing is lost or doubled."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from proxy.wire.encoding import command
from tests.baton import BatonProcess
from tests.carried.scene import Scene
from tests.console import events
from tests.servers import Pair
from tests.talking import Talk
from tests.valve import ValvedPair, at_gate
from tests.waiting import wait_until

BUSY = "local n = 0; while n < tonumber(ARGV[1]) do n = n + 1 end; return redis.call('INCR', KEYS[1])"


def test_a_long_command_is_answered_by_the_old_primary_before_the_swap(scene: Scene) -> None:
    slow, sleepy, quick = (scene.talk() for _ in range(3))
    quick.ask("PING")
    for turn in range(1, 4):
        sleepy.send("DEBUG", "SLEEP", "0.05")
        slow.send("EVAL", BUSY, 1, "count", 2_000_000)
        scene.switch()
        assert slow.reply() == turn
        assert sleepy.reply() == "OK"
        assert quick.ask("GET", "count") == str(turn)


def test_half_a_command_completes_on_the_new_primary(scene: Scene) -> None:
    whole = command("SET", "fruit", "fig")
    talks = [scene.talk() for _ in range(1, len(whole))]
    for cut, talk in enumerate(talks, 1):
        if cut % 2:
            talk.ask("PING")
        talk.socket.sendall(whole[:cut])
    scene.switch()
    assert scene.primary.command("EXISTS", "fruit") == 0
    for cut, talk in enumerate(talks, 1):
        assert talk.is_quiet()
        talk.socket.sendall(whole[cut:])
        assert talk.reply() == "OK"
    scene.switch()
    assert [talk.ask("GET", "fruit") for talk in talks] == ["fig"] * len(talks)


def test_half_a_large_value_completes_on_the_new_primary(scene: Scene) -> None:
    value = b"fig!" * 1_000_000
    whole = command("SET", "fruit", value)
    talk = scene.talk()
    talk.ask("PING")
    talk.socket.sendall(whole[:1_500_000])
    scene.switch()
    talk.socket.sendall(whole[1_500_000:3_000_000])
    scene.switch()
    talk.socket.sendall(whole[3_000_000:])
    assert talk.reply() == "OK"
    assert scene.primary.command("STRLEN", "fruit") == len(value)


def test_pipelines_keep_their_order_over_many_switchovers(scene: Scene) -> None:
    """Four clients, each with a hundred INCRs and a large value on the way all the time.

    They write more than the 1 MB of the default backlog before the old primary can ask for what it lacks.
    """
    for node in scene.pair:
        node.command("CONFIG", "SET", "repl-backlog-size", "100mb")
    stop, faults = threading.Event(), list[Any]()

    def work(number: int) -> None:
        talk, count, turn = scene.talk(), 0, 0
        while not stop.is_set():
            turn += 1
            filler = "x" * (turn % 5 * 40_000)
            talk.send("SET", f"filler:{number}", filler)
            talk.send_all(*[f"INCR count:{number}"] * 100, f"ECHO {turn}", f"STRLEN filler:{number}")
            got = talk.replies(103)
            if got != ["OK", *range(count + 1, count + 101), str(turn), len(filler)]:
                faults.append((count, got))
                return
            count += 100

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(30):
        scene.switch()
    stop.set()
    for thread in threads:
        thread.join()
    assert faults == []


def test_a_deep_pipeline_waits_during_the_hold_and_is_executed_once(
    valved: ValvedPair, baton: Callable[..., BatonProcess]
) -> None:
    proxy = baton(valved.primary, valved.replica)
    talk, large = Talk(proxy.raw()), Talk(proxy.raw())
    assert talk.ask("INCR", "count") == 1
    large.ask("PING")
    with valved.hold(proxy):
        sender = threading.Thread(target=talk.socket.sendall, args=(command("INCR", "count") * 100_000,))
        sender.start()
        other = threading.Thread(target=large.send, args=("SET", "large", b"x" * 20_000_000))
        other.start()
        wait_until(lambda: at_gate(proxy) == 2, "both wait at the gate")
    assert talk.replies(100_000) == list(range(2, 100_002))
    assert large.reply() == "OK"
    sender.join()
    other.join()
    assert valved.replica.command("STRLEN", "large") == 20_000_000


def test_a_client_that_does_not_read_vetoes_no_switchover(
    pair: Pair, baton: Callable[..., BatonProcess]
) -> None:
    """One is owed more than the limit and is closed, the other less and gets it all."""
    proxy = baton(*pair, environment={"BATON_LIMITS_CLIENT_OUTPUT_BYTES": "30000000"})
    scene = Scene(pair, proxy)
    scene.primary.command("SET", "large", "x" * 1_000_000)
    much, little, other = (scene.talk() for _ in range(3))
    other.ask("PING")
    for talk, count in ((much, 60), (little, 15)):
        talk.send_all(*["GET large"] * count)
        wait_until(lambda: unread(proxy) > 0, "replies wait in the proxy")
    report = proxy.switchover(budget_ms=5000)
    assert report["outcome"] == "done"
    assert other.ask("SET", "small", 1) == "OK"
    assert [len(reply) for reply in little.replies(15)] == [1_000_000] * 15
    assert little.ask("PING") == "PONG"
    assert len(much.rest()) < 60_000_000
    [closed] = events(proxy, "-client-closed")
    assert "did not read" in closed["why"]


def unread(proxy: BatonProcess) -> int:
    return max(int(line.split("unread=")[1].split()[0]) for line in proxy.admin("CLIENTS"))


def test_clients_that_come_and_go_all_the_time_see_no_error(scene: Scene) -> None:
    stop, faults, done = threading.Event(), list[Any](), list[int]()

    def work(number: int) -> None:
        turn = 0
        while not stop.is_set():
            turn += 1
            talk = scene.talk()
            talk.send_all(f"CLIENT SETNAME come-{number}", f"SELECT {number}", "INCR count", "CLIENT GETNAME")
            got = talk.replies(4)
            if got != ["OK", "OK", turn, f"come-{number}"]:
                faults.append(got)
                return
            talk.socket.close()
        done.append(turn)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(30):
        scene.switch()
    stop.set()
    for thread in threads:
        thread.join()
    assert faults == []
    assert len(done) == 4
