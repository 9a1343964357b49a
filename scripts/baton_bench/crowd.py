"""Many clients in one process: `python -m scripts.baton_bench.crowd HOST:PORT CLIENTS EVERY_MS DIALOGUE`.

Plain sockets, epoll and bytes that were made beforehand, so that a command takes little more than its two
system calls: 7 to 9 µs on the machine that this was written on, so one crowd says at most some 110,000 a
second, and fewer where it has to share a CPU. Each client is a closed loop, with at most one request under
way. With a pace, each has its own place in the round of EVERY_MS, and leaves its turn out if it still waits;
0 is no think time at all: the next request goes out as soon as the reply is there.

It tells JSON objects on its standard output, one a line, and obeys words on its standard input:

    {"ready": clients}      each client has spoken once, and is idle
    begin                   they begin
    waits                   {"longest_ms", "median_ms", "p99_ms", "answered", "errors"} since it was asked
                            last; of requests still waiting, the time so far counts
    (end of input)          it ends: nobody is left to listen

An epoll wait is told in whole milliseconds: a client's request may start a millisecond late. Its wait counts
from when it was sent.
"""

from __future__ import annotations

import json
import os
import select
import socket
import sys
import time
from collections.abc import Sequence

from attrs import Factory, define

from proxy.terminal.stage.direct import Address

from .dialogues import DIALOGUES, Exchange

STDIN = 0
CONNECT_LIMIT_S = 30
AT_ONCE = 64
"""Connections made before their first replies are awaited: well below every proxy's backlog."""
TICK_S = 0.001


def tell(**fact: object) -> None:
    sys.stdout.write(json.dumps(fact) + "\n")
    sys.stdout.flush()


@define(eq=False)
class Client:
    connection: socket.socket
    dialogue: Sequence[Exchange]
    place: int = 0
    """In the dialogue."""
    waiting: bool = False
    sent_s: float = 0.0
    arrived: bytes = b""
    """Of a reply that came in pieces."""

    def send(self, now_s: float) -> None:
        self.waiting = True
        self.sent_s = now_s
        # A request is far smaller than a socket's buffer, which is empty: it goes out whole.
        self.connection.send(self.dialogue[self.place].request)

    def receive(self) -> bool | None:
        """Whether the reply is whole now; None if it is an error. OSError if the server hung up."""
        chunk = self.connection.recv(65536)
        expected = self.dialogue[self.place].reply
        if chunk != expected:
            if not chunk:
                raise ConnectionResetError
            self.arrived += chunk
            is_error = self.arrived.startswith(b"-") and self.arrived.endswith(b"\r\n")
            if len(self.arrived) < len(expected) and not is_error:
                return False
            chunk, self.arrived = self.arrived, b""
        self.waiting = False
        self.place = (self.place + 1) % len(self.dialogue)
        return True if chunk == expected else None


@define
class Crowd:
    clients: dict[int, Client]
    """By file descriptor."""
    every_s: float
    epoll: select.epoll = Factory(select.epoll)
    turns: list[list[Client]] = Factory(list)
    """Whose turn it is in each tick of a round; empty without a pace, and before they begin."""
    ticks: int = 0
    next_tick_s: float = 0.0
    waits_s: list[float] = Factory(list)
    errors: int = 0

    def work(self) -> None:
        """Returns when the standard input ends."""
        for who in (STDIN, *self.clients):
            self.epoll.register(who, select.EPOLLIN)
        limit_s = None
        while True:
            ready = self.epoll.poll(limit_s)
            if not self.hear(ready):
                return
            if self.turns:
                self.send_in_turn()
                limit_s = max(0.0, self.next_tick_s - time.monotonic())

    def hear(self, ready: Sequence[tuple[int, int]]) -> bool:
        """False if the standard input has ended."""
        now_s = time.monotonic()
        clients, at_once = self.clients, not self.every_s
        for who, _ in ready:
            if who == STDIN:
                if not self.obey():
                    return False
                continue
            client = clients[who]
            try:
                whole = client.receive()
                if whole is False:
                    continue
                self.waits_s.append(now_s - client.sent_s)
                self.errors += whole is None
                if at_once:
                    client.send(time.monotonic())
            except OSError:
                self.lose(who)
        return True

    def send_in_turn(self) -> None:
        now_s = time.monotonic()
        # Of those who come too late for their turn, nobody catches up on it: the round just goes on.
        self.next_tick_s = max(self.next_tick_s, now_s - self.every_s)
        while self.next_tick_s <= now_s:
            for client in self.turns[self.ticks % len(self.turns)]:
                if not client.waiting:
                    self.say_next(client, now_s)
            self.ticks += 1
            self.next_tick_s += TICK_S

    def say_next(self, client: Client, now_s: float) -> None:
        try:
            client.send(now_s)
        except OSError:
            self.lose(client.connection.fileno())

    def lose(self, who: int) -> None:
        """The connection broke: an error, and a client less."""
        self.errors += 1
        client = self.clients.pop(who)
        for turn in self.turns:
            if client in turn:
                turn.remove(client)
        self.epoll.unregister(who)
        client.connection.close()

    def obey(self) -> bool:
        words = os.read(STDIN, 4096).decode().split()
        for word in words:
            if word == "begin":
                self.begin()
            else:
                self.tell_waits()
        return bool(words)

    def begin(self) -> None:
        everyone = list(self.clients.values())
        if self.every_s:
            ticks = round(self.every_s / TICK_S)
            self.turns = [everyone[number::ticks] for number in range(ticks)]
            self.next_tick_s = time.monotonic()
        else:
            for client in everyone:
                self.say_next(client, time.monotonic())

    def tell_waits(self) -> None:
        now_s = time.monotonic()
        so_far_s = [now_s - client.sent_s for client in self.clients.values() if client.waiting]
        waits_s = sorted(self.waits_s)
        tell(
            longest_ms=max([*waits_s[-1:], *so_far_s], default=0.0) * 1000,
            median_ms=waits_s[len(waits_s) // 2] * 1000 if waits_s else None,
            p99_ms=waits_s[len(waits_s) * 99 // 100] * 1000 if waits_s else None,
            answered=len(waits_s),
            errors=self.errors,
        )
        self.waits_s.clear()
        self.errors = 0


def join(address: Address, dialogues: Sequence[Sequence[Exchange]]) -> list[Client]:
    """Clients that have each spoken once."""
    clients = []
    for dialogue in dialogues:
        connection = socket.create_connection(address, CONNECT_LIMIT_S)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client = Client(connection, dialogue)
        client.send(time.monotonic())
        clients.append(client)
    for client in clients:
        while (whole := client.receive()) is False:
            pass
        if whole is None:
            raise SystemExit(f"{address} does not answer as it must")
        client.connection.setblocking(False)
    return clients


def main() -> None:
    address, count, every_ms, name = sys.argv[1:]
    dialogues = [DIALOGUES[name](b"crowd:%d" % number) for number in range(int(count))]
    clients: list[Client] = []
    while len(clients) < len(dialogues):
        clients += join(Address.parse(address), dialogues[len(clients) : len(clients) + AT_ONCE])
    tell(ready=len(clients))
    Crowd({client.connection.fileno(): client for client in clients}, float(every_ms) / 1000).work()


if __name__ == "__main__":
    main()
