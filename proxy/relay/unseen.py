"""What clients have sent that was taken out of the kernel and not received yet, so that epoll is silent.

Behind TLS nobody can look at what has come without taking it out; and with the last bytes of a handshake the
first command may come. Such a client is entered here, and has its turn as if epoll had told of it: not during
a hold, and not while it is not received from.
"""

import os
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from proxy.relay.reactor import Reactor

IN = 1  # EPOLLIN


class Listening(Protocol):
    """A client in the reactor."""

    fd: int
    events: int

    def ready(self, events: int, /) -> None: ...
    def abandon(self) -> None: ...


class Unseen:
    """Of one reactor. An eventfd in its set stands for all of them; where nobody needs it, there is none."""

    def __init__(self, reactor: "Reactor") -> None:
        self._reactor = reactor
        self._bell = -1
        self.clients: dict[int, Listening] = {}

    def add(self, client: Listening) -> None:
        """It has something that epoll does not tell of."""
        self.clients[client.fd] = client
        self.ring()

    def forget(self, fd: int) -> None:
        self.clients.pop(fd, None)

    def ring(self) -> None:
        """Have all looked at in the reactor's next turn. Called when one may be received from again, too."""
        if self.clients and not self._reactor.held:
            if self._bell < 0:
                self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
                self._reactor.add(self._bell, self)
            os.eventfd_write(self._bell, 1)

    def ready(self, _: int) -> None:
        os.eventfd_read(self._bell)
        for fd, client in list(self.clients.items()):
            if self._reactor.held:
                return  # one of them began a hold
            if client.events & IN and self.clients.pop(fd, None) is not None:
                try:
                    client.ready(IN)
                except Exception:
                    self._reactor.drop(fd, client)

    def abandon(self) -> None:
        """Every fault has been somebody's own: nothing is left to give up."""

    def close(self) -> None:
        if self._bell >= 0:
            os.close(self._bell)
            self._bell = -1
