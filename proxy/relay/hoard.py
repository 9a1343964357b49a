"""What is kept for clients: halves of commands, commands that wait, what sessions have set up, replies not
read.

Theory. Of ten thousand clients hardly one keeps anything at a given moment, so they are not all looked at:
who begins to keep something enters here (at the end of ``Client._look``, or where it is not received from,
or replies do not go out any more), and a sweep some times a second weighs those who did, in slices, and
forgets who keeps nothing any more. When all of them together keep too much, the greediest is let go, and the
next, until it fits: Redis does the same with ``maxmemory-clients``. Rules:

1. Weighed is what the proxy really has: the bytes, and what Python takes for each piece beside them.
2. Between two sweeps it may grow beyond the limit, by what the network brings in a tenth of a second.
3. Nobody is let go for memory that is not his: when the *process* has too much, that is asked of those who
   keep something substantial, and no more of them than have what must go. Else, nobody new is let in.
"""

import ctypes
import os
from time import perf_counter as clock
from typing import TYPE_CHECKING

import trio
from attrs import define, field

from proxy.telling import tell

if TYPE_CHECKING:
    from proxy.relay.client import Client
    from proxy.relay.route import Route
    from proxy.session.session import Session

TICK_SECONDS = 0.1
SHARE = 9
"""However many keep something, a tenth of the time at most goes into weighing it."""
SLICE_SECONDS = 0.000_5
"""How long clients are weighed in one go, after which everybody else has a turn."""
COMMAND_BYTES = 160
"""What Python takes for a command that waits beside its own bytes: two objects, a pair, a place."""
PIECE_BYTES = 48
"""The same for a piece of a reply."""
SUBSTANTIAL = 64 * 1024
"""Bytes. Who keeps less is not closed because the process has too much memory."""
AGAIN_SECONDS = 1.0
"""How long it is waited for the process to become smaller before more clients are closed for that."""

LITTLE = 4096
"""Bytes. What a session keeps is weighed beyond this only: nearly all have something, and hardly any more."""

_PAGE = os.sysconf("SC_PAGE_SIZE")


@define(eq=False)
class Hoard:
    """Of one route."""

    route: "Route"
    kept: int = 0
    """Bytes, by the last sweep."""
    full: bool = False
    """The process has more memory than it may have: nobody is let in."""
    _keepers: dict["Client", None] = field(factory=dict)
    _again: float = 0.0
    """When clients may be closed for the memory of the process, by trio's clock."""

    def add(self, client: "Client") -> None:
        """The client may have begun to keep something."""
        self._keepers[client] = None

    def notice(self, client: "Client", came: int) -> None:
        """It has sent something that was looked at, so many bytes: of what it keeps now, or will when that is
        answered."""
        session, lane = client.session, client.own_lane
        listens = lane is not None and lane.mixed
        if (
            came > LITTLE
            or client.waiting
            or client.cutter is not None
            or session.transaction is not None
            or session.tracking is not None
            or listens
        ):
            self._keepers[client] = None

    def forget(self, client: "Client") -> None:
        """It is gone, with all that it kept."""
        self._keepers.pop(client, None)

    async def watch(self) -> None:
        """Until cancelled."""
        while True:
            began = clock()
            found, slept = await self._weigh()
            self._fit(found)
            self._fit_process(found)
            await trio.sleep(max(TICK_SECONDS, SHARE * (clock() - began - slept)))

    async def _weigh(self) -> tuple[list[tuple[int, "Client"]], float]:
        """Who keeps how much; and how many seconds the others had meanwhile."""
        found: list[tuple[int, Client]] = []
        slept, since = 0.0, clock()
        for client in tuple(self._keepers):
            if (size := weight(client)) and not client.closed:
                found.append((size, client))
            elif client.closed or not client.is_owed:  # an answer may be what makes it keep something
                self._keepers.pop(client, None)
            if (now := clock()) - since > SLICE_SECONDS:
                await trio.lowlevel.checkpoint()
                since = clock()
                slept += since - now
        self.kept = sum(size for size, _ in found)
        return found, slept

    def _fit(self, found: list[tuple[int, "Client"]]) -> None:
        """Let the greediest go until all keep no more than they may."""
        most, all_together = self.route.allowance.clients_bytes, self.kept
        if all_together <= most:
            return
        found.sort(key=lambda each: each[0], reverse=True)
        for size, client in found:
            if self.kept <= most:
                break
            if client.closed:
                self.kept -= size
                continue
            why = f"it kept {size} bytes, more than any other, and all clients together {all_together}"
            self._let_go(client, size, "clients_bytes", why)

    def _fit_process(self, found: list[tuple[int, "Client"]]) -> None:
        """Let nobody in while the process has too much memory, and let those go who keep much."""
        most = self.route.allowance.process_bytes
        excess = resident_bytes() - most if most else 0
        if (full := excess > 0) != self.full:
            self.full = full
            if full:
                tell("-memory", bytes=most + excess, limit=most, kept=self.kept)
            else:
                tell("+memory", limit=most)
        if not full or (now := trio.current_time()) < self._again:
            return
        self._again = now + AGAIN_SECONDS
        found.sort(key=lambda each: each[0], reverse=True)
        for size, client in found:
            if excess <= 0 or size < SUBSTANTIAL:
                break
            if not client.closed:
                why = f"it kept {size} bytes, more than any other, and the process has {most + excess}"
                self._let_go(client, size, "process_bytes", why)
                excess -= size
        give_back()

    def _let_go(self, client: "Client", size: int, limit: str, why: str) -> None:
        self.kept -= size
        self.route.let_go(client, limit, why)


def weight(client: "Client") -> int:
    """Bytes that are kept for a client."""
    size = client.unsent_bytes + client.waiting_bytes
    if client.waiting:
        size += COMMAND_BYTES * len(client.waiting)
    if client.unsent:
        size += PIECE_BYTES * len(client.unsent)
    if (lane := client.own_lane) is not None and lane.unsent_bytes > LITTLE:
        size += lane.unsent_bytes  # which the node does not take
    if client.cutter is not None:
        size += client.cutter.held + 1  # it keeps something, be it nothing but a place
    if (transaction := client.session.transaction) is not None:
        size += 1
        if not transaction.overflowed:
            size += transaction.size + COMMAND_BYTES * len(transaction.frames)
    return size + kept_by(client.session)


def kept_by(session: "Session") -> int:
    """Bytes of what it has set up, and of the command by which it is blocked; 0 where that is little."""
    size = sum(map(len, session.settings.values())) if session.settings else 0
    if (subscriptions := session.subscriptions) is not None:
        size += subscriptions.size + COMMAND_BYTES * subscriptions.count
    if session.tracking is not None:
        size += session.tracking.size + COMMAND_BYTES * len(session.tracking.prefixes)
    if session.blocked is not None:
        size += session.blocked.size + PIECE_BYTES * len(session.blocked.words)
    return size if size > LITTLE else 0


def resident_bytes() -> int:
    """What the process has of the machine's memory; see proc(5), /proc/pid/statm."""
    with open("/proc/self/statm", "rb") as told:
        return int(told.read().split()[1]) * _PAGE


def give_back() -> None:
    """Have the C library give back to the kernel what nobody uses, where it knows how to."""
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
        trim(0)
