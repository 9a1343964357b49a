"""The reactor: one trio task that moves every byte between clients and lanes.

Theory. trio gives each task a turn, and a turn costs tens of microseconds, more than a whole command may
cost. So all data sockets hang in one epoll set of our own, and trio is asked to watch only that set (an epoll
descriptor is itself pollable). When it is readable every ready socket is handled by a plain call. Rules:

1. ``ready`` never blocks and never raises what belongs to one connection only.
2. The set is polled again while it has something, but trio gets its turn after :data:`TURN` seconds at the
   latest.
3. A handler removed while a batch is being handled gets no event any more, though its descriptor's event may
   be in it.
4. What clients send is watched by a set of its own, which hangs in the first one. Masked there, all of them
   are held at once, however many they are: what they send waits in the kernel. (To take the set out and put
   it in again would make the kernel walk all that is in it.)
5. What is to go out together with what others send in the same turn is *due* at the end of the batch.
"""

import select
import time
from typing import Protocol

import trio

from proxy.relay.counts import Counts
from proxy.relay.unseen import Unseen
from proxy.telling import tell

IN = select.EPOLLIN
OUT = select.EPOLLOUT
BATCH = 128
"""Sockets that are handled before anything else is looked at. More would let what is due wait."""
TURN = 0.0005
"""Seconds that the reactor may go on before trio's other tasks get a turn."""

LINGER = 0.00005
"""Seconds for which the set is polled in vain before trio is asked to watch it: about what a node takes to
answer."""
LINGER_FEW = 2
"""Lingering is for the latency of few: a batch of more sockets than this is load, and the processor has
better to do."""
LINGER_TRUST = 8
"""How many times in a row lingering may be of no use before it is left off."""
LINGER_AGAIN = 32
"""After how many more batches it is tried again."""


class Ready(Protocol):
    """What hangs in the reactor."""

    def ready(self, events: int) -> None:
        """Handle what epoll reported. An end or an error shows when receiving."""

    def abandon(self) -> None:
        """Close at once, after a fault of ours."""


class Due(Protocol):
    """Who has gathered something that goes out at the end of a batch."""

    def send_due(self) -> None: ...
    def abandon(self) -> None: ...


class Reactor:
    """The epoll sets and their loop."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._clients = select.epoll()
        self._epoll.register(self._clients.fileno(), IN)
        self._handlers: dict[int, Ready] = {}
        self._trust = 0
        self.counts = Counts()
        self.held = False
        self._holders: set[str] = set()  # why they are held
        self.came = 0
        """Clients that had sent something, or left, when they were released."""
        self._sweeping = False
        self.busy = False
        """A batch is being handled; what is due goes out at its end."""
        self.unseen = Unseen(self)
        self.due: list[Due] = []
        self.crashed = 0
        """Handlers that raised: a fault of ours, logged, and the connection is dropped."""

    def add(self, fd: int, handler: Ready) -> None:
        """Watch a lane's socket for what it receives."""
        self._handlers[fd] = handler
        self._epoll.register(fd, IN)

    def watch(self, fd: int, events: int) -> None:
        """Change what is waited for; 0 still reports errors and hang-ups."""
        self._epoll.modify(fd, events)

    def replace(self, fd: int, handler: Ready) -> None:
        """Another one handles this socket from now on."""
        self._handlers[fd] = handler

    def remove(self, fd: int) -> None:
        """Before the descriptor is closed."""
        if self._handlers.pop(fd, None) is not None:
            self._epoll.unregister(fd)

    def add_client(self, fd: int, handler: Ready) -> None:
        """Watch a client's socket for what it receives."""
        self._handlers[fd] = handler
        self._clients.register(fd, IN)

    def watch_client(self, fd: int, before: int, events: int) -> None:
        """Change what is waited for. That it can be sent to is told during a hold, too."""
        if (before ^ events) & IN:
            self._clients.modify(fd, events & IN)
            if self.unseen.clients:
                self.unseen.ring()  # rung before the client has noted it, looked at after
        if events & ~before & OUT:
            self._epoll.register(fd, OUT)
        elif before & ~events & OUT:
            self._epoll.unregister(fd)

    def remove_client(self, fd: int, events: int) -> None:
        """Before the descriptor is closed."""
        if self._handlers.pop(fd, None) is not None:
            self._clients.unregister(fd)
            self.unseen.forget(fd)
            if events & OUT:
                self._epoll.unregister(fd)

    def hold(self, why: str) -> None:
        """Receive nothing from clients any more, until there is no reason left for it."""
        self._holders.add(why)
        if not self.held:
            self.held = True
            self._epoll.modify(self._clients.fileno(), 0)

    @property
    def held_back(self) -> set[int]:
        """The sockets of clients that have sent something, or left, since they are held."""
        ready = self._clients.poll(0, len(self._handlers) + 1) if self.held else []
        return {fd for fd, _ in ready} | (self.unseen.clients.keys() if self.held else set())

    def held_some(self, count: int) -> list[int]:
        """So many of those at most; others the next time, until all have been told."""
        return [fd for fd, _ in self._clients.poll(0, count)] if self.held else []

    def release(self, why: str) -> None:
        """Receive from clients again, if that was the last reason."""
        self._holders.discard(why)
        if self.held and not self._holders:
            self.held = False
            self.came, self._sweeping = len(self.unseen.clients), True
            self._epoll.modify(self._clients.fileno(), IN)
            self.unseen.ring()

    async def run(self) -> None:
        """Until cancelled."""
        clock = time.perf_counter
        poll = self._epoll.poll
        poll_clients = self._clients.poll
        clients = self._clients.fileno()
        get = self._handlers.get
        while True:
            await trio.lowlevel.wait_readable(self._epoll.fileno())
            stop = clock() + TURN
            few = 0
            self.busy = True
            while batch := poll(0, BATCH) or (self._linger() if 0 < few <= LINGER_FEW else []):
                few = len(batch)
                for fd, events in batch:
                    handler = get(fd)
                    if handler is not None:
                        try:
                            handler.ready(events)
                        except Exception:
                            self.drop(fd, handler)
                    elif fd == clients and not self.held:
                        sent = poll_clients(0, BATCH)
                        few += len(sent) - 1
                        if self._sweeping:
                            self.came += len(sent)
                            self._sweeping = len(sent) == BATCH
                        for each, happened in sent:
                            handler = get(each)
                            if handler is not None:
                                try:
                                    handler.ready(happened)
                                except Exception:
                                    self.drop(each, handler)
                while self.due:
                    self._send(self.due.pop())
                if clock() > stop:
                    break
            self.busy = False

    def close(self) -> None:
        """When nobody will need it any more: a switchover that is carried through does, after ``run`` has
        ended."""
        self.unseen.close()
        self._clients.close()
        self._epoll.close()

    def _linger(self) -> list[tuple[int, int]]:
        """Look for more a little longer, if that has been of use lately."""
        self._trust -= 1
        if self._trust < 0:
            if self._trust > -LINGER_AGAIN:
                return []
            self._trust = 0
        clock = time.perf_counter
        poll = self._epoll.poll
        stop = clock() + LINGER
        while clock() < stop:
            if batch := poll(0, BATCH):
                self._trust = min(self._trust + 2, LINGER_TRUST)
                return batch
        return []

    def _send(self, due: Due) -> None:
        try:
            due.send_due()
        except Exception:
            self.crashed += 1
            tell("-fault", where="sending", handler=type(due).__name__, exc_info=True)
            due.abandon()

    def drop(self, fd: int, handler: Ready) -> None:
        """Its turn has raised: a fault of ours."""
        self.crashed += 1
        tell("-fault", where="a connection's turn", handler=type(handler).__name__, exc_info=True)
        handler.abandon()  # and so out of the sets
