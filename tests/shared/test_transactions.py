"""A transaction that arrives whole goes down the shared lane in one piece."""

from __future__ import annotations

import itertools
import re
from collections import defaultdict

from tests.shared.scene import Shared, alike
from tests.shared.throng import Program, Throng, plain, rounds
from tests.talking import Talk


def whole(name: str) -> Program:
    """Transactions of its own, each in one piece, and what nobody may slip into."""
    for number in itertools.count(1):
        value = f"{name}:{number}"
        yield [
            (("MULTI",), "OK"),
            (("SET", f"own:{name}", value), "QUEUED"),
            (("INCR", "common"), "QUEUED"),
            (("GET", f"own:{name}"), "QUEUED"),
            (("INCR", "common"), "QUEUED"),
            (("EXEC",), lambda told, value=value: told[::2] == ["OK", value] and told[3] == told[1] + 1),
        ]


def test_nobody_slips_into_a_transaction_that_goes_down_the_shared_lane(lone: Shared) -> None:
    throng = Throng(lone)
    for number in range(20):
        throng.add(f"w{number}", rounds(whole(f"w{number}"), 40))
        throng.add(f"p{number}", rounds(plain(f"p{number}"), 60))
    monitor = lone.straight()
    assert monitor.ask("MONITOR") == "OK"
    before = lone.received()
    with throng:
        throng.finish()
    throng.assert_well()
    assert lone.received() - before <= 5
    lone.primary.command("SET", "the", "end")
    names = defaultdict(set)
    inside: dict[str, int] = {}
    turn = 0
    while '"the" "end"' not in (line := monitor.reply()):
        place, words = re.fullmatch(r"\S+ \[\d+ (\S+)\] (.*)", line).groups()  # type: ignore[union-attr]
        if words.lower() == '"multi"':
            turn += 1
            inside[place] = turn
        elif words.lower() == '"exec"':
            inside.pop(place, None)
        elif place in inside and (owner := re.search(r'"own:(\w+)"', words)):
            names[inside[place]].add(owner[1])
    assert turn == 800
    assert {len(found) for found in names.values()} <= {1}


def test_whole_transactions_need_no_lane_of_their_own(lone: Shared) -> None:
    talks = [lone.talk("PING") for _ in range(20)]
    lone.wait_shared(*talks)
    before = lone.received()
    for turn in range(5):
        for number, talk in enumerate(talks):
            talk.send_all("MULTI", f"INCR n:{number}", f"ECHO {turn}", "EXEC", f"GET n:{number}")
        for talk in talks:
            assert talk.replies(5) == ["OK", "QUEUED", "QUEUED", [turn + 1, str(turn)], str(turn + 1)]
            assert lone.lane(talk) == "shared"
    assert lone.received() - before <= 1


def test_a_db_that_is_chosen_in_a_transaction_is_the_choice_of_its_client_alone(lone: Shared) -> None:
    chooser, *others = (lone.talk("PING") for _ in range(10))
    lone.wait_shared(chooser, *others)
    for turn in range(10):
        for number, other in enumerate(others):
            other.send_all(f"SET own:{number} {turn}", f"GET own:{number}")
        chooser.send_all("MULTI", "SELECT 3", f"SET chosen {turn}", "EXEC", "GET chosen")
        for number, other in enumerate(others):
            other.send_all(f"SET own:{number} {turn}", f"GET own:{number}")
        assert chooser.replies(5) == ["OK", "QUEUED", "QUEUED", ["OK", "OK"], str(turn)]
        for other in others:
            assert other.replies(4) == ["OK", str(turn)] * 2
        assert chooser.ask("DBSIZE") == 1
        assert chooser.ask_all("SELECT 0", "GET chosen") == ["OK", None]
    lone.wait_shared(chooser, *others)
    sizes = {db: Talk(lone.primary.raw()).ask_all(f"SELECT {db}", "DBSIZE")[1] for db in (0, 3)}
    assert sizes == {0: len(others), 3: 1}


def test_one_piece_of_multi_select_exec_leaves_nobody_else_in_the_other_db(lone: Shared) -> None:
    chooser, *others = (lone.talk("PING") for _ in range(5))
    assert chooser.ask_all("MULTI", "SELECT 3", "EXEC") == ["OK", "QUEUED", ["OK"]]
    for number, other in enumerate(others):
        assert other.ask("SET", f"own:{number}", "x") == "OK"
    assert chooser.ask("DBSIZE") == 0
    assert lone.of(chooser)["db"] == "3"
    assert lone.primary.command("DBSIZE") == len(others)


ODD = (
    ("MULTI", "EXEC"),
    ("MULTI", "DISCARD"),
    ("MULTI", "SET a 1", "DISCARD", "GET a"),
    ("MULTI", "NOSUCH a", "EXEC", "ECHO x"),
    ("MULTI", "SET a", "GET a", "EXEC", "ECHO x"),
    ("MULTI", "SET s x", "LPUSH s y", "GET s", "EXEC"),
    ("MULTI", "MULTI", "GET a", "EXEC", "EXEC"),
    ("MULTI", "WATCH a", "GET a", "EXEC", "UNWATCH"),
    ("MULTI", "GET a", "EXEC now", "GET a", "EXEC"),
    ("MULTI now", "GET a", "EXEC"),
    ("MULTI", "GET a", "DISCARD now", "GET a", "EXEC", "GET a"),
    ("EXEC", "DISCARD", "EXEC now", "GET a"),
    ("MULTI", "BLPOP none 0", "EXEC"),
    ("MULTI", "AUTH picker fig", "ACL WHOAMI", "EXEC", "ACL WHOAMI", "AUTH default x"),
    ("MULTI", "CLIENT SETNAME x", "CLIENT GETNAME", "EXEC", "CLIENT GETNAME"),
    ("MULTI", "RESET", "EXEC", "GET a"),
    ("MULTI", "GET a", "RESET", "GET a", "EXEC"),
    ("GET a", "MULTI", "GET a", "EXEC", "GET a", "MULTI", "GET a", "EXEC"),
    ("multi", "gEt a", "Exec"),
    ("MULTI", "EVAL return{1,{2,{3}}} 0", "HGETALL none", "EXEC"),
    ("MULTI", "WAIT 0 0", "SCRIPT EXISTS x", "EXEC"),
    ("MULTI", "PING x", "MULTI", "DISCARD", "EXEC"),
)


def test_odd_transactions_are_answered_as_by_the_node_and_disturb_nobody(lone: Shared) -> None:
    others = [lone.talk("PING") for _ in range(5)]
    for commands in ODD:
        for opening in ((), ("PING",), ("HELLO 3",)):
            proxied, straight = lone.talk(*opening), lone.straight()
            straight.ask_all(*opening)
            for number, other in enumerate(others):
                other.send_all(f"SET own:{number} x", f"GET own:{number}")
            proxied.send_all(*commands)
            for number, other in enumerate(others):
                other.send("GET", f"own:{number}")
            told = [str(reply) for reply in proxied.replies(len(commands))]
            assert all(other.replies(3) == ["OK", "x", "x"] for other in others), commands
            lone.primary.command("DEL", "a", "s")
            assert told == [str(reply) for reply in straight.ask_all(*commands)], commands
            lone.primary.command("DEL", "a", "s")
            assert proxied.ask("ECHO", "x") == "x" and proxied.is_quiet(), commands
            proxied.socket.close()
    lone.wait_shared(*others)


def test_who_may_not_begin_or_end_a_transaction_is_told_so_and_disturbs_nobody(lone: Shared) -> None:
    """Redis runs what was meant for a transaction that could not begin, each by itself."""
    for user, denied in (("ann", "-multi"), ("ben", "-exec"), ("cid", "-exec -discard"), ("dan", "-ping")):
        lone.primary.command("ACL", "SETUSER", user, "on", ">fig", "~*", "&*", "+@all", *denied.split())
        mates = [lone.talk(f"AUTH {user} fig", "ECHO x") for _ in range(3)]
        straight, proxied = lone.straight(), lone.talk(f"AUTH {user} fig", "ECHO x")
        straight.ask("AUTH", user, "fig")
        for commands in (
            ("MULTI", "SET a 1", "INCR a", "EXEC", "GET a"),
            ("MULTI", "GET a", "DISCARD", "GET a"),
            ("PING x", "MULTI", "PING y", "EXEC", "GET a"),
            ("EXEC", "GET a", "DISCARD"),
        ):
            for mate in mates:
                mate.send("ECHO", user)
            alike(proxied, straight, *commands)
            assert [mate.ask("ECHO", "x") for mate in mates] == [user] * 3
            assert [mate.reply() for mate in mates] == ["x"] * 3
        for each in (straight, proxied):
            each.send("DISCARD")
        assert str(proxied.reply()) == str(straight.reply())
