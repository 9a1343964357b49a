"""The hold by hand: what it promises, what it does not, and how it ends."""

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from proxy.operation import holding
from proxy.relay.recall import late, parked
from proxy.switchover.errors import Busy, CalledOff, Refused
from proxy.telling import listen
from tests.operation.scene import Scene
from tests.servers import Pair
from tests.waiting import until

LONG = 60_000


async def sent(scene: Scene, count: int = 1) -> None:
    """Wait until so many clients have said something that waits."""
    await until(lambda: scene.operation.overview().held >= count, "a command waits")


async def test_no_command_reaches_a_node_from_the_answer_on(scene: Scene, pair: Pair) -> None:
    client = await scene.client()
    assert await client.ask("SET", "k", "old") == "OK"
    left = await scene.operation.hold(LONG)
    assert 0 < left <= LONG
    assert scene.gate == ["by hand"]
    before = pair.primary.info("commandstats").get("cmdstat_set")
    await client.send("SET", "k", "new")
    newcomer = await scene.client()
    await newcomer.send("SET", "k2", "new")
    await sent(scene, 2)
    assert not any(each.waiting for each in scene.route.clients)  # it waits in the kernel
    assert pair.primary.info("commandstats").get("cmdstat_set") == before
    assert scene.operation.release() > 0
    assert [await client.reply(), await newcomer.reply()] == ["OK", "OK"]
    assert pair.primary.command("GET", "k") == "new"


async def test_it_ends_by_itself(scene: Scene) -> None:
    client = await scene.client()
    await scene.operation.hold(100)
    await client.send("SET", "k", "v")
    assert await client.reply() == "OK"
    assert scene.gate == []
    with pytest.raises(Refused, match=r"^release: the clients are not held by hand$"):
        scene.operation.release()


async def test_without_a_number_it_lasts_for_the_budget_of_a_switchover(scene: Scene) -> None:
    scene.operation.change_setting("switchover.budget_ms", "777")
    assert 700 < await scene.operation.hold(None) <= 777
    scene.operation.release()


@pytest.mark.parametrize("ms", [0, -1, 600_001])
async def test_what_is_no_length_for_a_hold_is_refused(scene: Scene, ms: int) -> None:
    with pytest.raises(Refused, match=r"^hold: from 1 to 600000 ms"):
        await scene.operation.hold(ms)
    assert scene.gate == []


async def test_it_is_answered_when_what_was_in_flight_is_answered(
    scene: Scene, pair: Pair, nursery: trio.Nursery
) -> None:
    client = await scene.client()
    assert await client.ask("SET", "k", "v") == "OK"
    pair.primary.freeze()
    await client.send("GET", "k")
    await until(lambda: any(each.is_owed for each in scene.route.clients), "it is in flight")
    answers: list[int] = []

    async def hold() -> None:
        answers.append(await scene.operation.hold(LONG))

    nursery.start_soon(hold)
    await until(lambda: scene.gate == ["by hand"], "the gate is closed")
    for _ in range(10):
        await trio.sleep(holding.AGAIN)
    assert not answers
    pair.primary.thaw()
    await until(lambda: answers, "it is answered")
    assert not any(each.is_owed for each in scene.route.clients)
    assert await client.reply() == "v"
    scene.operation.release()


async def test_where_it_is_not_answered_in_time_the_clients_go_on(scene: Scene) -> None:
    client = await scene.client()
    assert await client.ask("SET", "k", "v") == "OK"
    await client.send("DEBUG", "SLEEP", "0.5")
    await until(lambda: any(each.is_owed for each in scene.route.clients), "it is in flight")
    with pytest.raises(CalledOff, match=r"^hold: not within 100 ms.*: a reply is owed"):
        await scene.operation.hold(100)
    assert scene.gate == []
    assert await client.reply() == "OK"
    assert await client.ask("GET", "k") == "v"


async def test_who_is_blocked_stays_blocked_and_gets_what_is_pushed_past_the_proxy(
    scene: Scene, pair: Pair
) -> None:
    client = await scene.client()
    await client.send("BLPOP", "list", 0)
    await until(lambda: pair.primary.info("clients")["blocked_clients"] == 1, "it is blocked")
    with trio.fail_after(5):
        await scene.operation.hold(LONG)
    assert pair.primary.info("clients")["blocked_clients"] == 1
    pair.primary.command("RPUSH", "list", "e")
    assert await client.reply() == ["list", "e"]
    await client.send("SET", "behind", "it")
    await sent(scene)
    assert pair.primary.command("GET", "behind") is None
    scene.operation.release()
    assert await client.reply() == "OK"


async def test_a_command_ahead_of_a_blocked_one_is_awaited(scene: Scene, pair: Pair) -> None:
    client = await scene.client()
    await client.send("DEBUG", "SLEEP", "0.3")
    await client.send("BLPOP", "list", 0)
    await until(lambda: any(each.session.blocked for each in scene.route.clients), "it is on its way")
    began = trio.current_time()
    await scene.operation.hold(LONG)
    assert trio.current_time() - began > 0.1
    await until(lambda: pair.primary.info("clients")["blocked_clients"] == 1, "the second is blocked")
    assert await client.reply() == "OK"
    scene.operation.release()


async def test_an_open_transaction_goes_on_behind_it(scene: Scene) -> None:
    client = await scene.client()
    assert await client.ask("MULTI") == "OK"
    assert await client.ask("SET", "k", "v") == "QUEUED"
    await scene.operation.hold(LONG)
    await client.send("EXEC")
    await sent(scene)
    scene.operation.release()
    assert await client.reply() == ["OK"]


async def test_hold_again_begins_the_time_anew_without_a_gap(scene: Scene) -> None:
    client = await scene.client()
    await scene.operation.hold(200)
    await client.send("SET", "k", "v")
    await sent(scene)
    with trio.move_on_after(0.1):
        await client.reply()
        raise AssertionError("it was let through")
    assert await scene.operation.hold(LONG) > 50_000
    with trio.move_on_after(0.3):  # beyond the end of the first
        await client.reply()
        raise AssertionError("it was let through")
    assert scene.operation.release() > 300
    assert await client.reply() == "OK"


async def test_hold_again_may_end_it_sooner(scene: Scene) -> None:
    await scene.operation.hold(LONG)
    await wait_all_tasks_blocked()
    await scene.operation.hold(50)
    await until(lambda: scene.gate == [], "it is over")


async def test_released_and_held_again_at_once_it_lasts_for_its_own_time(scene: Scene) -> None:
    await scene.operation.hold(100)
    await wait_all_tasks_blocked()
    scene.operation.release()
    await scene.operation.hold(LONG)
    await trio.sleep(0.2)  # beyond the end of the first
    assert scene.gate == ["by hand"]
    assert scene.operation.release() > 190


async def test_a_switchover_and_a_hold_by_hand_exclude_each_other(scene: Scene) -> None:
    await scene.operation.hold(LONG)
    with pytest.raises(Busy, match="the clients are held by hand; RELEASE comes first"):
        await scene.operation.switchover(None, None)
    assert scene.operation.history() == ()
    assert [each.verdict for each in await scene.operation.check(None) if each.verdict == "refuse"] == []
    scene.operation.release()
    assert (await scene.operation.switchover(None, None)).outcome == "done"
    assert scene.gate == []


async def test_who_asks_and_goes_away_before_the_answer_leaves_nobody_held(scene: Scene) -> None:
    client = await scene.client()
    await client.send("DEBUG", "SLEEP", "0.5")
    await until(lambda: any(each.is_owed for each in scene.route.clients), "it is in flight")
    with trio.move_on_after(0.1):
        await scene.operation.hold(LONG)
    assert scene.gate == []
    assert await client.reply() == "OK"


async def test_released_with_no_primary_the_clients_wait_for_one(scene: Scene, pair: Pair) -> None:
    client = await scene.client()
    assert await client.ask("SET", "k", "v") == "OK"
    await scene.operation.hold(LONG)
    pair.primary.command("REPLICAOF", "127.0.0.1", pair.replica.port)
    scene.route.suspect.set()
    await until(lambda: scene.gate == ["by hand", "no primary"], lambda: f"both: {scene.gate}")
    newcomer = await scene.client()
    await newcomer.send("GET", "k")
    await sent(scene)
    scene.operation.release()
    assert scene.gate == ["no primary"]
    await until(lambda: scene.route.gate.queue, "it was read, and waits at the gate")
    pair.replica.command("REPLICAOF", "NO", "ONE")
    scene.route.suspect.set()
    assert await newcomer.reply() == "v"
    assert scene.gate == []


async def test_a_primary_found_during_a_hold_by_hand_opens_nothing(scene: Scene, pair: Pair) -> None:
    pair.primary.command("REPLICAOF", "127.0.0.1", pair.replica.port)
    scene.route.suspect.set()
    await until(lambda: scene.gate == ["no primary"], "there is none")
    await scene.operation.hold(LONG)
    pair.primary.command("REPLICAOF", "NO", "ONE")
    scene.route.suspect.set()
    await until(lambda: scene.gate == ["by hand"], "there is one again")
    client = await scene.client()
    await client.send("GET", "k")
    await sent(scene)
    scene.operation.release()
    assert await client.reply() is None


async def test_a_hold_changes_nothing_of_being_ready_and_alive(scene: Scene) -> None:
    await scene.operation.hold(LONG)
    assert scene.operation.ready
    assert await scene.operation.alive()
    scene.operation.release()


async def test_hold_again_while_something_is_in_flight_answers_nobody_too_early(
    scene: Scene, pair: Pair, nursery: trio.Nursery
) -> None:
    client = await scene.client()
    assert await client.ask("SET", "k", "v") == "OK"
    pair.primary.freeze()
    await client.send("GET", "k")
    await until(lambda: any(each.is_owed for each in scene.route.clients), "it is in flight")
    owed: list[bool] = []

    async def hold(ms: int) -> None:
        await scene.operation.hold(ms)
        owed.append(any(each.is_owed for each in scene.route.clients))

    nursery.start_soon(hold, 100)
    await until(lambda: scene.gate == ["by hand"], "the gate is closed")
    nursery.start_soon(hold, LONG)
    await trio.sleep(0.2)  # beyond the end of the first, which has been put off
    pair.primary.thaw()
    assert await client.reply() == "v"
    await until(lambda: len(owed) == 2, "both are answered")
    assert owed == [False, False]
    scene.operation.release()


async def test_released_while_something_is_in_flight_it_is_called_off_at_once(
    scene: Scene, pair: Pair, nursery: trio.Nursery
) -> None:
    client = await scene.client()
    assert await client.ask("SET", "k", "v") == "OK"
    pair.primary.freeze()
    await client.send("GET", "k")
    await until(lambda: any(each.is_owed for each in scene.route.clients), "it is in flight")
    undone: list[str] = []

    async def hold() -> None:
        with pytest.raises(CalledOff) as caught:
            await scene.operation.hold(LONG)
        undone.append(str(caught.value))

    nursery.start_soon(hold)
    await until(lambda: scene.gate == ["by hand"], "the gate is closed")
    scene.operation.release()
    await until(lambda: undone, "whoever asked for it is told, though nothing is answered yet")
    assert "released before" in undone[0]
    pair.primary.thaw()
    assert await client.reply() == "v"


async def test_it_waits_until_a_switchover_called_off_has_issued_again_what_it_recalled(
    scene: Scene, pair: Pair
) -> None:
    client = await scene.client()
    await client.send("BLPOP", "list", 0)
    await until(lambda: pair.primary.info("clients")["blocked_clients"] == 1, "it is blocked")
    stop = listen(lambda told: pair.primary.freeze() if told["event"] == "+held" else None)
    with pytest.raises(CalledOff):  # it does not learn whether what it recalled has come back
        await scene.operation.switchover(None, 100)
    stop()
    with pytest.raises(Busy, match="is being issued again"):
        await scene.operation.hold(LONG)
    assert scene.gate == []
    pair.primary.thaw()
    await until(lambda: not (late(scene.route) or parked(scene.route)), "it is issued again")
    await until(lambda: pair.primary.info("clients")["blocked_clients"] == 1, "it is blocked again")
    await scene.operation.hold(LONG)
    pair.primary.command("RPUSH", "list", "e")
    assert await client.reply() == ["list", "e"]
    scene.operation.release()
