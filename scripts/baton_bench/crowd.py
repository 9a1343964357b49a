"""Many clients in one process: `python -m scripts.baton_bench.crowd HOST:PORT CLIENTS EVERY_MS|idle`.

Plain sockets and epoll, so that 200 clients take little CPU. Each client is a closed loop: one command, its
reply, and the next one EVERY_MS after it sent the last, or at once if the reply took longer; 0 is no think
time at all. Every other command is a SET of 64 bytes, the others are GETs. An idle client says one GET and
then nothing.

It tells JSON objects on its standard output, one a line, and obeys one word on its standard input:

    {"ready": clients}      each client has spoken once
    waits                   {"longest_ms", "median_ms", "answered", "errors"} since it was asked last; of
                            commands still waiting, the time so far counts
    (end of input)          it ends: nobody is left to listen

An epoll wait is told in whole milliseconds: a client's command may start a millisecond late. Its wait counts
from when it was sent.
"""

from __future__ import annotations

import json
import os
import select
import socket
import sys
import time
from heapq import heappop, heappush
from statistics import median

from attrs import Factory, define

from scripts.baton_stage.direct import Address

VALUE = b"x" * 64
STDIN = 0
CONNECT_LIMIT_S = 10


def command(*words: bytes) -> bytes:
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


def tell(**fact: object) -> None:
    sys.stdout.write(json.dumps(fact) + "\n")
    sys.stdout.flush()


@define(eq=False)
class Client:
    connection: socket.socket
    set_value: bytes
    get_value: bytes
    sets: bool = True
    """Whether the next command, or the one under way, is a SET."""
    due_s: float = 0.0
    sent_s: float = 0.0
    waiting: bool = False
    reply: bytes = b""

    def send(self) -> None:
        self.reply = b""
        self.waiting = True
        self.sent_s = time.monotonic()
        # A command is far smaller than a socket's buffer, which is empty: it goes out whole.
        self.connection.send(self.set_value if self.sets else self.get_value)

    def receive(self) -> bool:
        """Whether the reply is whole now. OSError if the server hung up."""
        chunk = self.connection.recv(4096)
        if not chunk:
            raise ConnectionResetError
        self.reply += chunk
        if not self.reply.endswith(b"\r\n"):
            return False
        # Only the header of a value that is not here yet ends like a reply, too.
        if self.reply.startswith(b"$") and self.reply.count(b"\r\n") < 2 and self.reply != b"$-1\r\n":
            return False
        self.waiting = False
        self.sets = not self.sets
        return True


@define
class Crowd:
    clients: dict[int, Client]
    """By file descriptor."""
    every_s: float
    epoll: select.epoll = Factory(select.epoll)
    due: list[tuple[float, int]] = Factory(list)
    """A heap of when to send, and who."""
    waits_s: list[float] = Factory(list)
    errors: int = 0

    def work(self) -> None:
        """Returns when the standard input ends."""
        self.epoll.register(STDIN, select.EPOLLIN)
        start_s = time.monotonic()
        for number, (who, client) in enumerate(self.clients.items()):
            self.epoll.register(who, select.EPOLLIN)
            client.due_s = start_s + number * self.every_s / len(self.clients)
            heappush(self.due, (client.due_s, who))
        while True:
            self.send_what_is_due()
            for who, _ in self.epoll.poll(self.until_due_s()):
                if who != STDIN:
                    self.hear(who)
                elif not self.obey():
                    return

    def send_what_is_due(self) -> None:
        now_s = time.monotonic()
        while self.due and self.due[0][0] <= now_s:
            _, who = heappop(self.due)
            try:
                self.clients[who].send()
            except OSError:
                self.lose(who)

    def until_due_s(self) -> float | None:
        return max(0.0, self.due[0][0] - time.monotonic()) if self.due else None

    def hear(self, who: int) -> None:
        client = self.clients[who]
        try:
            if not client.receive():
                return
        except OSError:
            self.lose(who)
            return
        now_s = time.monotonic()
        self.waits_s.append(now_s - client.sent_s)
        self.errors += client.reply.startswith(b"-")
        if self.every_s:
            # Always at its own place in the round: after a hold, clients would else stay bunched together.
            client.due_s += self.every_s * (1 + max(0.0, now_s - client.due_s) // self.every_s)
        heappush(self.due, (client.due_s, who))

    def lose(self, who: int) -> None:
        """The connection broke: an error, and a client less."""
        self.errors += 1
        self.epoll.unregister(who)
        self.clients.pop(who).connection.close()

    def obey(self) -> bool:
        if not os.read(STDIN, 4096):
            return False
        now_s = time.monotonic()
        so_far_s = [now_s - client.sent_s for client in self.clients.values() if client.waiting]
        tell(
            longest_ms=max(self.waits_s + so_far_s, default=0.0) * 1000,
            median_ms=median(self.waits_s) * 1000 if self.waits_s else None,
            answered=len(self.waits_s),
            errors=self.errors,
        )
        self.waits_s.clear()
        self.errors = 0
        return True


def join(address: Address, number: int) -> Client:
    """A client that has spoken once."""
    connection = socket.create_connection(address, CONNECT_LIMIT_S)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    key = b"crowd:%d" % number
    client = Client(connection, command(b"SET", key, VALUE), command(b"GET", key), sets=False)
    client.send()
    while not client.receive():
        pass
    connection.setblocking(False)
    return client


def main() -> None:
    address, count, pace = sys.argv[1:]
    clients = [join(Address.parse(address), number) for number in range(int(count))]
    tell(ready=len(clients))
    if pace == "idle":
        sys.stdin.read()
    else:
        Crowd({client.connection.fileno(): client for client in clients}, float(pace) / 1000).work()


if __name__ == "__main__":
    main()
