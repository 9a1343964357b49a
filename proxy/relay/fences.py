"""The fences of one connection: behind what several clients sent, a PING with a nonce that nobody knows."""

import secrets
from typing import TYPE_CHECKING

from proxy.relay.ledger import Batch

if TYPE_CHECKING:
    from proxy.relay.performer import Performer


class Fences:
    """Each answer is told from all others, and from all that a client can have stored."""

    __slots__ = ("_number", "_unproven", "signature")

    def __init__(self) -> None:
        self.signature = b"$33\r\n%s:" % secrets.token_hex(8).encode()  # what the answers begin with
        self._number = 0
        self._unproven: Performer | None = None  # who has sent without a fence, since the last one

    def behind(self, batch: Batch, alone: bool) -> bytes:
        """What to send behind a batch, and to expect there; nothing where nobody else can be given a reply of
        it. ``alone``: nothing else is owed."""
        first = batch.clients[0]
        if alone and self._unproven in (None, first) and batch.clients.count(first) == len(batch.clients):
            self._unproven = first
            return b""
        self._unproven = None
        self._number += 1
        batch.fence = b"%s%016x\r\n" % (self.signature, self._number)
        return b"*2\r\n$4\r\nPING\r\n" + batch.fence
