"""The list of differences is as long as it must be, and hides nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from attrs import frozen

from tests.transparency.connection import Circle
from tests.transparency.differences import DIFFERS, REFUSED
from tests.transparency.examples import EXAMPLES, Example
from tests.transparency.frames import Node
from tests.transparency.proxied import same
from tests.transparency.sameness import Known, Names
from tests.transparency.straight import Cause
from tests.transparency.twins import Twins
from tests.waiting import wait_until

TIME_TO_DIFFER_SECONDS = 4.0
"""What differs by the clock does so by the second, if not sooner."""


@frozen
class Shown:
    """What two sides said to an example, and who they said it to."""

    name: str
    straight: Node
    other: Node
    known: Known

    def is_same_as(self, other: Node) -> bool:
        return same(Cause(self.name), self.straight, other, self.known)


def told(port: int, example: Example) -> tuple[Node, Names]:
    """The reply to the last command of an example, and the names of who asked."""
    circle = Circle(port, (3 if example.resp3 else 2, 2), False)
    with closing(circle):
        talk = circle.clients[0]
        *before, last = example.commands
        for words in before:
            talk.send(circle.rendered(words))
            talk.next_frame()
        if example.resp3:  # a channel a push
            while talk.collect(0.05):
                pass
            talk.taken()
        talk.send(circle.rendered(last))
        answer = talk.next_frame()
        assert answer is not None
        return answer, circle.names


def show(name: str, twins: Twins) -> Shown | None:
    """Two replies to an example that differ; None if the server does not know the command, or is known to
    answer alike.

    The other side is a node without the proxy, unless the example says that the proxy makes the difference.
    """
    example = EXAMPLES[name]
    twins.prepare()
    straight, names = told(twins.server.port, example)
    if straight.kind == b"-" or (example.alike_on_6_2 and twins.server.version == "6.2"):
        return None
    there = twins.proxy.port if example.proxied else twins.primary.port
    got: list[tuple[Node, Names]] = []

    def differs() -> bool:
        twins.prepare()
        got.append(told(there, example))
        return got[-1][0] != straight

    wait_until(differs, f"{name} differs", TIME_TO_DIFFER_SECONDS)
    return Shown(name, straight, got[-1][0], Known(names, got[-1][1]))


def wrong_ones(node: Node) -> Iterator[Node]:
    """Replies of another shape: an error, nothing, another type, fewer elements, other elements."""
    yield Node(b"-", b"ERR no")
    yield Node(b"$", None)
    yield Node(b"_", b"")
    yield Node(b"+", b"7") if node.kind != b"+" else Node(b":", b"7")
    if node.elements:
        yield Node(node.kind, node.elements[1:])
        yield Node(node.kind, (*node.elements[:-1], Node(b"+", b"777777777777")))


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_entry_is_needed_and_allows_no_other_shape(twins: Twins, name: str) -> None:
    shown = show(name, twins)
    if shown is None:
        assert twins.server.version == "6.2", f"{name} is answered with an error"
        return
    assert shown.is_same_as(shown.other)
    for wrong in wrong_ones(shown.other):
        assert not shown.is_same_as(wrong), wrong


def test_each_command_of_the_list_has_an_example() -> None:
    listed = {name for each in DIFFERS for name in each.commands}
    assert listed == set(EXAMPLES)


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_left_out_for_the_proxys_sake_is_refused_by_it(twins: Twins, name: str) -> None:
    answer, _ = told(twins.proxy.port, Example((tuple(name.split()),)))
    assert answer.kind == b"-" and b"Baton" in answer.text
