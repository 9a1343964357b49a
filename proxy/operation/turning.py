"""Whether the reactor turns: asked by who keeps the process alive (/livez, systemd's watchdog).

An eventfd hangs in the reactor's set. Written to, it is handled in the reactor's next turn, idle or not; so
the hot path counts nothing for this. A hold does not keep it from turning.
"""

import os

import trio

from proxy.relay.reactor import Reactor

TURN_SECONDS = 1.0
"""How long a turn may take. One that takes longer is a fault, or a machine that stands still."""


class Pulse:
    """One reactor's."""

    def __init__(self, reactor: Reactor) -> None:
        self._reactor = reactor
        self._fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._beaten = trio.Event()
        reactor.add(self._fd, self)

    async def beats(self) -> bool:
        """Whether the reactor turns once within a second."""
        beaten = self._beaten
        os.eventfd_write(self._fd, 1)
        with trio.move_on_after(TURN_SECONDS):
            await beaten.wait()
        return beaten.is_set()

    def ready(self, events: int) -> None:
        os.eventfd_read(self._fd)
        beaten, self._beaten = self._beaten, trio.Event()
        beaten.set()

    def close(self) -> None:
        """Nobody will ask any more."""
        self._reactor.remove(self._fd)
        os.close(self._fd)

    def abandon(self) -> None:
        """It goes on: only a fault of ours brings us here."""
