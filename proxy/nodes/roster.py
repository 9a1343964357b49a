"""Asking all nodes at once who they are."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import TypeVar

import trio
from attrs import frozen

from proxy.nodes.errors import LinkLost, NodeError, Slow
from proxy.nodes.node import Node
from proxy.switchover.facts import Standing

Answer = TypeVar("Answer")


@frozen
class Survey:
    """What the nodes said of themselves, in the order in which they were given."""

    nodes: tuple[Node, ...]
    standings: Mapping[Node, Standing]
    silent: Mapping[Node, str]
    """Why the others said nothing."""

    @property
    def primaries(self) -> list[Node]:
        return [node for node, standing in self.standings.items() if standing.primary]

    @property
    def replicas(self) -> list[Node]:
        return [node for node, standing in self.standings.items() if not standing.primary]

    @property
    def claims(self) -> list[Standing]:
        """Of the primaries, for `succession.decide`."""
        return [self.standings[node] for node in self.primaries]

    @property
    def witnesses(self) -> list[Standing]:
        """Of the replicas, for `succession.decide`."""
        return [self.standings[node] for node in self.replicas]

    def node(self, standing: Standing) -> Node:
        """Return the node that has this standing."""
        return next(node for node in self.nodes if self.standings.get(node) == standing)

    def lines(self) -> Iterator[str]:
        """Describe each node in one line."""
        for node in self.nodes:
            yield self.silent[node] if node in self.silent else describe(self.standings[node])


def describe(standing: Standing) -> str:
    """Say in one line who a node is and what it has."""
    role = "primary" if standing.primary else f"replica of {standing.follows}"
    link = "" if standing.primary or standing.link_up else ", link down"
    return f"{standing.address}: {role}{link}, offset {standing.offset}, {history_of(standing)}"


def history_of(standing: Standing) -> str:
    """Say which history of writes a node has, and up to where it shares another one."""
    history = f"history {standing.replid[:8]}"
    if standing.second_offset >= 0:
        history += f", up to byte {standing.second_offset - 1} the same as {standing.replid2[:8]}"
    return history


async def survey(nodes: Sequence[Node], within: float) -> Survey:
    """Ask all nodes at once who they are; who has not answered within so many seconds is silent."""
    standings, silent = await ask_all(nodes, Node.standing, within)
    return Survey(tuple(nodes), standings, silent)


async def ask_all(
    nodes: Sequence[Node], ask: Callable[[Node], Awaitable[Answer]], within: float
) -> tuple[dict[Node, Answer], dict[Node, str]]:
    """Ask all nodes at once: the answers, in the order of the nodes, and of the others why there is none."""
    answers: dict[Node, Answer] = {}
    silent: dict[Node, str] = {}

    async def ask_one(node: Node) -> None:
        try:
            with trio.fail_after(within):
                try:
                    answers[node] = await ask(node)
                except Slow:
                    raise
                except LinkLost:  # once: somebody else's wait over the same link may have run out
                    answers[node] = await ask(node)
        except NodeError as error:
            silent[node] = str(error)
        except trio.TooSlowError:
            in_tls = "" if node.security is None else " in TLS"
            silent[node] = f"{node}: no answer{in_tls} within {within:g} s"

    async with trio.open_nursery() as nursery:
        for node in nodes:
            nursery.start_soon(ask_one, node)
    return {node: answers[node] for node in nodes if node in answers}, silent
