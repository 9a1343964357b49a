"""What Redis can do without a proxy: its own FAILOVER, and the five round trips that none can save."""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence
from typing import Any, Self

import hiredis
from attrs import Factory, define

from proxy.terminal.stage.direct import Address
from proxy.terminal.stage.processes import StageFailed

from .dialogues import command

LIMIT_S = 20.0
BETWEEN_TRIES_S = 0.0005
"""Between two tries to write to a replica that is being promoted: the resolution of FAILOVER's time."""
PAUSE_MS = 1000
FENCE_MS = 30_000


@define
class Conversation:
    """One connection on which commands are sent and replies awaited, with nothing in between."""

    connection: socket.socket
    reader: hiredis.Reader = Factory(hiredis.Reader)

    @classmethod
    def begin(cls, address: Address) -> Self:
        connection = socket.create_connection(address, LIMIT_S)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return cls(connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def send(self, *commands: str) -> None:
        self.connection.sendall(b"".join(command(*one.encode().split()) for one in commands))

    def receive(self) -> Any:
        """The next reply; an error reply is returned, not raised."""
        while (reply := self.reader.gets()) is False:
            chunk = self.connection.recv(65536)
            if not chunk:
                raise StageFailed("a node hung up in the middle of a switchover without a proxy")
            self.reader.feed(chunk)
        return reply

    def ask(self, *commands: str) -> list[Any]:
        """The replies to the commands, sent in one piece. Raises the first error among them."""
        self.send(*commands)
        return expect([self.receive() for _ in commands])


def expect(replies: Sequence[Any]) -> list[Any]:
    for reply in replies:
        if isinstance(reply, hiredis.ReplyError):
            raise StageFailed(f"a switchover without a proxy: {reply}")
        if isinstance(reply, list):
            expect(reply)
    return list(replies)


def fail_over(primary: Address, candidate: Address) -> float:
    """Redis's own FAILOVER: ms from asking the primary to the first write that the candidate takes."""
    with Conversation.begin(primary) as old, Conversation.begin(candidate) as new:
        began_s = time.perf_counter()
        old.ask(f"FAILOVER TO {candidate.host} {candidate.port}")
        while True:
            new.send("SET failover taken")
            reply = new.receive()
            took_s = time.perf_counter() - began_s
            if reply == b"OK":
                return took_s * 1000
            if took_s > LIMIT_S:
                raise StageFailed(f"FAILOVER does not come to an end: {reply}")
            time.sleep(BETWEEN_TRIES_S)


def bare_sequence(primary: Address, candidate: Address) -> float:
    """A switchover's own commands and nothing else, on connections that are open already: ms.

    Five round trips, none of which can be asked before the one before it is answered: pause, converge,
    promote (the fence goes to the other node in the same turn), observe, demote.
    """
    with Conversation.begin(primary) as old, Conversation.begin(candidate) as new:
        old.ask("PING")
        new.ask("PING")
        began_s = time.perf_counter()

        _, (_, offset, _) = old.ask(f"CLIENT PAUSE {PAUSE_MS} WRITE", "ROLE")
        while new.ask("ROLE")[0][4] < offset:  # once, as long as nobody writes
            pass
        old.send(f"CLIENT PAUSE {FENCE_MS} WRITE")
        new.ask("REPLICAOF NO ONE")
        expect([old.receive()])
        ((role, *_),) = new.ask("ROLE")
        old.ask("MULTI", f"REPLICAOF {candidate.host} {candidate.port}", "CLIENT UNPAUSE", "EXEC")

        took_s = time.perf_counter() - began_s
    if role != b"master":
        raise StageFailed("REPLICAOF NO ONE was answered, and the candidate is no primary")
    return took_s * 1000
