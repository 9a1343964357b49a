"""A switchover that is called off leaves everybody as they were, on the old primary."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import attrs
import pytest
import redis

from proxy.wire.encoding import command
from tests.baton import BatonProcess
from tests.carried.scene import Scene
from tests.console import ask
from tests.servers import Pair, RedisServer
from tests.talking import Talk
from tests.valve import Valve, ValvedPair
from tests.waiting import wait_until

UNBLOCK, KILL = (b"*4" + command("CLIENT", verb)[len("*2") :] for verb in ("UNBLOCK", "KILL"))
"""How the orders of four words begin."""


@attrs.define(eq=False)
class Cast:
    """One client of each kind, in the middle of something."""

    queue: Talk
    watch: Talk
    pops: list[Talk]
    reader: Talk
    waiter: Talk
    subscribers: list[Talk]
    selected: Talk

    @classmethod
    def begin(cls, scene: Scene) -> Cast:
        queue, watch, first, second, reader, waiter, two, three, selected = (scene.talk() for _ in range(9))
        assert queue.ask_all("MULTI", "INCR count", "SELECT 4") == ["OK", "QUEUED", "QUEUED"]
        assert watch.ask_all("WATCH fruit", "MULTI", "SET fruit fig") == ["OK", "OK", "QUEUED"]
        for count, talk in enumerate((first, second), 1):
            talk.send_all("BLPOP list 0", "ECHO behind")
            scene.wait_blocked(count)
        reader.send("XREAD", "BLOCK", 0, "STREAMS", "stream", "$")
        waiter.send_all("SET seen 1", "WAIT 9 0")
        assert waiter.reply() == "OK"
        scene.wait_blocked(4)
        three.ask("HELLO", 3)
        for talk in (two, three):
            talk.send_all("SUBSCRIBE news", "PSUBSCRIBE n*")
            assert [talk.reply()[0] for _ in range(2)] == ["subscribe", "psubscribe"]
        assert selected.ask_all("SELECT 2", "CLIENT SETNAME worker") == ["OK", "OK"]
        return cls(queue, watch, [first, second], reader, waiter, [two, three], selected)

    def go_on(self, scene: Scene, turns: int) -> None:
        """Everything is as it was; `turns` is how many switchovers were called off."""
        scene.wait_blocked(4)
        assert all(talk.is_quiet() for talk in (*self.pops, self.reader, self.waiter, self.queue, self.watch))
        assert self.queue.ask("EXEC") == [1, "OK"]
        assert self.queue.ask("SET", "here", 4) == "OK"
        assert scene.primary.client(db=4).get("here") == "4"
        assert self.watch.ask("EXEC") in (["OK"], None)
        scene.primary.command("RPUSH", "list", "one", "two")
        assert [talk.replies(2) for talk in self.pops] == [[["list", n], "behind"] for n in ("one", "two")]
        added = scene.primary.command("XADD", "stream", "*", "f", "v")
        assert self.reader.reply()[0] == ["stream", [[added, ["f", "v"]]]]
        scene.primary.command("PUBLISH", "news", "last")
        expected = [str(n) for n in range(turns)] + ["last"]
        for talk in self.subscribers:
            heard = [talk.reply() for _ in range(2 * len(expected))]
            assert [m[-1] for m in heard if m[0] == "message"] == expected
            assert [m[-1] for m in heard if m[0] == "pmessage"] == expected
            assert talk.is_quiet()
        assert self.selected.ask("CLIENT", "GETNAME") == "worker"
        assert self.selected.ask("SET", "here", 2) == "OK"
        assert scene.primary.client(db=2).get("here") == "2"


@pytest.fixture
def way(pair: Pair) -> Iterator[Valve]:
    """To the primary."""
    made = Valve(pair.primary)
    yield made
    made.close()


@pytest.fixture
def behind(pair: Pair, way: Valve, baton: Callable[..., BatonProcess]) -> Scene:
    """The proxy reaches the primary by that way."""
    nodes = (f"--node=127.0.0.1:{way.port}", f"--node={pair.replica.address}")
    announced = f"127.0.0.1:{way.port}={pair.primary.address}"
    pair.primary.command("CONFIG", "SET", "slowlog-log-slower-than", 0)
    return Scene(pair, baton(*nodes, environment={"BATON_NODES_ANNOUNCE": announced}))


def was_told(node: RedisServer, word: str) -> Callable[[], bool]:
    return lambda: word in str(node.command("SLOWLOG", "GET"))


def test_an_order_to_unblock_that_comes_late_hits_nobody_who_blocks_by_then(
    behind: Scene, way: Valve
) -> None:
    """The order goes another way than the commands: it may reach the node when what it was for has been
    answered and the client blocks anew. What the node says then is not for the client."""
    client, other = behind.talk(), behind.talk()
    for talk, count in ((client, 1), (other, 2)):
        talk.send("BLPOP", f"queue:{count}", 0)
        behind.wait_blocked(count)
    let_go = way.catch(UNBLOCK)
    with pytest.raises(redis.ResponseError, match="CALLEDOFF hold: not within the budget"):
        behind.proxy.switchover(budget_ms=100)
    wait_until(lambda: way.caught.count(UNBLOCK) == 2, "the order to have back who is blocked still")
    for element in ("one", "two"):
        behind.primary.command("RPUSH", "queue:1", element)
        assert client.reply() == ["queue:1", element]
        client.send("BLPOP", "queue:1", 0)
    behind.wait_blocked(2)
    let_go.set()
    wait_until(was_told(behind.primary, "UNBLOCK"), "the order to arrive")
    for talk, key in ((client, "queue:1"), (other, "queue:2")):
        behind.primary.command("RPUSH", key, "three")
        assert talk.reply() == [key, "three"]


@attrs.define(eq=False)
class Unsettled:
    """A client that was answered, and an order to unblock it that is on its way; so is the proxy's to take
    that back."""

    scene: Scene
    client: Talk
    order: threading.Event
    settled: threading.Event

    def arrive(self) -> None:
        """The order reaches the node."""
        self.order.set()
        wait_until(was_told(self.scene.primary, "UNBLOCK"), "the order to arrive")


@pytest.fixture
def unsettled(behind: Scene, way: Valve) -> Unsettled:
    client = behind.talk()
    client.send("BLPOP", "queue", 0)
    behind.wait_blocked(1)
    order, settled = way.catch(UNBLOCK), way.catch(KILL)
    with ThreadPoolExecutor(1) as operator:
        undone = operator.submit(behind.proxy.switchover, None, 1000)
        wait_until(lambda: UNBLOCK in way.caught, "the order")
        behind.primary.command("RPUSH", "queue", "one")
        assert client.reply() == ["queue", "one"]
        with pytest.raises(redis.ResponseError, match="CALLEDOFF hold: not within the budget"):
            undone.result()
    wait_until(lambda: KILL in way.caught, "the proxy to have the order taken back")
    return Unsettled(behind, client, order, settled)


def test_an_order_to_unblock_that_nobody_waits_for_any_more_hits_nobody_either(unsettled: Unsettled) -> None:
    scene, client = unsettled.scene, unsettled.client
    client.send("BLPOP", "queue", 0)
    scene.wait_blocked(1)
    unsettled.arrive()
    unsettled.settled.set()
    scene.wait_blocked(1)
    scene.primary.command("RPUSH", "queue", "two")
    assert client.reply() == ["queue", "two"]


def test_who_was_hit_by_a_late_order_gets_elements_though_it_cannot_be_settled(unsettled: Unsettled) -> None:
    scene, client = unsettled.scene, unsettled.client
    client.send("BLPOP", "queue", 0)
    scene.wait_blocked(1)
    unsettled.arrive()
    scene.primary.command("RPUSH", "queue", "two")
    assert client.reply() == ["queue", "two"]


def test_one_that_waits_for_what_is_new_is_issued_once_and_misses_nothing(unsettled: Unsettled) -> None:
    """Issued a second time, it would wait for what is newer than that."""
    scene, client = unsettled.scene, unsettled.client
    client.send("XREAD", "BLOCK", 0, "STREAMS", "stream", "$")
    wait_until(lambda: scene.proxy.admin("INFO", "clients")["blocked_clients"] == 1, "it to be there")
    assert scene.primary.info("clients")["blocked_clients"] == 0
    unsettled.arrive()
    unsettled.settled.set()
    scene.wait_blocked(1)
    added = scene.primary.command("XADD", "stream", "*", "f", "v")
    assert client.reply() == [["stream", [[added, ["f", "v"]]]]]


def test_clients_are_not_held_by_hand_while_an_order_is_unsettled(unsettled: Unsettled) -> None:
    """Behind a closed gate nobody would see to it."""
    scene, client = unsettled.scene, unsettled.client
    assert ask(scene.proxy, "HOLD", "100").startswith("BUSY")
    unsettled.settled.set()
    wait_until(lambda: "BUSY" not in str(ask(scene.proxy, "HOLD", "5000")), "it to be settled")
    client.send("BLPOP", "queue", 0)
    scene.proxy.admin("RELEASE")
    scene.wait_blocked(1)


def test_one_that_waits_for_the_replica_in_vain(
    valved: ValvedPair, baton: Callable[..., BatonProcess]
) -> None:
    proxy = baton(valved.primary, valved.replica)
    scene = Scene(Pair(valved.primary, valved.replica), proxy)
    cast = Cast.begin(scene)
    valved.valve.shut()
    for turn in range(3):
        valved.primary.command("PUBLISH", "news", turn)
        with pytest.raises(redis.ResponseError, match="CALLEDOFF converge"):
            proxy.switchover(budget_ms=100)
    cast.go_on(scene, 3)
    valved.valve.open()
    assert scene.primary is valved.primary


def test_everything_goes_on_when_it_is_done_after_all(scene: Scene) -> None:
    cast = Cast.begin(scene)
    for turn in range(2):
        scene.primary.command("PUBLISH", "news", turn)
        scene.switch()
    cast.go_on(scene, 2)
