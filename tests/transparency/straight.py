"""A conversation straight to one server, command by command, so that it is known what answers what.

Theory. A server does the same however its input is cut, as long as the others are silent meanwhile. So each
command is sent when the one before it is done: answered, blocked, or silently carried out. What came for whom
is written down as :class:`Act`; the proxied side then gets whole batches, in pieces, and must give the same.

A command is done when the server has answered two PINGs of somebody else: when the first is answered, what
was sent before it has been readable for a whole turn of the event loop; when the second is, that turn is
over.

While a client is blocked, what it says waits here, as it would wait in the server, and the others say one
command at a time: whether the blocked one's next commands run before or after theirs is decided by timing.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence

from attrs import define, field, frozen

from tests.servers import RedisServer
from tests.talking import Talk
from tests.transparency.connection import LIMIT_SECONDS, Circle
from tests.transparency.conversations import CLIENTS, Conversation, Raw, Said, Step, name_of, upper
from tests.transparency.frames import Unfinished, frame
from tests.transparency.monitoring import Overhearing

LAST: tuple[Said, ...] = (
    ("EXISTS", "s1"),
    ("CLIENT", "GETNAME"),
    ("RESET",),
    ("ECHO", "end of the conversation"),
)
"""What each client says in the end: where it is, who it is; the rest is answered in every state but while it
is blocked."""
WHOLE_ABOVE = 8192
"""Bytes; a reply that is longer may come in several turns of the server."""


@frozen
class Cause:
    """The command that bytes answer, and what it answers of MULTI's queue."""

    name: str
    queue: tuple[str, ...] = ()


@define
class Act:
    """Something said in one go, and what came of it, for each client: causes and bytes, in order."""

    client: int
    batch: tuple[Said, ...]
    cuts: tuple[int, ...] = ()
    step: int = 0
    came: list[list[tuple[Cause, bytes]]] = field(factory=lambda: [[] for _ in range(CLIENTS)])
    silent: bool = False
    """Its last command was not answered."""
    blocked: int = 0
    """How many clients are blocked now."""
    closed: tuple[bool, ...] = (False,) * CLIENTS


class Straight:
    """One conversation with one server."""

    def __init__(
        self, server: RedisServer, eye: Talk, conversation: Conversation, overhearing: Overhearing
    ) -> None:
        self.eye = eye
        self.conversation = conversation
        self.circle = Circle(server.port, conversation.protocols, conversation.patient, overhearing)
        self.blocked = [False] * CLIENTS
        self.under_way = [Cause("")] * CLIENTS
        self.pending: list[deque[Said]] = [deque() for _ in range(CLIENTS)]
        self.queues: list[list[str]] = [[] for _ in range(CLIENTS)]
        self.acts: list[Act] = []
        # Whether one push or two tell of two changes is decided by how the commands arrive.
        self.one_by_one = any("BCAST" in said for step in conversation.steps for said in words_of(step))

    def perform(self) -> list[Act]:
        """Say it all, and the end."""
        for at, step in enumerate(self.conversation.steps):
            self._take(at, step)
        for client in range(CLIENTS):
            self._take(len(self.conversation.steps), Step(client, LAST))
        return self.acts

    def _take(self, at: int, step: Step) -> None:
        client = step.client
        if self.circle.clients[client].closed:
            return
        if self.blocked[client]:
            self.pending[client].extend(step.batch)
            self._begin(at, step, step.batch)
            return
        single = self.one_by_one or any(self.pending)
        queue = deque(step.batch)
        act = None
        while queue and not self.circle.clients[client].closed:
            if self.blocked[client]:
                self.pending[client].extend(queue)
                if single:
                    self._begin(at, step, tuple(queue))
                return
            said = queue.popleft()
            if single or act is None:
                act = self._begin(at, step, (said,) if single else step.batch)
            self._say(act, client, said)
            self._go_on(act)
            act.blocked = sum(self.blocked)
            act.closed = tuple(each.closed for each in self.circle.clients)

    def _begin(self, at: int, step: Step, batch: Sequence[Said]) -> Act:
        closed = tuple(each.closed for each in self.circle.clients)
        act = Act(step.client, tuple(batch), step.cuts, at, blocked=sum(self.blocked), closed=closed)
        self.acts.append(act)
        return act

    def _say(self, act: Act, client: int, said: Said) -> None:
        """Say one command and wait until it is done."""
        self.under_way[client] = Cause(name_of(said))
        self.circle.clients[client].send(self.circle.rendered(said))
        answered = self._settle(act, client)
        act.silent = not answered
        if not answered or any(self.blocked):
            self._look_for_blocked(act, client)

    def _settle(self, act: Act, client: int) -> bool:
        self._barrier()
        answered = False
        for at, each in enumerate(self.circle.clients):
            each.collect_all()
            while len(each.data) > WHOLE_ABOVE and not ends_whole(bytes(each.data)):
                if not each.collect(LIMIT_SECONDS):
                    raise AssertionError(f"half a reply to {self.under_way[at]}")
            if each.data:
                came = each.taken()
                act.came[at].append((self._cause(at, came), came))
                answered = answered or at == client
        return answered or self.circle.clients[client].closed

    def _cause(self, at: int, came: bytes) -> Cause:
        cause, queue = self.under_way[at], self.queues[at]
        if came == b"+QUEUED\r\n":
            queue.append(cause.name)
        elif cause.name in ("EXEC", "MULTI", "DISCARD", "RESET") and not came.startswith(b"-ERR"):
            cause = Cause(cause.name, tuple(queue))
            queue.clear()
        return cause

    def _barrier(self) -> None:
        for _ in range(2):
            self.eye.ask("PING")

    def _look_for_blocked(self, act: Act, client: int) -> None:
        """See who is blocked; without patience, wait for the end of it."""
        end = time.monotonic() + LIMIT_SECONDS
        while True:
            flags = blocked_flags(self.eye)
            self.blocked = [flags.get(each.number.decode(), False) for each in self.circle.clients]
            if not any(self.blocked):
                break
            if self.conversation.patient and not (self.blocked[client] and self._clears(client)):
                break
            if time.monotonic() > end:
                raise AssertionError(f"blocked for ever, without patience: {self.under_way}")
            time.sleep(0.001)
        if not self.conversation.patient or self._clears(client):
            act.silent = not self._settle(act, client) and act.silent

    def _clears(self, client: int) -> bool:
        """From 7.4 on who clears everything is blocked until another thread has done it."""
        return self.under_way[client].name.startswith("FLUSH")

    def _go_on(self, act: Act) -> None:
        """Who is no longer blocked says what it had to say."""
        while True:
            free = [at for at, pending in enumerate(self.pending) if pending and not self.blocked[at]]
            if not free:
                return
            for at in free:
                if self.circle.clients[at].closed:
                    self.pending[at].clear()
                while self.pending[at] and not self.blocked[at]:
                    self._say(act, at, self.pending[at].popleft())
                    if self.circle.clients[at].closed:
                        self.pending[at].clear()


def blocked_flags(eye: Talk) -> dict[str, bool]:
    """Of each connection of a server, by its id, if it is blocked."""
    found = {}
    for line in eye.ask("CLIENT", "LIST").splitlines():
        said = dict(word.partition("=")[::2] for word in line.split(" "))
        found[said["id"]] = "b" in said["flags"]
    return found


def words_of(step: Step) -> list[tuple[str, ...]]:
    """The commands of a step, as far as they are words, in capitals."""
    return [tuple(map(upper, said)) for said in step.batch if not isinstance(said, Raw)]


def ends_whole(data: bytes) -> bool:
    """No frame is half."""
    at = 0
    try:
        while at < len(data):
            _, at = frame(data, at)
    except Unfinished:
        return False
    return True
