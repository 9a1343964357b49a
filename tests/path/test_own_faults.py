"""One client's odd wish, or a fault of the proxy's own over it, is that client's own affair."""

from __future__ import annotations

from collections.abc import Callable

from tests.baton import BatonProcess
from tests.path.way import Way
from tests.servers import Pair
from tests.talking import Talk
from tests.valve import ValvedPair, at_gate
from tests.waiting import wait_until

ODD = ("WAIT", "0", "9" * 400)
"""A timeout that is longer than any float."""


def test_a_wait_with_a_huge_number_gets_redis_own_error_and_disturbs_nobody_else(way: Way) -> None:
    odd, other = way.talk(), way.talk()
    assert other.ask("PING") == "PONG"
    said = odd.ask(*ODD)
    assert isinstance(said, Exception)
    assert str(said) == str(way.straight().ask(*ODD))
    assert odd.ask("PING") == other.ask("PING") == "PONG"


def test_an_odd_command_held_at_the_gate_neither_breaks_the_crossing_nor_delays_who_is_behind_it(
    pair: Pair, baton: Callable[..., BatonProcess]
) -> None:
    valved = ValvedPair.of(pair)
    try:
        proxy = baton(*pair)
        odd, other = Talk(proxy.raw()), Talk(proxy.raw())
        assert odd.ask("PING") == other.ask("PING") == "PONG"
        with valved.hold(proxy) as switchover:
            odd.send(*ODD)
            wait_until(lambda: at_gate(proxy) == 1, "the odd one waits")
            other.send("PING")
            wait_until(lambda: at_gate(proxy) == 2, "the other waits behind it")
        assert switchover.result()["outcome"] == "done"
        assert "timeout is not an integer" in str(odd.reply())
        assert other.reply() == "PONG"
    finally:
        valved.valve.close()


def test_a_wait_that_cannot_be_asked_from_outside_is_an_error_and_disturbs_nobody_else(
    pair: Pair, baton: Callable[..., BatonProcess]
) -> None:
    """Whoever may not publish has a WAIT asked over a connection of the proxy's own; the nodes refuse it."""
    for node in pair:
        node.command("ACL", "SETUSER", "steward", "on", ">one", "~*", "&*", "+@all")
        node.command("ACL", "SETUSER", "picker", "on", ">fig", "~*", "resetchannels", "+@all")
    proxy = baton(*pair, "--nodes-user", "steward", environment={"BATON_NODES_PASSWORD": "one"})
    other, talk = Talk(proxy.raw()), Talk(proxy.raw())
    assert other.ask("PING") == "PONG"
    assert talk.ask("AUTH", "picker", "fig") == "OK"
    assert proxy.switchover()["outcome"] == "done"
    for node in pair:
        node.command("ACL", "SETUSER", "steward", "resetpass", ">two")
    said = talk.ask("WAIT", 0, 100)
    if pair.primary.version == "6.2":  # where a PING counts, and that is allowed
        assert isinstance(said, int)
    else:
        assert "WRONGPASS" in str(said)
    assert talk.ask("PING") == other.ask("PING") == "PONG"
