"""Making a candidate primary, and knowing whether it is.

The rules:

1. REPLICAOF NO ONE is sent once. What became of it is observed by ROLE, never believed from its reply.
2. Silence is not failure. While the connection stands the command may still be waiting in it, unread by a
   process that is stopped, and a ROLE on another connection might be served before it. So the answer is
   awaited where the question was asked, for as long as it takes.
3. When that connection is lost the command may still lie in the node, unread. CLIENT KILL of the old
   connection takes it away, and only then does ROLE tell the truth.
4. A process that is gone, or another one in its place, was not promoted by us: neither remembers what the
   old one was told and did not write down.
5. What is not known is UNKNOWN, and is asked again. PRIMARY and NOT_PRIMARY are final.
"""

import enum

import trio
from attrs import define, field

from proxy.nodes.errors import LinkLost, NodeError, ReplyError
from proxy.nodes.link import Link, Pending, Reply
from proxy.nodes.node import Node


class Outcome(enum.Enum):
    PRIMARY = "it is primary"
    NOT_PRIMARY = "it surely is not primary"
    UNKNOWN = "it is not known yet"


PURPOSE = "promotion"


@define(eq=False)
class Promotion:
    """One attempt to make one node primary, by the rules above."""

    node: Node
    why: str = field(default="nothing was sent yet", init=False)
    """What the last outcome rests on, as a sentence."""
    _run_id: str = field(init=False)
    _link: Link | None = field(default=None, init=False)
    _asked: Pending | None = field(default=None, init=False)
    _final: Outcome | None = field(default=None, init=False)

    @_run_id.default
    def _process_known_so_far(self) -> str:
        return self.node.run_id

    async def prepare(self) -> None:
        """Connect before the hold, so that `ask` need not; a node that restarts after this is not asked.

        The connection is the promotion's own: that of the node is closed whenever somebody's wait runs out.
        """
        self._link = await self.node.open_link(PURPOSE)
        self._run_id = self._link.run_id

    async def ask(self, within: float) -> Outcome:
        """Promote, or go on finding out what became of it, for `within` seconds at most."""
        if self._final is not None:
            return self._final
        with trio.move_on_after(within):
            try:
                if self._asked is None:
                    await self._send()
                return self._final or await self._observe()
            except NodeError as error:
                return self._unknown(str(error))
        if self._asked is None:
            return self._know(False, f"{self.node}: no connection within {within:g} s; nothing was sent")
        return self._unknown(f"{self.node} has not answered within {within:g} s")

    def close(self) -> None:
        """End the connection, once the outcome is known or nobody asks any more."""
        if self._link is not None:
            self._link.close()

    async def _send(self) -> None:
        if self._link is None or not self._link.alive:
            try:
                self._link = await self.node.open_link(PURPOSE)
            except NodeError as error:
                self._know(False, f"{error}; nothing was sent")
                return
        if self._run_id and self._link.run_id != self._run_id:
            self._know(False, f"{self.node} had been restarted before it was asked; nothing was sent")
            return
        self._asked = self._link.post(("REPLICAOF", "NO", "ONE"), ("ROLE",))

    async def _observe(self) -> Outcome:
        assert self._link is not None and self._asked is not None
        try:
            told, said = await self._link.wait(self._asked)
        except LinkLost:
            return await self._observe_anew(self._link)
        if isinstance(said, ReplyError):
            # It ran, but what it did is not told to this connection: let another one find out.
            self._link.close()
            return await self._observe_anew(self._link)
        refusal = f"; to REPLICAOF NO ONE it says: {told.text}" if isinstance(told, ReplyError) else ""
        return self._judge(said, refusal)

    async def _observe_anew(self, lost: Link) -> Outcome:
        try:
            link = await self.node.open_link(PURPOSE)
        except LinkLost as error:
            if lost.closed_by_peer and lost.peer in error.refused_by:
                return self._know(False, f"the candidate process is gone: {error}")
            raise
        with link:
            if link.run_id != lost.run_id:
                return self._know(False, f"the candidate process is gone: {self.node} has been restarted")
            killed, said = await link.calls([("CLIENT", "KILL", "ID", lost.id), ("ROLE",)])
            if isinstance(killed, ReplyError) and not self.node.read_role(said).is_primary:
                raise ReplyError(killed.text, f"{self.node}: CLIENT KILL")
            return self._judge(said, "; the connection on which it was told was lost")

    def _judge(self, said: Reply, note: str) -> Outcome:
        role = self.node.read_role(said)
        return self._know(role.is_primary, f"{self.node} says it is {role}{note}")

    def _know(self, is_primary: bool, why: str) -> Outcome:
        self._final, self.why = Outcome.PRIMARY if is_primary else Outcome.NOT_PRIMARY, why
        return self._final

    def _unknown(self, why: str) -> Outcome:
        self.why = why
        return Outcome.UNKNOWN
