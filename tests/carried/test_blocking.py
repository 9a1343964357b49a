"""Commands that wait: they stay blocked on the new primary, and nothing is lost or served twice."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.baton import BatonProcess
from tests.carried.scene import Scene
from tests.servers import RedisServer
from tests.talking import Talk
from tests.valve import ValvedPair, at_gate
from tests.waiting import wait_until

BLOCKING = {
    "BLPOP": ("BLPOP a list 0", "RPUSH list fig", ["list", "fig"]),
    "BRPOP": ("BRPOP list 0", "RPUSH list fig", ["list", "fig"]),
    "BLMOVE": ("BLMOVE list to LEFT RIGHT 0", "RPUSH list fig", "fig"),
    "BRPOPLPUSH": ("BRPOPLPUSH list to 0", "RPUSH list fig", "fig"),
    "BZPOPMIN": ("BZPOPMIN zset 0", "ZADD zset 1 fig", ["zset", "fig", "1"]),
    "BZPOPMAX": ("BZPOPMAX zset 0", "ZADD zset 1 fig", ["zset", "fig", "1"]),
    "XREAD": (
        "XREAD BLOCK 0 STREAMS stream $",
        "XADD stream 9-1 f fig",
        [["stream", [["9-1", ["f", "fig"]]]]],
    ),
    "XREADGROUP": (
        "XREADGROUP GROUP pickers one BLOCK 0 STREAMS stream >",
        "XADD stream 9-1 f fig",
        [["stream", [["9-1", ["f", "fig"]]]]],
    ),
}
SINCE_7 = {
    "BLMPOP": ("BLMPOP 0 1 list LEFT", "RPUSH list fig", ["list", ["fig"]]),
    "BZMPOP": ("BZMPOP 0 1 zset MIN", "ZADD zset 1 fig", ["zset", [["fig", "1"]]]),
}


def blocking(server: RedisServer) -> dict[str, tuple[str, str, Any]]:
    return BLOCKING | (SINCE_7 if server.version != "6.2" else {})


def test_blocked_commands_stay_blocked_and_are_served_on_the_new_primary(scene: Scene) -> None:
    scene.primary.command("XGROUP", "CREATE", "stream", "pickers", "$", "MKSTREAM")
    for command, push, answer in blocking(scene.primary).values():
        talk = scene.talk()
        talk.send(*command.split())
        scene.wait_blocked(1)
        for _ in range(2):
            scene.switch()
            scene.wait_blocked(1)
            assert talk.is_quiet(), command
        scene.primary.command(*push.split())
        assert talk.reply() == answer
        assert talk.ask("PING") == "PONG"
        scene.primary.command("DEL", "list", "zset", "to", "stream")
        scene.primary.command("XGROUP", "CREATE", "stream", "pickers", "$", "MKSTREAM")


def test_what_a_blocked_client_sends_behind_it_is_done_after_it(scene: Scene) -> None:
    talk = scene.talk()
    talk.send_all(
        "SELECT 2", "BLPOP list 0", "SET after 1", "SELECT 3", "SET after 2", "BLPOP list 0", "PING"
    )
    scene.wait_blocked(1)
    for _ in range(2):
        scene.switch()
        scene.wait_blocked(1)
    assert scene.primary.client(db=2).exists("after") == 0
    scene.primary.client(db=2).rpush("list", "fig")
    assert talk.replies(5) == ["OK", ["list", "fig"], "OK", "OK", "OK"]
    scene.switch()
    scene.wait_blocked(1)
    scene.primary.client(db=3).rpush("list", "pear")
    assert talk.replies(2) == [["list", "pear"], "PONG"]


def test_clients_that_wait_for_one_list_are_served_in_the_order_in_which_they_came(scene: Scene) -> None:
    talks = [scene.talk() for _ in range(12)]
    for number, talk in enumerate(talks):
        talk.send("BLPOP", "list", 0)
        scene.wait_blocked(number + 1)
    for _ in range(3):
        scene.switch()
        scene.wait_blocked(len(talks))
    late = scene.talk()
    late.send("BLPOP", "list", 0)
    scene.wait_blocked(len(talks) + 1)
    scene.primary.command("RPUSH", "list", *range(len(talks) + 1))
    assert [talk.reply() for talk in [*talks, late]] == [["list", str(n)] for n in range(len(talks) + 1)]


@pytest.mark.alone
def test_what_remains_of_a_timeout_is_honoured(scene: Scene) -> None:
    """And no more than remains: the last switchover comes when most of the time is over."""
    commands = {
        "BLPOP list 1": b"*-1\r\n",
        "BLMOVE list to LEFT RIGHT 1": b"*-1\r\n",
        "BZPOPMIN zset 1": b"*-1\r\n",
        "XREAD BLOCK 1000 STREAMS stream $": b"*-1\r\n",
        "WAIT 5 1000": b":1\r\n",
    }
    talks = [scene.talk() for _ in commands]
    assert talks[-1].ask("SET", "fruit", "fig") == "OK"
    began = time.monotonic()
    for talk, command in zip(talks, commands, strict=True):
        talk.send(*command.split())
    scene.wait_blocked(len(talks))
    scene.switch()
    scene.wait_blocked(len(talks))
    wait_until(lambda: time.monotonic() > began + 0.7, "most of their time is over")
    scene.switch()
    for talk, answer in zip(talks, commands.values(), strict=True):
        talk.expect(answer)
        assert 0.95 < time.monotonic() - began < 1.65
        assert talk.ask("PING") == "PONG"


def test_a_timeout_that_ends_during_the_hold_is_answered_with_nil(
    valved: ValvedPair, baton: Callable[..., BatonProcess]
) -> None:
    proxy = baton(valved.primary, valved.replica)
    began = time.monotonic()
    talks: list[tuple[Talk, bytes]] = []
    for protocol, nil in ((2, b"*-1\r\n"), (3, b"_\r\n")):
        for command in (
            "BLPOP list 0.3",
            "BLMOVE list to LEFT RIGHT 0.3",
            "BRPOPLPUSH list to 0.3",
            "BZPOPMIN zset 0.3",
            "XREAD BLOCK 300 STREAMS stream $",
        ):
            talk = Talk(proxy.raw())
            talk.ask("HELLO", protocol)
            talk.send(*command.split())
            talks.append((talk, nil))
    with valved.hold(proxy):
        wait_until(lambda: time.monotonic() > began + 0.4, "their time is over")
    for talk, nil in talks:
        talk.expect(nil)
        assert talk.ask("PING") == "PONG"


def test_a_blocked_command_sent_during_the_hold_blocks_on_the_new_primary(
    valved: ValvedPair, baton: Callable[..., BatonProcess]
) -> None:
    proxy = baton(valved.primary, valved.replica)
    first, second = Talk(proxy.raw()), Talk(proxy.raw())
    first.send("BLPOP", "list", 0)
    wait_until(lambda: valved.primary.info("clients")["blocked_clients"] == 1, "it is blocked")
    with valved.hold(proxy):
        second.send("BLPOP", "list", 0)
        wait_until(lambda: at_gate(proxy) == 1, "it waits at the gate")
    wait_until(lambda: valved.replica.info("clients")["blocked_clients"] == 2, "both are blocked")
    valved.replica.command("RPUSH", "list", "fig", "pear")
    assert (first.reply(), second.reply()) == (["list", "fig"], ["list", "pear"])


def test_a_client_that_leaves_while_its_command_is_parked_takes_nothing_with_it(
    valved: ValvedPair, baton: Callable[..., BatonProcess]
) -> None:
    proxy = baton(valved.primary, valved.replica)
    leaves, stays = Talk(proxy.raw()), Talk(proxy.raw())
    for count, talk in enumerate((leaves, stays), 1):
        talk.send("BLPOP", "list", 0)
        wait_until(lambda count=count: blocked_on(valved.primary) == count, "it is blocked")  # type: ignore[misc]
    with valved.hold(proxy):
        leaves.socket.close()
        wait_until(lambda: at_gate(proxy) == 1, "its end has come, which is received after the hold")
    wait_until(lambda: blocked_on(valved.replica) == 1, "the other is blocked again")
    valved.replica.command("RPUSH", "list", "fig")
    assert stays.reply() == ["list", "fig"]


def blocked_on(server: RedisServer) -> int:
    return int(server.info("clients")["blocked_clients"])


WORKERS: dict[str, tuple[str, str, Callable[[Any], Any]]] = {
    "BLPOP": ("BLPOP list 0", "RPUSH list {}", lambda reply: reply[1]),
    "BLMOVE": ("BLMOVE list to LEFT RIGHT 0", "RPUSH list {}", lambda reply: reply),
    "BRPOPLPUSH": ("BRPOPLPUSH list to 0", "RPUSH list {}", lambda reply: reply),
    "BZPOPMIN": ("BZPOPMIN zset 0", "ZADD zset 1 {}", lambda reply: reply[1]),
    "XREADGROUP": (
        "XREADGROUP GROUP pickers {} BLOCK 0 NOACK STREAMS stream >",
        "XADD stream * f {}",
        lambda reply: [fields[1] for _, fields in reply[0][1]],
    ),
}


@pytest.mark.parametrize("kind", WORKERS)
def test_an_element_pushed_right_at_the_hold_is_served_once(scene: Scene, kind: str) -> None:
    """Somebody who bypasses the proxy pushes in the moment of each hold, while three workers are blocked."""
    command, push, element = WORKERS[kind]
    scene.primary.command("XGROUP", "CREATE", "stream", "pickers", "$", "MKSTREAM")
    served: list[str] = []
    faults: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for reply in working(scene.talk(), command.format(number)):
                got = element(reply)
                served.extend(got if isinstance(got, list) else [got])
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=work, args=(number,), daemon=True) for number in range(3)]
    for thread in threads:
        thread.start()
    scene.wait_blocked(3)
    rounds, pushed = 30, 0
    for turn in range(rounds):
        done, results = threading.Event(), list[int]()
        pusher = threading.Thread(target=push_until, args=(scene.bypass(), push, turn, done, results))
        pusher.start()
        try:
            scene.switch()
        finally:
            done.set()
            pusher.join()
        pushed += results[0]
        wait_served(served, pushed)
        assert not faults
    assert len(served) == len(set(served)) == pushed


def wait_served(served: list[str], count: int) -> None:
    wait_until(lambda: len(served) >= count, lambda: f"{count} elements are served: {len(served)}")


def wait_seen(seen: list[list[str]], added: list[str]) -> None:
    wait_until(lambda: all(into == added for into in seen), lambda: f"{added} is seen: {seen}")


def working(talk: Talk, command: str) -> Any:
    while True:
        yield talk.ask(*command.split())


def push_until(talk: Talk, push: str, turn: int, done: threading.Event, results: list[int]) -> None:
    """Push one by one; what is refused because the node is a replica by then was not pushed."""
    count = 0
    while not done.is_set():
        answer = talk.ask(*push.format(f"{turn}:{count}").split())
        if isinstance(answer, Exception):
            break
        count += 1
    results.append(count)


def test_a_stream_entry_added_just_before_the_pause_is_read_and_none_twice(scene: Scene) -> None:
    """Readers that say `$` once and go on from the last id that they saw: none may be skipped."""
    for _ in range(25):
        talks = [scene.talk() for _ in range(2)]
        seen: list[list[str]] = [[] for _ in talks]
        threads = [threading.Thread(target=read_on, args=pair) for pair in zip(talks, seen, strict=True)]
        for thread in threads:
            thread.start()
        scene.wait_blocked(len(talks))
        added: list[str] = []
        adder = threading.Thread(target=add_until, args=(scene.bypass(), added))
        adder.start()
        scene.switch()
        adder.join()
        wait_seen(seen, added)
        for thread, talk in zip(threads, talks, strict=True):
            talk.socket.shutdown(socket.SHUT_RDWR)
            thread.join()
        scene.wait_blocked(0)


def read_on(talk: Talk, into: list[str]) -> None:
    """Read the stream until the connection is shut; what goes wrong leaves the list incomplete."""
    last = "$"
    with contextlib.suppress(EOFError):
        while True:
            for entry, _ in talk.ask("XREAD", "BLOCK", 0, "STREAMS", "stream", last)[0][1]:
                into.append(entry)
                last = entry


def add_until(talk: Talk, added: list[str]) -> None:
    """Add entries until the node is a replica and refuses."""
    while True:
        answer = talk.ask("XADD", "stream", "*", "f", "v")
        if isinstance(answer, Exception):
            break
        added.append(answer)


def test_the_newest_entry_is_the_newest_under_the_pause(scene: Scene) -> None:
    """Readers say `$`, and nothing is added before the hold.

    One adds to the old primary as soon as no reader is blocked there: were they recalled before the pause, he
    might be heard by nobody. The other adds to the new primary as soon as it takes writes, which is before
    the readers are back.
    """
    for _ in range(10):
        readers = [scene.talk() for _ in range(4)]
        for reader in readers:
            reader.send("XREAD", "BLOCK", 0, "STREAMS", "stream", "$")
        scene.wait_blocked(len(readers))
        added: list[str] = []
        ways = (Talk(scene.primary.raw()), Talk(scene.replica.raw()))
        adders = [
            threading.Thread(target=add, args=(way, added)) for add, way in zip(ADDERS, ways, strict=True)
        ]
        for adder in adders:
            adder.start()
        scene.switch()
        for adder in adders:
            adder.join()
        for reader in readers:
            assert reader.reply()[0][1][0][0] == added[0]
            reader.socket.close()
        scene.primary.command("DEL", "stream")


def add_where_nobody_reads(talk: Talk, added: list[str]) -> None:
    """To the old primary, once no reader is blocked there."""
    while "blocked_clients:0" not in talk.ask("INFO", "clients"):
        pass
    answer = talk.ask("XADD", "stream", "*", "f", "old")
    if not isinstance(answer, Exception):
        added.insert(0, answer)


def add_as_soon_as_it_may(talk: Talk, added: list[str]) -> None:
    """To the new primary, from its first moment."""
    while isinstance(answer := talk.ask("XADD", "stream", "*", "f", "new"), Exception):
        pass
    added.append(answer)


ADDERS = (add_where_nobody_reads, add_as_soon_as_it_may)
