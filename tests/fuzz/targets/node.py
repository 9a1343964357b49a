"""A node that answers the proxy's own questions with whatever it likes: each verb ends with what it promises,
or with a NodeError of one line; never with anything else, and never while it waits for room that was claimed.

An input is the verb's number and what the node says, cut in pieces by :data:`CUT`; behind that it hangs up.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from proxy.nodes.address import Address
from proxy.nodes.errors import LinkLost, NodeError
from proxy.nodes.link import Link, Login
from proxy.nodes.node import Node
from tests.fuzz.pipes import Pipe
from tests.fuzz.tape import Tape, pieces
from tests.fuzz.vocabulary import words

PLACE = Address("127.0.0.1", 6379)
VERBS: tuple[Callable[[Node], Awaitable[Any]], ...] = (
    Node.role,
    Node.standing,
    Node.facts,
    Node.sync_full,
    Node.learn_commands,
    Node.client_ids,
    lambda node: node.stream_last_ids(1, [b"a", b"b"]),
    Node.wants_replicas,
    Node.min_replicas_met,
    lambda node: node.pause(1),
    lambda node: node.fence(1),
    lambda node: node.follow("127.0.0.1", 6380),
    lambda node: node.demote("127.0.0.1", 6380),
    Node.rewrite_config,
    lambda node: node.load_scripts([b"return 1"]),
    lambda node: node.unblock([1, 2]),
    Node.open_link,
)
WORDS = words("node")


class Loop:
    """In the place of trio's lock and waits: nobody else is there."""

    def locked(self) -> bool:
        return False

    def acquire_nowait(self) -> None: ...

    def release(self) -> None: ...


class ToldLink(Link):
    """It receives what is there, and does not wait."""

    async def _pump(self) -> None:
        if self._lost is not None:
            raise LinkLost(self._lost)
        self._unsent.clear()
        self._receive()

    @property
    def alive(self) -> bool:
        return self._lost is None

    def _lose(self, why: str, by_peer: bool = False) -> None:
        if self._lost is None:
            self._lost, self.closed_by_peer = f"{self.address}: {why}", by_peer


class ToldNode(Node):
    """A lost link is not opened again."""

    async def link(self) -> Link:
        assert self._link is not None
        if not self._link.alive:
            raise LinkLost(f"{self}: lost")
        return self._link


def throw(data: bytes) -> None:
    tape = Tape(data)
    verb = tape.choose(VERBS)
    pipe = Pipe()
    pipe.coming.extend(pieces(data[tape.place :]))
    pipe.coming.append(b"")
    link = ToldLink(PLACE, ("127.0.0.1", 6379), pipe, turn=Loop())  # type: ignore[arg-type]
    node = ToldNode(PLACE, Login(), "baton:fuzz")
    node.run_id = "a" * 40
    try:
        if verb is Node.open_link:
            _run(_introduced(node, link))
        else:
            node._link = link
            _run(verb(node))
    except NodeError as fault:
        assert str(PLACE) in str(fault), f"{fault} does not name its node"
        assert len(str(fault)) < 70_000
    assert len(repr(node.seen)) < 70_000


async def _introduced(node: Node, link: Link) -> None:
    """As ``Node.open_link``, over a link that is there."""
    await link._introduce([("AUTH", "a"), ("CLIENT", "SETNAME", "a"), ("CLIENT", "ID")], "default")
    node._link = link
    await node.standing()


def _run(verb: Awaitable[Any]) -> None:
    """Nothing in it waits for anybody else."""
    steps = verb.__await__()
    try:
        next(steps)
    except StopIteration:
        return
    raise AssertionError("it waits")
