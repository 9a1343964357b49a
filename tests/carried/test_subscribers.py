"""Subscribers get every message once and in order, whoever publishes it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
import redis

from tests.baton import BatonProcess
from tests.carried.scene import Scene
from tests.servers import RedisServer
from tests.talking import Talk
from tests.valve import ValvedPair, at_gate
from tests.waiting import wait_until

SUBSCRIBERS, LATE, LATE_SIZE = 8, 2, 1_500_000
FORMS = {
    "channel": ("SUBSCRIBE news", "PUBLISH news {}"),
    "pattern": ("PSUBSCRIBE n*", "PUBLISH news {}"),
    "sharded": ("SSUBSCRIBE news", "SPUBLISH news {}"),
}


def forms_of(server: RedisServer) -> dict[str, tuple[str, str]]:
    return {name: form for name, form in FORMS.items() if name != "sharded" or server.version != "6.2"}


@pytest.mark.parametrize("protocol", [2, 3])
def test_every_message_comes_once_and_in_order_over_many_switchovers(scene: Scene, protocol: int) -> None:
    """Two publishers through the proxy and one past it, at full speed, and two subscribers of each form."""
    forms = forms_of(scene.primary)
    talks = [scene.talk() for _ in range(2) for _ in forms]
    for talk, (subscribe, _) in zip(talks, [*forms.values(), *forms.values()], strict=True):
        talk.ask("HELLO", protocol)
        talk.send(*subscribe.split())
        assert talk.reply()[-1] == 1
    got: list[list[str]] = [[] for _ in talks]
    readers = [threading.Thread(target=gather, args=pair) for pair in zip(talks, got, strict=True)]
    stop, sent = threading.Event(), dict[str, int]()
    commands = sorted({command for _, command in forms.values()})
    publishers = [
        threading.Thread(target=publish, args=(scene, name, commands, stop, sent)) for name in ("one", "two")
    ] + [threading.Thread(target=publish_past, args=(scene, "past", commands, stop, sent))]
    for thread in (*readers, *publishers):
        thread.start()
    for _ in range(15):
        scene.switch()
    stop.set()
    for thread in publishers:
        thread.join()
    for command in commands:
        scene.bypass().ask(*command.format("end:0").split())
    for thread in readers:
        thread.join(10)
        assert not thread.is_alive()
    assert sent.keys() == {"one", "two", "past"}
    for messages in got:
        for name, count in sent.items():
            numbers = [int(message.split(":")[1]) for message in messages if message.startswith(f"{name}:")]
            assert numbers == list(range(count)), f"{name}, {count} sent: {odd(numbers)}"


def odd(numbers: list[int]) -> list[tuple[int, int]]:
    return [pair for pair in zip([-1, *numbers], numbers, strict=False) if pair[1] != pair[0] + 1][:5]


def publish(
    scene: Scene, name: str, commands: list[str], stop: threading.Event, sent: dict[str, int]
) -> None:
    """Publish numbers by each of the commands, through the proxy."""
    talk, number = scene.talk(), 0
    while not stop.is_set():
        answers = talk.ask_all(*(command.format(f"{name}:{number}") for command in commands))
        assert all(isinstance(answer, int) for answer in answers)
        number += 1
    sent[name] = number


def publish_past(
    scene: Scene, name: str, commands: list[str], stop: threading.Event, sent: dict[str, int]
) -> None:
    """The same on the node itself, with a write beside it that fails where the node is a replica by then.

    A bare PUBLISH that the pause holds is run by the replica, and nobody hears it.
    """
    talk, number = scene.bypass(), 0
    while not stop.is_set():
        answers = talk.ask_all(
            "MULTI", f"SET {name} x", *(command.format(f"{name}:{number}") for command in commands), "EXEC"
        )
        if isinstance(answers[-1], list):
            number += 1
        else:
            talk = scene.bypass()
    sent[name] = number


def gather(talk: Talk, into: list[str]) -> None:
    for message in talk:
        if message[-1] == "end:0":
            return
        into.append(message[-1])


def test_what_is_subscribed_and_unsubscribed_in_the_middle_is_carried(scene: Scene) -> None:
    """A client that subscribes and unsubscribes without a break, while others hear every message."""
    stop, faults = threading.Event(), list[Any]()

    def restless(protocol: int) -> None:
        talk, turn = scene.talk(), 0
        talk.ask("HELLO", protocol)
        while not stop.is_set():
            turn += 1
            talk.send("SUBSCRIBE", f"a{turn}", f"b{turn}")
            talk.send("PSUBSCRIBE", f"p{turn}*")
            talk.send("UNSUBSCRIBE", f"a{turn}")
            answers = [answer[:2] for answer in talk.replies(4)]
            expected = [
                ["subscribe", f"a{turn}"],
                ["subscribe", f"b{turn}"],
                ["psubscribe", f"p{turn}*"],
                ["unsubscribe", f"a{turn}"],
            ]
            if answers != expected:
                faults.append(answers)
                return
            if turn % 7 == 0:
                talk.send("UNSUBSCRIBE")
                gone = {talk.reply()[1] for _ in range(7)}
                talk.send("PUNSUBSCRIBE")
                last = [talk.reply() for _ in range(7)][-1]
                if last[-1] != 0 or gone != {f"b{n}" for n in range(turn - 6, turn + 1)}:
                    faults.append((gone, last))
                    return

    threads = [threading.Thread(target=restless, args=(protocol,)) for protocol in (2, 3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(20):
            scene.switch()
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert faults == []


def test_a_subscriber_of_resp3_goes_on_with_commands(scene: Scene) -> None:
    talk = scene.talk()
    talk.ask("HELLO", 3)
    talk.send("SUBSCRIBE", "news")
    assert talk.reply() == ["subscribe", "news", 1]
    for turn in range(3):
        assert talk.ask("INCR", "count") == turn + 1
        scene.switch()
        assert talk.ask("PUBLISH", "news", turn) in (["message", "news", str(turn)], 1)
        assert talk.reply() in (["message", "news", str(turn)], 1)
    talk.send_all("UNSUBSCRIBE", "INCR count")
    assert talk.replies(2) == [["unsubscribe", "news", 0], 4]
    scene.switch()
    assert scene.primary.command("PUBSUB", "NUMSUB", "news") == ["news", 0]
    assert talk.ask("INCR", "count") == 5


def test_a_subscriber_of_resp2_is_answered_as_one(scene: Scene) -> None:
    talk = scene.talk()
    talk.send_all("SUBSCRIBE news sport", "UNSUBSCRIBE sport", "PING hello", "PING")
    talk.expect(
        b"*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n"
        b"*3\r\n$9\r\nsubscribe\r\n$5\r\nsport\r\n:2\r\n"
        b"*3\r\n$11\r\nunsubscribe\r\n$5\r\nsport\r\n:1\r\n"
        b"*2\r\n$4\r\npong\r\n$5\r\nhello\r\n"
        b"*2\r\n$4\r\npong\r\n$0\r\n\r\n"
    )
    scene.switch()
    assert "only (P|S)SUBSCRIBE" in str(talk.ask("GET", "fruit")) or "only (P)SUBSCRIBE" in str(
        talk.ask("GET", "fruit")
    )
    scene.switch()
    talk.send("UNSUBSCRIBE")
    talk.expect(b"*3\r\n$11\r\nunsubscribe\r\n$4\r\nnews\r\n:0\r\n")
    scene.switch()
    assert str(talk.ask("UNSUBSCRIBE")) == str(scene.bypass().ask("UNSUBSCRIBE"))  # Valkey 8 says -NOSUB
    assert talk.ask("GET", "fruit") is None


def test_a_subscription_made_during_the_hold_hears_what_is_published_after_it(
    valved: ValvedPair, baton: Callable[..., BatonProcess]
) -> None:
    proxy = baton(valved.primary, valved.replica)
    old, new, publisher = (Talk(proxy.raw()) for _ in range(3))
    old.send("SUBSCRIBE", "news")
    assert old.reply()[0] == "subscribe"
    with valved.hold(proxy):
        old.send("SUBSCRIBE", "sport")
        new.send("SUBSCRIBE", "sport")
        wait_until(lambda: at_gate(proxy) == 2, "both wait at the gate")
        publisher.send_all("ECHO x")
        wait_until(lambda: at_gate(proxy) == 3, "the publisher too")
    assert old.reply() == ["subscribe", "sport", 2]
    assert new.reply() == ["subscribe", "sport", 1]
    assert publisher.reply() == "x"
    assert publisher.ask("PUBLISH", "sport", "goal") == 2
    assert old.reply() == new.reply() == ["message", "sport", "goal"]


def test_real_subscribers_hear_everything(scene: Scene) -> None:
    publisher = scene.proxy.client()
    for protocol in (2, 3):
        client: redis.Redis = scene.proxy.client(protocol=protocol)
        with client.pubsub(ignore_subscribe_messages=True) as listener:  # type: ignore[no-untyped-call]
            listener.subscribe("news")
            listener.psubscribe("n*")
            wait_until(lambda: scene.primary.command("PUBSUB", "NUMPAT") == 1, "it is subscribed")
            for turn in range(6):
                assert publisher.publish("news", turn) == 2
                if turn % 2:
                    scene.switch()
            heard: list[dict[str, str]] = []
            while len(heard) < 12:  # None for a confirmation, and for a notice of a switchover in RESP3
                if (told := listener.get_message(timeout=10)) is not None:
                    heard.append(told)
            assert [each["data"] for each in heard if each["type"] == "message"] == [str(n) for n in range(6)]
            assert [each["data"] for each in heard if each["type"] == "pmessage"] == [
                str(n) for n in range(6)
            ]
        wait_until(lambda: scene.primary.command("PUBSUB", "NUMPAT") == 0, "it is gone")


def test_keyspace_notifications_come_once_from_whoever_is_primary(scene: Scene) -> None:
    """They are made by the node that executes a write, a replica too: each is heard once, in order."""
    for node in scene.pair:
        node.command("CONFIG", "SET", "notify-keyspace-events", "KEA")
    listener, writer = scene.talk(), scene.talk()
    listener.send("PSUBSCRIBE", "__key*__:*")
    assert listener.reply()[0] == "psubscribe"
    for turn in range(6):
        assert writer.ask("SET", f"key:{turn}", 1) == "OK"
        if turn % 2:
            scene.switch()
    scene.bypass().ask("DEL", "key:0")
    wanted = [("set", f"key:{turn}") for turn in range(6)] + [("del", "key:0")]
    heard = [listener.reply() for _ in range(2 * len(wanted))]
    assert [(m[3], m[2].partition(":")[2]) for m in heard if m[2].startswith("__keyspace")] == wanted
    assert [(m[2].partition(":")[2], m[3]) for m in heard if m[2].startswith("__keyevent")] == wanted
    assert listener.is_quiet()


def test_what_the_candidate_hears_late_is_heard_once(
    valved: ValvedPair, baton: Callable[..., BatonProcess]
) -> None:
    """Messages of somebody who bypasses the proxy are on their way to the candidate when the hold begins.

    It multiplies them by the subscribers, so their new lanes have not been read to the end when it says that
    it has them: only the mark behind them tells what has been delivered already.
    """
    proxy = baton(valved.primary, valved.replica)
    talks = [Talk(proxy.raw()) for _ in range(SUBSCRIBERS)]
    for number, talk in enumerate(talks):
        talk.ask("HELLO", 2 + number % 2)
        assert talk.ask("SUBSCRIBE", "news") == ["subscribe", "news", 1]
    valved.valve.shut()
    for number in range(LATE):
        valved.primary.command("PUBLISH", "news", f"{number}:{'x' * LATE_SIZE}")
    for talk in talks:
        assert [int(talk.reply()[2].partition(":")[0]) for _ in range(LATE)] == list(range(LATE))
    with valved.hold(proxy) as switching:
        pass
    report = switching.result()
    assert (report["outcome"], report["clients_closed"]) == ("done", 0)
    valved.replica.command("PUBLISH", "news", "last")
    assert [talk.reply()[2][:10] for talk in talks] == ["last"] * SUBSCRIBERS
