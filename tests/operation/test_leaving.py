"""Leaving in good order, on one's own stage: who is idle, who is waited for, and the door."""

import pytest
import trio

from proxy.nodes.address import Address
from proxy.operation import leaving
from proxy.operation.door.door import Door
from proxy.operation.door.listening import entrances_at
from proxy.relay.client import Client
from proxy.switchover.errors import Refused
from proxy.telling import Told
from tests.operation.conftest import Setting
from tests.operation.scene import Scene, Talk
from tests.servers import Pair
from tests.waiting import until


async def drained(scene: Scene) -> int:
    """Let them finish, as the process does; how many were left."""
    scene.operation.drain()
    scene.door.close()
    return await scene.operation.leaving.let_finish()


async def test_idle_clients_are_closed_at_once_some_at_a_time(
    set_scene: Setting, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leaving, "CLOSED_AT_ONCE", 2)
    scene = await set_scene(*pair)
    clients = [await scene.client() for _ in range(5)]
    for client in clients:
        assert await client.ask("PING") == "PONG"
    seen = []

    async def watch() -> None:
        while True:
            seen.append(len(scene.route.clients))
            await trio.sleep(0.001)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch)
        assert await drained(scene) == 0
        nursery.cancel_scope.cancel()
    assert set(seen) <= {5, 3, 1, 0}
    assert {3, 1} <= set(seen)
    for client in clients:
        assert await client.is_closed()


async def multi(client: Talk) -> None:
    assert await client.ask("MULTI") == "OK"
    assert await client.ask("INCR", "n") == "QUEUED"


async def watched(client: Talk) -> None:
    assert await client.ask("WATCH", "n") == "OK"


async def blocked(client: Talk) -> None:
    await client.send("BLPOP", "list", 0)


async def half_said(client: Talk) -> None:
    await client.stream.send_all(b"*2\r\n$4\r\nINCR\r\n$1")


async def in_flight(client: Talk) -> None:
    await client.send("DEBUG", "SLEEP", "0.3")


ENDS = {
    multi: (b"*1\r\n$4\r\nEXEC\r\n", [1]),
    watched: (b"*1\r\n$7\r\nUNWATCH\r\n", "OK"),
    half_said: (b"\r\nn\r\n", 1),
    in_flight: (b"", "OK"),
}
"""What ends it, and the answer to that."""


@pytest.mark.parametrize("begin", ENDS)
async def test_who_has_something_in_flight_finishes_it_and_is_closed_then(
    scene: Scene, begin: object
) -> None:
    client = await scene.client()
    assert await client.ask("PING") == "PONG"
    await begin(client)  # type: ignore[operator]
    rest, answer = ENDS[begin]  # type: ignore[index]
    await until(lambda: not all(map(leaving.is_idle, scene.route.clients)), "it is busy")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(drained, scene)
        await until(lambda: scene.operation.leaving.asked.is_set(), "it leaves")
        for _ in range(5):
            await trio.sleep(leaving.TICK_SECONDS)
        assert len(scene.route.clients) == 1
        await client.stream.send_all(rest)
        assert await client.reply() == answer
        assert await client.is_closed()


async def test_who_is_blocked_is_waited_for(scene: Scene, pair: Pair) -> None:
    client = await scene.client()
    await client.send("BLPOP", "list", 0)
    await until(lambda: pair.primary.info("clients")["blocked_clients"] == 1, "it is blocked")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(drained, scene)
        await until(lambda: scene.operation.leaving.asked.is_set(), "it leaves")
        for _ in range(5):
            await trio.sleep(leaving.TICK_SECONDS)
        pair.primary.command("RPUSH", "list", "e")
        assert await client.reply() == ["list", "e"]
        assert await client.is_closed()


async def test_who_waits_at_the_gate_is_waited_for(scene: Scene) -> None:
    client = await scene.client()
    assert await client.ask("PING") == "PONG"
    await scene.operation.hold(60_000)
    await client.send("INCR", "n")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(drained, scene)
        await until(lambda: scene.operation.leaving.asked.is_set(), "it leaves")
        for _ in range(5):
            await trio.sleep(leaving.TICK_SECONDS)
        scene.operation.release()
        assert await client.reply() == 1
        assert await client.is_closed()


async def test_who_waits_for_a_primary_is_waited_for(scene: Scene, pair: Pair) -> None:
    pair.primary.command("REPLICAOF", "127.0.0.1", pair.replica.port)
    scene.route.suspect.set()
    await until(lambda: scene.route.primary is None, "there is none")
    client = await scene.client()
    await client.send("INCR", "n")
    await until(lambda: scene.route.gate.queue, "it waits at the gate")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(drained, scene)
        await until(lambda: scene.operation.leaving.asked.is_set(), "it leaves")
        for _ in range(5):
            await trio.sleep(leaving.TICK_SECONDS)
        pair.primary.command("REPLICAOF", "NO", "ONE")
        scene.route.suspect.set()
        assert await client.reply() == 1
        assert await client.is_closed()


async def test_who_reads_slowly_gets_all_of_it(scene: Scene, pair: Pair) -> None:
    pair.primary.command("SET", "big", b"x" * (12 << 20))
    client = await scene.client()
    await client.send("GET", "big")
    await until(lambda: any(each.unsent_bytes for each in scene.route.clients), "it does not read")
    await scene.operation.hold(60_000)  # so that its lane owes it nothing any more
    scene.operation.release()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(drained, scene)
        await until(lambda: scene.operation.leaving.asked.is_set(), "it leaves")
        for _ in range(5):
            await trio.sleep(leaving.TICK_SECONDS)
        assert len(await client.reply()) == 12 << 20
        assert await client.is_closed()


async def test_a_subscriber_is_idle(scene: Scene) -> None:
    client = await scene.client()
    assert (await client.ask("SUBSCRIBE", "news"))[2] == 1
    assert await drained(scene) == 0
    assert await client.is_closed()


async def test_at_the_limit_nobody_is_waited_for_any_more(set_scene: Setting, pair: Pair) -> None:
    scene = await set_scene(*pair, drain_ms=200)
    client = await scene.client()
    await client.send("BLPOP", "list", 0)
    await until(lambda: pair.primary.info("clients")["blocked_clients"] == 1, "it is blocked")
    began = trio.current_time()
    assert await drained(scene) == 1
    assert 0.2 <= trio.current_time() - began < 2


async def test_the_limit_may_be_changed_meanwhile(scene: Scene, pair: Pair) -> None:
    client = await scene.client()
    await client.send("BLPOP", "list", 0)
    await until(lambda: pair.primary.info("clients")["blocked_clients"] == 1, "it is blocked")
    with trio.fail_after(3):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(drained, scene)
            await until(lambda: scene.operation.leaving.asked.is_set(), "it leaves")
            scene.operation.change_setting("proxy.drain_ms", "50")


async def test_who_leaves_is_not_ready_but_alive_and_begins_no_switchover(
    scene: Scene, told: list[Told]
) -> None:
    ready = [scene.operation.ready]
    scene.operation.drain()
    scene.operation.drain()
    assert [*ready, scene.operation.ready] == [True, False]
    assert await scene.operation.alive()
    assert scene.operation.overview().draining
    assert len([each for each in told if each["event"] == "+leaving"]) == 1
    with pytest.raises(Refused, match=r"^drain: the proxy is leaving$"):
        await scene.operation.switchover(None, None)


async def test_who_stands_before_the_door_when_it_closes_is_taken_in(scene: Scene) -> None:
    entrances = await entrances_at("--listen", Address("127.0.0.1", 0))
    door = Door(scene.operation.ground, entrances)  # nobody accepts yet
    port = entrances[0].socket.getsockname()[1]
    client = Talk(await trio.open_tcp_stream("127.0.0.1", port))
    await client.send("INCR", "n")
    door.close()
    assert await client.reply() == 1
    with pytest.raises(OSError, match=r"refused|failed"):
        await trio.open_tcp_stream("127.0.0.1", port)
    await client.stream.aclose()


async def test_whoever_asked_for_what_ended_last_is_still_answered(scene: Scene) -> None:
    answered: list[str] = []

    async def ask() -> None:
        report = await scene.operation.switchover(None, None)
        for _ in range(10):  # a face takes some turns to write and send it
            await trio.sleep(0.001)
        answered.append(report.outcome)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask)
        await until(lambda: scene.operation.switching.report is not None, "it has begun")
        assert await drained(scene) == 0
        nursery.cancel_scope.cancel()
    assert answered == ["done"]


async def test_others_have_their_turns_while_many_are_looked_at(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leaving, "SLICE_SECONDS", -1.0)
    clients = [await scene.client() for _ in range(4)]
    for client in clients:
        assert await client.ask("PING") == "PONG"
    looked_at: list[int] = []

    def look_at(client: Client) -> bool:
        looked_at.append(client.number)
        return False

    monkeypatch.setattr(leaving, "is_idle", look_at)
    turns = []

    async def look_on() -> None:
        while True:
            turns.append(len(looked_at))
            await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(look_on)
        nursery.start_soon(drained, scene)
        await until(lambda: len(looked_at) >= 4, "all were looked at")
        nursery.cancel_scope.cancel()
    assert {1, 2, 3} & set(turns)
