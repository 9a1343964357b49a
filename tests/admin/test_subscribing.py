"""SUBSCRIBE events: what happens is sent as it happens, and one that does not read is given up."""

import json
import socket
import struct
from collections.abc import Iterator
from functools import partial
from typing import Any

import attrs
import hiredis
import pytest
import redis
import trio
import trio.testing

from proxy.admin.console import feed, serving
from proxy.telling import Told, tell
from proxy.telling.publishing import _teller
from tests.admin.recorder import NODES, Recorder
from tests.admin.talking import answered, connect, whole
from tests.waiting import LIMIT_SECONDS, until

SUBSCRIBED = {
    2: b"*3\r\n$9\r\nsubscribe\r\n$6\r\nevents\r\n:1\r\n",
    3: b">3\r\n$9\r\nsubscribe\r\n$6\r\nevents\r\n:1\r\n",
}
HELLO_3 = b"HELLO 3 SETNAME me\r\n"


class Reader:
    """One connection whose replies are read one by one."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream = stream
        self._parser = hiredis.Reader(encoding="utf-8")

    async def ask(self, line: bytes) -> Any:
        await self._stream.send_all(line + b"\r\n")
        return await self.next()

    async def next(self) -> Any:
        with trio.fail_after(LIMIT_SECONDS):
            while (reply := self._parser.gets()) is False:
                data = await self._stream.receive_some()
                assert data, "closed"
                self._parser.feed(bytes(data))
        return reply


def message(reply: Any) -> dict[str, Any]:
    """The event that a message holds."""
    kind, channel, text = reply
    assert (kind, channel) == ("message", "events")
    event: dict[str, Any] = json.loads(text)
    return event


@pytest.fixture
def listeners() -> Iterator[int]:
    """How many listened before; afterwards it must be as many."""
    before = len(_teller.listeners)
    yield before


async def test_in_resp2_each_event_is_a_message_of_one_json_object(port: int) -> None:
    async with await connect(port) as stream:
        await answered(stream, b"SUBSCRIBE events\r\n", SUBSCRIBED[2])
        tell("-console-login", peer='a "b" ü')
        tell("+asked", peer="x", command="SWITCHOVER")
        reader = Reader(stream)
        first, second = message(await reader.next()), message(await reader.next())
    assert first.pop("time") > 1e9 and second.pop("time") > 1e9
    assert first == {"event": "-console-login", "peer": 'a "b" ü'}
    assert second == {"event": "+asked", "peer": "x", "command": "SWITCHOVER"}


async def test_in_resp2_a_subscriber_may_ask_next_to_nothing_as_in_redis(
    port: int, recorder: Recorder
) -> None:
    async with await connect(port) as stream:
        reader = Reader(stream)
        assert await reader.ask(b"subscribe Events") == ["subscribe", "events", 1]
        assert await reader.ask(b"PING") == ["pong", ""]
        assert await reader.ask(b"PING x") == ["pong", "x"]
        for line in (b"NODES", b"SWITCHOVER", b"HELLO 3", b"AUTH x", b"COMMAND DOCS", b"CLIENT ID"):
            refused = str(await reader.ask(line))
            name = line.split()[0].decode().lower()
            assert refused.startswith(
                f"ERR Can't execute '{name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING"
            )
        assert str(await reader.ask(b"SUBSCRIBE news")).startswith("ERR SUBSCRIBE: 'news' is not understood")
        assert await reader.ask(b"UNSUBSCRIBE news") == ["unsubscribe", "news", 1]
        assert await reader.ask(b"SUBSCRIBE events") == ["subscribe", "events", 1]
        assert await reader.ask(b"UNSUBSCRIBE") == ["unsubscribe", "events", 0]
        assert await reader.ask(b"UNSUBSCRIBE") == ["unsubscribe", None, 0]
        assert await reader.ask(b"PING") == "PONG"
    assert recorder.asked == []


async def test_in_resp3_a_subscriber_goes_on_asking_and_events_are_pushes(
    port: int, recorder: Recorder
) -> None:
    recorder.pause()
    async with await connect(port) as stream:
        reader = Reader(stream)
        await reader.ask(HELLO_3.strip())
        await stream.send_all(b"SUBSCRIBE events\r\n")
        assert await reader.next() == ["subscribe", "events", 1]
        assert await reader.ask(b"PING") == "PONG"
        assert message(await reader.ask(b"SWITCHOVER"))["command"] == "SWITCHOVER"
        await recorder.begun.wait()
        tell("-console-login", peer="somebody")  # while the answer is not there yet
        assert message(await reader.next())["event"] == "-console-login"
        recorder.go_on.set()
        assert (await reader.next())["outcome"] == "done"
    raw = await connect(port)
    async with raw:
        await raw.send_all(HELLO_3 + b"SUBSCRIBE events\r\nUNSUBSCRIBE events\r\nQUIT\r\n")
        got = await whole(raw)
    assert got.endswith(SUBSCRIBED[3] + b">3\r\n$11\r\nunsubscribe\r\n$6\r\nevents\r\n:0\r\n+OK\r\n")


@pytest.mark.parametrize("ends", [b"UNSUBSCRIBE", b"RESET", b"QUIT"])
async def test_who_is_not_subscribed_any_more_hears_nothing_and_is_not_listened_for(
    port: int, ends: bytes, listeners: int
) -> None:
    async with await connect(port) as stream:
        reader = Reader(stream)
        await reader.ask(b"SUBSCRIBE events")
        assert len(_teller.listeners) == listeners + 1
        await reader.ask(ends)
        await until(lambda: len(_teller.listeners) == listeners, "it is not listened for")
        if ends != b"QUIT":
            tell("-console-login", peer="somebody")
            assert await reader.ask(b"PING") == "PONG"


def test_what_waits_at_the_end_is_not_sent_any_more() -> None:
    waiting = feed.Feed()
    waiting.begin()
    tell("-console-login", peer="somebody")
    waiting.end()
    assert waiting.next() is None and not waiting.on


async def test_a_long_answer_is_not_broken_by_an_event(
    port: int, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "GATHER_S", 0)
    recorder.seen = [attrs.evolve(NODES[3], silent="x" * 1000)] * 10_000
    async with await connect(port) as stream:
        reader = Reader(stream)
        await reader.ask(HELLO_3.strip())
        await reader.ask(b"SUBSCRIBE events")
        await stream.send_all(b"NODES\r\n")
        await trio.testing.wait_all_tasks_blocked(0.01)  # it cannot go on: nobody reads
        tell("-console-login", peer="somebody")
        await trio.testing.wait_all_tasks_blocked(0.01)
        assert len(await reader.next()) == 10_000
        assert message(await reader.next())["peer"] == "somebody"


async def test_a_switchover_goes_on_when_the_subscriber_who_asked_has_gone(
    port: int, recorder: Recorder, told: list[Told]
) -> None:
    recorder.pause()
    stream = await connect(port)
    await stream.send_all(HELLO_3 + b"SUBSCRIBE events\r\nSWITCHOVER\r\n")
    await recorder.begun.wait()
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    await stream.aclose()
    while not closed(told):
        tell("-console-login", peer="somebody")  # which cannot be sent
        await trio.lowlevel.checkpoint()
    recorder.go_on.set()
    with trio.fail_after(5):
        await recorder.ended.wait()


async def test_one_that_goes_is_not_listened_for(port: int, listeners: int) -> None:
    stream = await connect(port)
    await answered(stream, b"SUBSCRIBE events\r\n", SUBSCRIBED[2])
    await stream.aclose()
    await until(lambda: len(_teller.listeners) == listeners, "its end is noticed")


async def test_one_that_does_not_read_is_given_up_with_a_word_and_holds_up_nobody(
    port: int, told: list[Told], listeners: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "TAKE_TIMEOUT_S", 0.2)
    async with await connect(port) as deaf, await connect(port) as reads:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        await answered(deaf, b"SUBSCRIBE events\r\n", SUBSCRIBED[2])
        await answered(reads, b"SUBSCRIBE events\r\n", SUBSCRIBED[2])
        reader, heard = Reader(reads), 0
        while not closed(told):
            for _ in range(100):
                tell("-console-login", peer="x" * 1000)
            for _ in range(100):
                await reader.next()
                heard += 1
            assert len(_teller.listeners) >= listeners
        assert heard > feed.EVENTS_MAX / 10
        [event] = closed(told)
        assert "does not read" in event["why"]
        assert message(await reader.next())["event"] == "-console-closed"
        await until(lambda: len(_teller.listeners) == listeners + 1, "the other is listened for still")


def closed(told: list[Told]) -> list[Told]:
    return [event for event in told if event["event"] == "-console-closed"]


async def test_more_than_may_wait_is_not_kept(port: int, told: list[Told], listeners: int) -> None:
    """In one go, so that nothing of it can be sent meanwhile."""
    async with await connect(port) as stream:
        await answered(stream, b"SUBSCRIBE events\r\n", SUBSCRIBED[2])
        for _ in range(feed.EVENTS_MAX):
            tell("-console-login", peer="x")
        assert len(_teller.listeners) == listeners + 1
        tell("-console-login", peer="one too many")
        assert len(_teller.listeners) == listeners
        with trio.fail_after(5):
            assert b"one too many" not in await whole(stream)
    assert len(closed(told)) == 1


def by_redis_py(port: int, protocol: int) -> list[Any]:
    with (
        redis.Redis(port=port, protocol=protocol, decode_responses=True) as client,
        client.pubsub() as pubsub,
    ):
        pubsub.subscribe("events")
        got = [pubsub.get_message(timeout=LIMIT_SECONDS)]
        with redis.Redis(port=port) as other:
            other.execute_command("RELEASE")
        got.append(pubsub.get_message(timeout=LIMIT_SECONDS))
        assert "+steered" in pubsub.get_message(timeout=LIMIT_SECONDS)["data"]
        pubsub.ping("are you there")
        got.append(pubsub.get_message(timeout=LIMIT_SECONDS))
        pubsub.unsubscribe()
        got.append(pubsub.get_message(timeout=LIMIT_SECONDS))
        return got


@pytest.mark.parametrize("protocol", [2, 3])
async def test_redis_py_subscribes(port: int, protocol: int) -> None:
    subscribed, event, pong, unsubscribed = await trio.to_thread.run_sync(
        partial(by_redis_py, port, protocol)
    )
    assert (subscribed["type"], subscribed["channel"], subscribed["data"]) == ("subscribe", "events", 1)
    assert json.loads(event["data"])["command"] == "RELEASE"
    if protocol == 2:  # redis-py takes the bulk that Redis gives in RESP3 for a message
        assert pong["data"] == "are you there"
    assert (unsubscribed["type"], unsubscribed["data"]) == ("unsubscribe", 0)
