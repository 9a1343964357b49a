"""The reactor: one trio task that moves every byte between clients and lanes.

Theory. trio gives each task a turn, and a turn costs tens of microseconds, more than a whole command may
cost. So all data sockets hang in one epoll set of our own, and trio is asked to watch only that set (an epoll
descriptor is itself pollable). When it is readable every ready socket is handled by a plain call. Rules:

1. ``ready`` never blocks and never raises what belongs to one connection only.
2. The set is polled again while it has something, but trio gets its turn after :data:`TURN` seconds at the
   latest.
3. A handler removed while a batch is being handled gets no event any more, though its descriptor's event may
   be in it.
"""

import logging
import select
import time
from typing import Protocol

import trio

log = logging.getLogger("baton")

IN = select.EPOLLIN
OUT = select.EPOLLOUT
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


class Reactor:
    """The epoll set and its loop."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._handlers: dict[int, Ready] = {}
        self._trust = 0
        self.crashed = 0
        """Handlers that raised: a fault of ours, logged, and the connection is dropped."""

    def add(self, fd: int, handler: Ready, events: int = IN) -> None:
        self._handlers[fd] = handler
        self._epoll.register(fd, events)

    def watch(self, fd: int, events: int) -> None:
        """Change what is waited for; 0 still reports errors and hang-ups."""
        self._epoll.modify(fd, events)

    def remove(self, fd: int) -> None:
        """Before the descriptor is closed."""
        if self._handlers.pop(fd, None) is not None:
            self._epoll.unregister(fd)

    async def run(self) -> None:
        """Until cancelled."""
        clock = time.perf_counter
        poll = self._epoll.poll
        get = self._handlers.get
        while True:
            await trio.lowlevel.wait_readable(self._epoll.fileno())
            stop = clock() + TURN
            few = 0
            while batch := poll(0) or (self._linger() if 0 < few <= LINGER_FEW else []):
                few = len(batch)
                for fd, events in batch:
                    handler = get(fd)
                    if handler is not None:
                        try:
                            handler.ready(events)
                        except Exception:
                            self._drop(fd, handler)
                if clock() > stop:
                    break

    def close(self) -> None:
        """When nobody will need it any more: a switchover that is carried through does, after ``run`` has
        ended."""
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
            if batch := poll(0):
                self._trust = min(self._trust + 2, LINGER_TRUST)
                return batch
        return []

    def _drop(self, fd: int, handler: Ready) -> None:
        self.crashed += 1
        log.exception("a handler failed; its connection is closed: %r", handler)
        handler.abandon()
        self.remove(fd)
