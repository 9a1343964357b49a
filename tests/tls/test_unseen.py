"""What was looked at ahead of time is received all the same: when, and only when, its client may be."""

from collections.abc import AsyncIterator, Iterator

import pytest
import trio
import trio.testing
from attrs import define, field

from proxy.relay.reactor import IN, Reactor
from proxy.transport.secure import Secure
from tests.carried.conftest import scene, valved
from tests.carried.scene import Scene
from tests.tls.authority import Papers
from tests.tls.secured import Ends, connected
from tests.valve import ValvedPair
from tests.waiting import until

__all__ = ["scene", "valved"]


@define(eq=False)
class Ear:
    """A client in the reactor, who notes what comes."""

    reactor: Reactor
    transport: Secure
    events: int = IN
    heard: bytes = b""
    turns: int = 0
    fails: bool = False
    abandoned: bool = False
    fd: int = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.fd = self.transport.fileno()
        self.reactor.add_client(self.fd, self)

    def ready(self, _: int) -> None:
        self.turns += 1
        assert not self.fails
        try:
            self.heard += self.transport.receive(65536)
        except BlockingIOError:
            return

    def look(self) -> bytes:
        """As a client is looked at that may have gone."""
        seen = self.transport.peek()
        if self.transport.has_more:
            self.reactor.unseen.add(self)
        return seen

    def listen(self, wanted: bool) -> None:
        events = IN if wanted else 0
        self.reactor.watch_client(self.fd, self.events, events)
        self.events = events

    def abandon(self) -> None:
        self.abandoned = True
        self.reactor.remove_client(self.fd, self.events)


@pytest.fixture
def ends(papers: Papers) -> Iterator[Ends]:
    """Made before trio runs: shaking hands runs trio itself."""
    with connected(papers) as made:
        yield made


@pytest.fixture
async def reactor(nursery: trio.Nursery) -> AsyncIterator[Reactor]:
    made = Reactor()
    nursery.start_soon(made.run)
    yield made
    made.close()


async def looked_at(ear: Ear, ends: Ends) -> None:
    """Something was sent during a hold, and looked at."""
    ear.reactor.hold("test")
    ends.theirs.sendall(b"kept")
    await trio.lowlevel.wait_readable(ear.fd)
    assert ear.look() == b"k"


async def test_it_waits_for_the_end_of_a_hold_and_counts_as_held_back(reactor: Reactor, ends: Ends) -> None:
    ear = Ear(reactor, ends.ours)
    await looked_at(ear, ends)
    assert reactor.held_back == {ear.fd}
    await trio.testing.wait_all_tasks_blocked()
    assert not ear.turns
    reactor.release("test")
    await until(lambda: ear.heard == b"kept", "it is received")
    assert reactor.came == 1
    ends.theirs.sendall(b", and more")
    await until(lambda: ear.heard == b"kept, and more", "epoll tells of the rest")


async def test_it_waits_until_its_client_is_received_from_again(reactor: Reactor, ends: Ends) -> None:
    ear = Ear(reactor, ends.ours)
    await looked_at(ear, ends)
    ear.listen(False)
    reactor.release("test")
    await trio.testing.wait_all_tasks_blocked()
    assert not ear.heard
    ear.listen(True)
    await until(lambda: ear.heard == b"kept", "it is received")


async def test_outside_of_a_hold_it_has_its_turn_at_once(reactor: Reactor, ends: Ends) -> None:
    ear = Ear(reactor, ends.ours)
    ear.listen(False)
    ends.theirs.sendall(b"kept")
    await trio.lowlevel.wait_readable(ear.fd)
    ear.look()
    ear.listen(True)
    await until(lambda: ear.heard == b"kept", "it is received")


async def test_who_has_gone_has_no_turn_any_more(reactor: Reactor, ends: Ends) -> None:
    ear = Ear(reactor, ends.ours)
    await looked_at(ear, ends)
    ear.abandon()
    reactor.release("test")
    await trio.testing.wait_all_tasks_blocked()
    assert not ear.turns and not reactor.unseen.clients


async def test_a_fault_in_its_turn_is_its_own(reactor: Reactor, ends: Ends) -> None:
    ear = Ear(reactor, ends.ours, fails=True)
    await looked_at(ear, ends)
    reactor.release("test")
    await until(lambda: ear.abandoned, "it is dropped")
    assert reactor.crashed == 1


@pytest.mark.usefixtures("tls_on_every_leg")
def test_what_a_blocked_client_sends_during_the_hold_is_answered_after_it(
    valved: ValvedPair, scene: Scene
) -> None:
    """Before its command is issued again it is looked whether the client has gone."""
    talk = scene.talk()
    talk.send_all("BLPOP queue 0")
    scene.wait_blocked(1)
    with valved.hold(scene.proxy) as switchover:
        talk.send_all("ECHO behind")
    assert switchover.result()["outcome"] == "done"
    scene.talk().ask("RPUSH", "queue", "element")
    assert talk.replies(2) == [["queue", "element"], "behind"]
