"""Whatever clients send and a node answers, in whatever pieces and order of events: each gets the replies to
its own commands, in their order, and nothing that changes something is executed twice."""

import random
import re
import socket
from collections import Counter
from collections.abc import Container, Iterator
from contextlib import closing
from typing import cast

import pytest
from attrs import define, field

from proxy.relay.proving import Proving
from proxy.relay.reactor import IN
from proxy.wire.counting import count_requests
from proxy.wire.encoding import command
from proxy.wire.requests import RequestCutter, arguments
from tests.relay.bench import received
from tests.relay.crowd import Crowd

HELD, LONG = 400, 150
"""Bytes in the place of the product's own limits, so that a reply of some hundred bytes is a long one."""
ROUNDS = 120
KINDS = ("GET", "GET", "GET", "INCR", "SCAN", "BLPOP", "MULTI")
SIZES = (1, 20, 120, 300, 2000)


def value(key: bytes) -> bytes:
    """The value of a key that is nobody else's: the last number in its name tells its size."""
    size = int(key.rpartition(b".")[2])
    return b"$%d\r\n%s\r\n" % (len(key) + size, key + b"\r" * size)


@define(eq=False)
class Conversation:
    """A crowd, a node that executes what arrives, and what each client must get."""

    crowd: Crowd = field(factory=Crowd)
    expected: list[bytes] = field(factory=lambda: [b""] * 4)
    executed: Counter[bytes] = field(factory=Counter)
    answers: dict[socket.socket, bytes] = field(factory=dict)
    cutters: dict[socket.socket, RequestCutter] = field(factory=dict)
    queued: dict[socket.socket, bytes] = field(factory=dict)
    said: int = 0

    def say(self, who: int, what: list[tuple[str, int]]) -> None:
        data = b""
        for kind, size in what:
            self.said += 1
            key = f"{who}.{self.said}.{size}".encode()
            if kind == "MULTI":
                data += command("MULTI") + command("GET", key) + command("EXEC")
                self.expected[who] += b"+OK\r\n+QUEUED\r\n*1\r\n" + value(key)
            else:
                data += command(kind, "0", key) if kind == "SCAN" else command(kind, key)
                self.expected[who] += value(key) if kind != "SCAN" else b"*2\r\n$1\r\n0\r\n" + value(key)
        self.crowd.says(who, data)

    def ends(self) -> Iterator[tuple[int, socket.socket]]:
        yield from enumerate(node for _, node in self.crowd.links)
        yield from ((-1, node) for _, node in self.crowd.lent)

    def turn(self) -> None:
        """The turn ends, who needs a lane gets it, and the node executes what it has been sent."""
        crowd = self.crowd
        while crowd.route.reactor.due:
            crowd.route.reactor.due.pop().send_due()
        if crowd.wants_connection:
            crowd.connect()
        for number, client in enumerate(crowd.clients):
            if client in crowd.route.wanted and client.lane is None and client.waiting:
                crowd.lend(number)
        crowd.route.wanted.clear()
        for _, node in self.ends():
            cutter = self.cutters.setdefault(node, RequestCutter())
            for name, frame in cutter.feed(received(node).removesuffix(b"<end>")):
                self.answers[node] = self.answers.get(node, b"") + self.execute(node, name, arguments(frame))

    def execute(self, node: socket.socket, name: bytes, words: list[bytes]) -> bytes:
        key = words[-1]
        match name:
            case b"PING":
                return b"$%d\r\n%s\r\n" % (len(key), key)
            case b"MULTI":
                self.queued[node] = b""
                return b"+OK\r\n"
            case b"EXEC":
                return b"*1\r\n" + self.queued.pop(node)
            case b"GET" if node in self.queued:
                self.queued[node] = value(key)
                return b"+QUEUED\r\n"
            case b"SCAN":
                return b"*2\r\n$1\r\n0\r\n" + value(key)
        self.executed[key] += name != b"GET"
        return value(key)

    def answer(self, count: int, size: int) -> None:
        """So many bytes come over one of the connections."""
        owing = [(link, node) for link, node in self.ends() if self.answers.get(node)]
        if owing:
            link, node = owing[count % len(owing)]
            piece, self.answers[node] = self.answers[node][:size], self.answers[node][size:]
            if link >= 0:
                self.crowd.answers(piece, link)
                return
            [lane] = [lane for lane, end in self.crowd.lent if end is node]
            if not lane.closed:
                node.sendall(piece)
                lane.ready(IN)

    def stall(self) -> None:
        """The lane is left, as when the node holds a write for somebody else."""
        if self.crowd.lane.ledger and not self.crowd.lane.closed:
            cast(Proving, self.crowd.lane.receiver).let_through()

    def finish(self) -> None:
        self.turn()
        while any(self.answers.values()):
            self.answer(0, 1 << 20)
            self.turn()


def happen(scene: Conversation, chance: random.Random) -> None:
    """One event."""
    match chance.choice(["say", "say", "say", "turn", "turn", "answer", "answer", "answer", "stall"]):
        case "say":
            what = [(chance.choice(KINDS), chance.choice(SIZES)) for _ in range(chance.randint(1, 3))]
            who = chance.randrange(4)
            if not (scene.crowd.clients[who].closed or scene.crowd.clients[who].leaving):
                scene.say(who, what)
        case "turn":
            scene.turn()
        case "answer":
            scene.answer(chance.randrange(9), chance.choice([1, 7, 40, 200, 3000]))
        case "stall":
            scene.stall()


@pytest.fixture(autouse=True)
def limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.relay.proving.HELD_MAX", HELD)
    monkeypatch.setattr("proxy.wire.replies.LONG", LONG)


def test_each_gets_the_replies_to_its_own_commands_and_writes_are_executed_once() -> None:
    for seed in range(ROUNDS):
        chance, scene = random.Random(seed), Conversation()
        with closing(scene.crowd):
            for _ in range(chance.randint(5, 60)):
                happen(scene, chance)
            scene.finish()
            assert scene.crowd.all_heard() == scene.expected, f"seed {seed}"
            assert scene.crowd.route.lost_lanes == 0, f"seed {seed}"
        assert all(count <= 1 for count in scene.executed.values()), f"seed {seed}: something was done twice"


def test_if_the_commands_of_one_are_miscounted_nobody_gets_the_replies_of_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Once in each round, anywhere in it."""
    closed = 0
    for seed in range(ROUNDS):
        chance, scene, left = random.Random(seed), Conversation(), [0]
        left[0] = chance.randint(1, 8)

        def wrong(
            data: bytes, plain: Container[bytes], left: list[int] = left, off: int = chance.choice([1, -1])
        ) -> int:
            count = count_requests(data, plain)
            left[0] -= count > 0
            return count + off if count > 1 and left[0] == 0 else count

        monkeypatch.setattr("proxy.relay.client.count_requests", wrong)
        with closing(scene.crowd):
            for _ in range(chance.randint(20, 60)):
                happen(scene, chance)
            scene.finish()
            for who, heard in enumerate(scene.crowd.all_heard()):
                assert set(re.findall(rb"\n(\d)\.\d+\.\d+\r", heard)) <= {b"%d" % who}, f"seed {seed}"
            closed += scene.crowd.route.lost_lanes
    assert closed > ROUNDS / 20, "miscounts are found out"
