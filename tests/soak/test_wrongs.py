"""Residents and visitors of the soak see what is lost, doubled, broken or wrong, and else nothing."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import partial

import attrs
import pytest

from scripts.baton_soak.book import WRONGS, Book
from scripts.baton_soak.callers import Party, Wronged
from scripts.baton_soak.ground import NODE_SETTINGS
from scripts.baton_soak.keepers import KEEPERS
from scripts.baton_soak.residents import RESIDENTS, Part
from scripts.baton_soak.visits import VISITS, subscribe
from tests.binaries import find_main
from tests.servers import RedisServer
from tests.soak.tamperer import Tamperer, Wrong, answered_with, closed, followed_by, twice

ROUNDS = 8
"""What a resident does over and over it does so often here."""
EVERY = 3
"""So many-th commands go wrong."""


@attrs.define(eq=False)
class ShortParty(Party):
    """Nobody rests, and all is over after so many rounds."""

    _rounds: int = 0

    def rest(self, dice: random.Random, ms: float, until: object) -> bool:
        self._rounds += 1
        return self._rounds <= ROUNDS


def play(part: Part, port: int) -> Book:
    """What is in the book when it has come to its end, or was wronged."""
    book = Book()
    try:
        part(ShortParty(port, book, 1), random.Random(1))
    except Wronged:
        assert book.problems
    return book


def visit(kind: str) -> Part:
    def once(party: Party, dice: random.Random) -> None:
        for _ in range(ROUNDS):
            with party.caller(kind) as caller:
                if kind == "pub/sub":
                    subscribe(party, caller, dice)
                else:
                    VISITS[kind](caller, dice)

    return once


QUICK = {name: part for name, part in {**RESIDENTS, **KEEPERS}.items() if name != "sipping"}
VISITED: dict[str, Part] = {kind: visit(kind) for kind in [*VISITS, "pub/sub"] if kind != "idle a while"}
PARTS = QUICK | VISITED


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One is enough: what is tested here is the soak."""
    binary = next(iter(find_main().values()))
    server = RedisServer.start(binary, tmp_path_factory.mktemp("redis"), *NODE_SETTINGS)
    yield server
    server.end()


@pytest.fixture
def node(server: RedisServer) -> RedisServer:
    server.command("FLUSHALL")
    return server


@pytest.mark.parametrize("name", PARTS)
def test_nothing_is_wrong_with_a_server_of_ones_own(name: str, node: RedisServer) -> None:
    book = play(PARTS[name], node.port)
    assert not book.problems
    assert all(row.clean for row in book.rows.values())
    assert book.sums().operations >= ROUNDS
    assert node.command("DBSIZE") == 0


@pytest.mark.parametrize(
    ("name", "command", "wrong", "what"),
    [
        ("counting 1", b"INCR", twice, "doubled"),
        ("counting 2", b"INCR", answered_with(b":1\r\n"), "lost"),
        ("counting 3", b"INCR", answered_with(b"-ERR broken\r\n"), "errors"),
        ("counting 1", b"INCR", closed, "disconnects"),
        ("counting 1", b"INCR", followed_by(b"+stray\r\n"), "errors"),
        ("scripted", b"EVALSHA", twice, "doubled"),
        ("scripted", b"EVALSHA", answered_with(b"-NOSCRIPT none\r\n"), "errors"),
        ("scanning", b"SCAN", answered_with(b"*2\r\n$1\r\n0\r\n*0\r\n"), "lost"),
        ("hauling", b"SET", answered_with(b"+OK\r\n"), "errors"),
        ("idling", b"WHOAMI", answered_with(b"$5\r\nother\r\n"), "errors"),
        ("queueing", b"RPUSH", twice, "doubled"),
        ("streaming", b"XREADGROUP", answered_with(b"*-1\r\n"), "lost"),
        ("publishing", b"PUBLISH", twice, "doubled"),
        ("publishing in RESP3", b"PUBLISH", closed, "disconnects"),
        ("rivalling", b"WATCH", answered_with(b"+OK\r\n"), "lost"),
        ("tracking", b"SET", answered_with(b"+OK\r\n"), "lost"),
        ("INCR", b"INCR", twice, "doubled"),
        ("WATCH", b"GET", answered_with(b"$-1\r\n"), "lost"),
        ("BLPOP", b"RPUSH", answered_with(b":2\r\n"), "disconnects"),
        ("large values", b"GET", answered_with(b"$1\r\nx\r\n"), "errors"),
        ("streams", b"XADD", partial(twice, lines=2), "lost"),
        ("pub/sub", b"PUBLISH", answered_with(b":0\r\n"), "lost"),
        ("pub/sub", b"PUBLISH", twice, "lost"),
        ("QUIT", b"PING", closed, "disconnects"),
    ],
)
def test_what_goes_wrong_is_seen_for_what_it_is(
    name: str, command: bytes, wrong: Wrong, what: str, node: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scripts.baton_soak.callers.ANSWER_LIMIT_S", 1.5)
    monkeypatch.setattr("scripts.baton_soak.keepers.TOLD_LIMIT_S", 1.5)
    tamperer = Tamperer(node.port, command, EVERY, wrong)
    try:
        book = play(PARTS[name], tamperer.port)
    finally:
        tamperer.close()
    assert sum(getattr(book.sums(), each) for each in WRONGS) == 1, book.told()
    assert getattr(book.sums(), what) == 1, book.problems


def test_who_was_wronged_comes_again_and_is_counted_again(node: RedisServer) -> None:
    book = Book()
    party = Party(node.port, book, 1, calm=0.01)
    tamperer = Tamperer(node.port, b"INCR", 5, closed)
    party.port = tamperer.port
    try:
        party.begin("resident", partial(RESIDENTS["counting 1"]), party.shut)
        while book.sums().disconnects < 2:
            party.over.wait(0.01)
        party.shut.set()
        party.end()
    finally:
        tamperer.close()
    assert book.sums().clients >= 2
