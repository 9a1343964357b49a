"""The same conversation through the proxy: whole batches, in pieces, which must give what came straight."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from attrs import define

from tests.talking import Talk
from tests.transparency.connection import Circle, Connection
from tests.transparency.conversations import CLIENTS, Conversation, Said
from tests.transparency.differences import rules_for
from tests.transparency.frames import Node, frames
from tests.transparency.invalidations import Invalidations
from tests.transparency.sameness import Known, is_monitored
from tests.transparency.straight import Act, Cause
from tests.waiting import wait_until

BARRIER = 3
"""PINGs through the proxy: with the answer to the second all that was said before it is on its way to the
node, with the third it has been carried out."""


class Differed(AssertionError):
    """The two sides are not the same."""


@define(eq=False)
class Proxied:
    """One conversation through the proxy."""

    conversation: Conversation
    circle: Circle
    known: Known
    eye: Talk
    blocked_clients: Callable[[], int]
    """How many clients are blocked on the nodes."""
    switch: Callable[[bool], None] = lambda beside: None
    """Move the primary; or only begin to, where the conversation goes on meanwhile."""

    def perform(self, acts: Sequence[Act]) -> None:
        """Say it all; a Differed at the first thing that is not the same."""
        was_blocked = 0
        due = self.conversation.switch_at
        for act in acts:
            if due is not None and act.step >= due:
                self._switch(self.conversation.beside)
                due = None
            self._say(act)
            self._expect(act)
            if act.silent and not act.blocked:
                for _ in range(BARRIER):
                    self.eye.ask("PING")
            if act.blocked or was_blocked:
                wait_until(
                    lambda act=act: self.blocked_clients() == act.blocked,  # type: ignore[misc]
                    lambda act=act: f"{act.blocked} clients are blocked after {shown(act.batch)}",  # type: ignore[misc]
                )
            was_blocked = act.blocked
        if due is not None:
            self._switch(False)
        self._nothing_more(acts)

    def _switch(self, beside: bool) -> None:
        """From here on what CLIENT TRACKING tells is taken out of what comes."""
        tracked = tracking(self.eye, self.circle.clients)
        for client, (due, may) in zip(self.circle.clients, tracked, strict=True):
            client.told = Invalidations(due and not beside, CLIENTS if beside else may)
        self.switch(beside)

    def _wanted(self, client: Connection, came: Sequence[tuple[Cause, bytes]]) -> list[tuple[Cause, bytes]]:
        """What came straight, as far as it must come here."""
        if client.told is None:
            return list(came)
        return [(cause, client.told.without(data, proxied=False)) for cause, data in came]

    def _say(self, act: Act) -> None:
        client = self.circle.clients[act.client]
        data = b"".join(map(self.circle.rendered, act.batch))
        places = sorted({0, len(data), *(place for place in act.cuts if place < len(data))})
        for start, end in pairwise(places):
            client.send(data[start:end])

    def _expect(self, act: Act) -> None:
        for at, (client, said) in enumerate(zip(self.circle.clients, act.came, strict=True)):
            came = self._wanted(client, said)
            wanted = b"".join(data for _, data in came)
            if client.comes(wanted):
                del client.data[: len(wanted)]
            else:
                self._compare(act, at, client, came)
            if act.closed[at]:
                while not client.closed and client.collect(5.0):
                    pass
                if not client.closed:
                    raise self._differed(act, at, "stays open; straight to the server it is closed")
        self._no_surplus(act)

    def _no_surplus(self, act: Act) -> None:
        for at, client in enumerate(self.circle.clients):
            client.collect_all()
            if client.data:
                raise self._differed(act, at, f"also got {bytes(client.data[:300])!r}")
            if client.told is not None and (fault := client.told.fault(over=False)):
                raise self._differed(act, at, fault)
            if client.closed and not act.closed[at]:
                raise self._differed(act, at, "was closed; straight to the server it is not")

    def _nothing_more(self, acts: Sequence[Act]) -> None:
        for _ in range(BARRIER):
            self.eye.ask("PING")
        if acts:
            self._no_surplus(acts[-1])
        for at, client in enumerate(self.circle.clients):
            if client.told is not None and (fault := client.told.fault(over=True)):
                raise Differed(f"client {at} {fault}")

    def _compare(self, act: Act, at: int, client: Connection, came: Sequence[tuple[Cause, bytes]]) -> None:
        """Frame by frame, as the written list of differences allows."""
        for cause, data in came:
            wanted, half = frames(data)
            as_one = cause.name in ONE_BY_ONE and len(wanted) > 1
            if as_one:
                wanted = [Node(b"*", tuple(wanted))]
            for node in wanted:
                try:
                    got = client.next_frames(len(node.elements)) if as_one else client.next_frame()
                except ValueError as fault:
                    raise self._differed(act, at, f"got no frame for {cause}: {fault}") from fault
                if got is None:
                    what = bytes(client.data[:300])
                    raise self._differed(act, at, f"got {what!r} for {cause}, and no more; straight {node}")
                if not same(cause, node, got, self.known):
                    raise self._differed(act, at, f"for {cause}:\n  straight {node}\n  proxied  {got}")
            if half:  # an EXEC in which the client itself was killed
                if not client.comes(half):
                    raise self._differed(act, at, f"half a reply to {cause}: {half!r}, not {client.data!r}")
                del client.data[: len(half)]

    def _differed(self, act: Act, at: int, what: str) -> Differed:
        return Differed(f"client {at}, after {shown(act.batch)} of client {act.client}: {what}")


ONE_BY_ONE = frozenset(("UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE"))


def tracking(eye: Talk, clients: Sequence[Connection]) -> list[tuple[bool, int]]:
    """Of each client, if a switchover must tell it to forget all, and how often it may.

    It must where it tracks, for itself, in RESP3: that is known from 7.0 on, where CLIENT LIST tells it.
    """
    lines = [
        dict(word.partition("=")[::2] for word in line.split(" "))
        for line in eye.ask("CLIENT", "LIST").splitlines()
    ]
    trackers = [line for line in lines if "t" in line["flags"]]
    found = []
    for client in clients:
        number = client.number.decode()
        own = [line for line in trackers if line["id"] == number and line["redir"] in ("0", "-1")]
        others = [line for line in trackers if line["redir"] == number]
        found.append((any(line.get("resp") == "3" for line in own), len(own) + len(others)))
    return found


def same(cause: Cause, straight: Node, proxied: Node, known: Known) -> bool:
    """Equal, or the same by an entry of the list for this command."""
    if straight == proxied:
        return True
    if straight.kind in (b">", b"-"):
        return False
    if is_monitored(straight):  # it tells of everybody's commands
        cause = Cause("MONITOR")
    if cause.queue and cause.name == "EXEC":
        return (
            straight.kind == proxied.kind
            and len(straight.elements) == len(proxied.elements) == len(cause.queue)
            and all(
                same(Cause(name), one, other, known)
                for name, one, other in zip(cause.queue, straight.elements, proxied.elements, strict=True)
            )
        )
    return any(rule.same(straight, proxied, known) for rule in rules_for(cause.name))


def shown(batch: Sequence[Said]) -> str:
    """A batch as text, not longer than can be read."""
    return " / ".join(str(said) if len(str(said)) < 200 else f"{str(said)[:200]}…" for said in batch)
