"""The reactor receives nothing from clients while it holds them, and moves everything else."""

import socket
from collections.abc import AsyncIterator

import pytest
import trio
from attrs import define, field
from trio.testing import wait_all_tasks_blocked

from proxy.relay.reactor import BATCH, IN, OUT, Reactor
from proxy.transport.plain import Plain
from tests.relay.bench import ends, received


@define(eq=False)
class Ear:
    """Somebody in the reactor, who notes what comes."""

    reactor: Reactor
    is_client: bool = True
    heard: bytes = b""
    told: list[int] = field(factory=list)
    events: int = IN
    fails: bool = False
    ours: Plain = field(init=False)
    theirs: socket.socket = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.ours, self.theirs = ends()
        if self.is_client:
            self.reactor.add_client(self.ours.fileno(), self)
        else:
            self.reactor.add(self.ours.fileno(), self)

    def ready(self, events: int) -> None:
        self.told.append(events)
        assert not self.fails
        if events & IN:
            self.heard += received(self.ours)
            if self.heard.endswith(b"<end>"):
                self.abandon()
                return
        if events & OUT:
            self.watch(self.events & ~OUT)

    def watch(self, events: int) -> None:
        self.reactor.watch_client(self.ours.fileno(), self.events, events)
        self.events = events

    def abandon(self) -> None:
        if self.ours.fileno() >= 0:
            if self.is_client:
                self.reactor.remove_client(self.ours.fileno(), self.events)
            else:
                self.reactor.remove(self.ours.fileno())
            self.ours.close()
        self.theirs.close()


@define(eq=False)
class Sender:
    """Somebody who has something to send at the end of a turn."""

    reactor: Reactor
    sent: list[bool] = field(factory=list)
    fails: bool = False
    abandoned: bool = False

    def send_due(self) -> None:
        assert not self.fails
        self.sent.append(self.reactor.busy)

    def abandon(self) -> None:
        self.abandoned = True


@define(eq=False)
class Scene:
    reactor: Reactor
    nursery: trio.Nursery
    ears: list[Ear] = field(factory=list)

    def ear(self, is_client: bool = True) -> Ear:
        self.ears.append(Ear(self.reactor, is_client))
        return self.ears[-1]


@pytest.fixture
async def scene(nursery: trio.Nursery) -> AsyncIterator[Scene]:
    made = Scene(Reactor(), nursery)
    nursery.start_soon(made.reactor.run)
    yield made
    for ear in made.ears:
        ear.abandon()


async def test_what_clients_send_while_they_are_held_waits_and_lanes_are_received_from(scene: Scene) -> None:
    client, lane = scene.ear(), scene.ear(is_client=False)
    client.theirs.sendall(b"before")
    await wait_all_tasks_blocked()
    scene.reactor.hold("a reason")
    scene.reactor.hold("a reason")
    client.theirs.sendall(b", during")
    lane.theirs.sendall(b"a reply")
    await wait_all_tasks_blocked()
    assert (client.heard, lane.heard) == (b"before", b"a reply")
    scene.reactor.release("a reason")
    scene.reactor.release("a reason")
    await wait_all_tasks_blocked()
    assert client.heard == b"before, during"
    client.theirs.sendall(b", after")
    await wait_all_tasks_blocked()
    assert client.heard == b"before, during, after"


async def test_who_has_sent_something_or_has_left_since_it_is_held_is_known(scene: Scene) -> None:
    quiet, sends, leaves = scene.ear(), scene.ear(), scene.ear()
    sends.theirs.sendall(b"too early")
    await wait_all_tasks_blocked()
    assert scene.reactor.held_back == set(), "nobody is held"
    scene.reactor.hold("a reason")
    assert scene.reactor.held_back == set()
    sends.theirs.sendall(b"x")
    leaves.theirs.close()
    await wait_all_tasks_blocked()
    assert scene.reactor.held_back == {sends.ours.fileno(), leaves.ours.fileno()}
    scene.reactor.release("a reason")
    await wait_all_tasks_blocked()
    assert scene.reactor.came == 2 and scene.reactor.held_back == set()
    assert (quiet.heard, sends.heard, leaves.heard) == (b"", b"too earlyx", b"<end>")


async def test_who_came_is_counted_once_however_many_and_not_those_that_come_later(scene: Scene) -> None:
    crowd = [scene.ear() for _ in range(BATCH + 20)]
    scene.reactor.hold("a reason")
    for ear in crowd[:-1]:
        ear.theirs.sendall(b"x")
    scene.reactor.release("a reason")
    await wait_all_tasks_blocked()
    assert scene.reactor.came == len(crowd) - 1
    crowd[-1].theirs.sendall(b"x")
    await wait_all_tasks_blocked()
    assert scene.reactor.came == len(crowd) - 1 and all(ear.heard == b"x" for ear in crowd)


async def test_that_a_client_can_be_sent_to_is_told_while_it_is_held(scene: Scene) -> None:
    client = scene.ear()
    scene.reactor.hold("a reason")
    client.watch(IN | OUT)
    client.theirs.sendall(b"x")
    await wait_all_tasks_blocked()
    assert client.told == [OUT] and client.heard == b""
    scene.reactor.release("a reason")
    await wait_all_tasks_blocked()
    assert client.told == [OUT, IN]


async def test_who_comes_or_goes_during_a_hold_is_held_or_gone(scene: Scene) -> None:
    gone, new = scene.ear(), None
    scene.reactor.hold("a reason")
    gone.theirs.sendall(b"x")
    gone.watch(IN | OUT)
    gone.abandon()
    new = scene.ear()
    new.theirs.sendall(b"y")
    await wait_all_tasks_blocked()
    assert new.heard == b"" and scene.reactor.held_back == {new.ours.fileno()}
    scene.reactor.release("a reason")
    await wait_all_tasks_blocked()
    assert (gone.told, new.heard) == ([], b"y")


async def test_who_is_not_listened_to_is_not_after_a_hold_either(scene: Scene) -> None:
    client = scene.ear()
    client.watch(0)
    scene.reactor.hold("a reason")
    client.theirs.sendall(b"x")
    assert scene.reactor.held_back == set()
    scene.reactor.release("a reason")
    await wait_all_tasks_blocked()
    assert client.heard == b""
    client.watch(IN)
    await wait_all_tasks_blocked()
    assert client.heard == b"x"


async def test_who_fails_is_closed_alone(scene: Scene) -> None:
    bad, good, lane = scene.ear(), scene.ear(), scene.ear(is_client=False)
    bad.fails = lane.fails = True
    for ear in (bad, lane, good):
        ear.theirs.sendall(b"x")
    await wait_all_tasks_blocked()
    assert bad.ours.fileno() == lane.ours.fileno() == -1 and scene.reactor.crashed == 2
    assert good.heard == b"x"


async def test_what_is_due_goes_out_at_the_end_of_a_turn_and_who_fails_there_is_closed(
    scene: Scene,
) -> None:
    client = scene.ear()
    due = [Sender(scene.reactor), Sender(scene.reactor, fails=True), Sender(scene.reactor)]
    scene.reactor.due.extend(due)
    client.theirs.sendall(b"x")
    await wait_all_tasks_blocked()
    assert [sender.sent for sender in due] == [[True], [], [True]]
    assert [sender.abandoned for sender in due] == [False, True, False]
    assert scene.reactor.crashed == 1 and not scene.reactor.due and not scene.reactor.busy


async def test_another_handler_may_take_over_a_lanes_socket(scene: Scene) -> None:
    first, second = scene.ear(is_client=False), scene.ear(is_client=False)
    scene.reactor.replace(first.ours.fileno(), second)
    first.ours, second.ours = second.ours, first.ours
    first.theirs.sendall(b"x")
    await wait_all_tasks_blocked()
    assert not first.told and second.heard == b"x"


async def test_held_for_two_reasons_they_wait_until_both_are_gone(scene: Scene) -> None:
    client = scene.ear()
    scene.reactor.hold("one")
    scene.reactor.hold("other")
    client.theirs.sendall(b"x")
    for _ in range(2):
        scene.reactor.release("one")
        await wait_all_tasks_blocked()
        assert client.heard == b""
    scene.reactor.release("other")
    await wait_all_tasks_blocked()
    assert client.heard == b"x"
