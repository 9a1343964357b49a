"""A client keeps the order of what it says, whichever lanes that goes down."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest

from tests.shared.scene import Shared
from tests.talking import Talk

MOVES = (
    ("SELECT 3", "SET fruit fig", "GET fruit"),
    ("SET fruit a", "SELECT 3", "SET fruit b", "GET fruit", "SELECT 0", "GET fruit"),
    ("RPUSH list a b c", "BLPOP list 0", "LRANGE list 0 -1", "BRPOP list 0", "LLEN list"),
    ("SET fruit a", "WATCH fruit", "SET fruit b", "MULTI", "GET fruit", "EXEC", "GET fruit"),
    ("INCR n", "MULTI", "INCR n", "SELECT 4", "INCR n", "EXEC", "INCR n", "SELECT 0", "INCR n"),
    ("INCR n", "HELLO 3", "HGETALL none", "INCR n", "HELLO 2", "HGETALL none", "INCR n"),
    ("INCR n", "SUBSCRIBE a", "UNSUBSCRIBE a", "INCR n", "RESET", "INCR n", "NOSUCH", "INCR n"),
    ("AUTH picker fig", "ACL WHOAMI", "SET who fig", "RESET", "ACL WHOAMI", "GET who"),
    ("SET k 1", "MOVE k 5", "SELECT 5", "GET k", "FLUSHDB", "SELECT 0", "EXISTS k"),
    ("EVAL return{redis.call('incr','n')} 0", "INCR n", "SCRIPT EXISTS x", "INCR n", "WAIT 0 0", "INCR n"),
)


def same_greeting(words: str) -> bool:
    return not words.startswith("HELLO")  # its id is the proxy's own


def test_what_is_sent_in_one_piece_keeps_its_order_when_the_client_moves(lone: Shared) -> None:
    for commands in MOVES:
        expected = answers(lone, lone.straight(), commands)
        assert answers(lone, lone.talk(), commands) == expected
        talk = lone.talk("PING")  # now it is on the shared lane already
        assert answers(lone, talk, commands) == expected
        assert talk.is_quiet()


def answers(lone: Shared, talk: Talk, commands: tuple[str, ...]) -> list[str]:
    lone.primary.command("FLUSHALL")
    told = talk.ask_all(*commands)
    return [str(reply) for words, reply in zip(commands, told, strict=True) if same_greeting(words)]


STEPS = (
    *("INCR n",) * 8,
    *("GET n", "SELECT 3", "SELECT 0", "WATCH n", "UNWATCH", "CLIENT SETNAME fig", "CLIENT GETNAME"),
    *("MULTI", "MULTI", "EXEC", "EXEC", "DISCARD", "RPUSH l a b", "RPUSH l a b", "BLPOP l 0.01"),
    *("NOSUCH", "INCR", "CLIENT TRACKING off", "EVAL return{redis.call('incr','n')} 0", "WAIT 0 0"),
    *("RESET", "APPEND l x", "LLEN l", "CLIENT SETNAME", "GETSET n 5"),
)


@pytest.mark.parametrize("seed", range(2))
def test_any_mixture_in_any_pieces_is_answered_as_by_the_node(lone: Shared, seed: int) -> None:
    random = Random(seed)
    others = [lone.talk("PING") for _ in range(3)]
    for _ in range(10):
        script = [random.choice(STEPS) for _ in range(40)]
        cuts = [0, *sorted(random.sample(range(1, 40), random.randrange(12))), 40]
        pieces = [script[begin:end] for begin, end in pairwise(cuts)]
        lone.primary.command("FLUSHALL")
        straight = Talk(lone.primary.raw())
        wanted = [str(reply) for piece in pieces for reply in straight.ask_all(*piece)]
        lone.primary.command("FLUSHALL")
        talk = lone.talk()
        got: list[str] = []
        for piece in pieces:
            for other in others:
                other.send("ECHO", "here")
            got += [str(reply) for reply in talk.ask_all(*piece)]
            assert [other.reply() for other in others] == ["here"] * 3
        assert got == wanted, pieces
        talk.socket.close()
