"""Who is let in: so many, so many from one place, so many a second; the others are told so, or wait."""

from __future__ import annotations

import time

import pytest

from tests.limits.conftest import Beside, Limited
from tests.limits.events import told_of
from tests.limits.visitors import FULL, PING, Visitors
from tests.servers import RedisServer
from tests.waiting import wait_until


@pytest.mark.parametrize("first", [b"", PING, b"x" * 100_000])
def test_one_client_too_many_gets_the_error_of_redis_and_its_end(
    limited: Limited, beside: Beside, visitors: Visitors, node: RedisServer, first: bytes
) -> None:
    proxy = limited(clients=4)
    beside(proxy)
    stayed = visitors.stay(proxy, 3)
    for _ in range(3):
        refused = visitors.come(proxy, first=first)
        refused.expect(FULL)
        assert refused.socket.recv(1) == b""  # an end in good order, and no reset that may overtake the words
    node.command("CONFIG", "SET", "maxclients", 1 + int(node.info("clients")["connected_clients"]))
    straight = visitors.come(node)  # the last one there; the command's own connection has gone
    wait_until(lambda: visitors.come(node).rest() == FULL, "Redis says the same")
    straight.socket.close()
    stayed.pop().socket.close()
    visitors.wait_let_in(proxy)


def test_refusals_are_told_at_once_and_then_once_a_second(limited: Limited, visitors: Visitors) -> None:
    proxy = limited(clients=1)
    [stayed] = visitors.stay(proxy, 1)
    for _ in range(50):
        assert visitors.come(proxy).rest() == FULL
    assert proxy.admin("INFO", "stats")["rejected_connections"] == 50
    assert proxy.admin("INFO", "clients")["maxclients"] == 1
    wait_until(
        lambda: sum(int(each["clients"]) for each in told_of(proxy, "-client-refused")) == 50,
        "all are told of",
    )
    events = told_of(proxy, "-client-refused")
    assert len(events) < 25 and events[0]["clients"] == "1"
    assert {each["limit"] for each in events} == {"clients"}
    assert stayed.ask("PING") == "PONG"


def test_the_number_is_changed_while_it_runs(limited: Limited, beside: Beside, visitors: Visitors) -> None:
    proxy = limited(clients=2)
    beside(proxy)
    visitors.stay(proxy, 1)
    assert visitors.come(proxy).rest() == FULL
    proxy.admin("CONFIG", "SET", "limits.clients", "4")
    visitors.stay(proxy, 2)
    assert visitors.come(proxy).rest() == FULL


def test_one_address_has_no_more_than_its_share(limited: Limited, beside: Beside, visitors: Visitors) -> None:
    proxy = limited(clients_per_address=3)
    beside(proxy)
    here, there = visitors.stay(proxy, 2), visitors.stay(proxy, 3, "127.0.0.9")
    assert [visitors.come(proxy).rest(), visitors.come(proxy, "127.0.0.9").rest()] == [FULL, FULL]
    visitors.stay(proxy, 3, "127.0.0.8")
    there.pop().socket.close()
    visitors.wait_let_in(proxy, "127.0.0.9")
    assert visitors.come(proxy).rest() == FULL
    assert [talk.ask("PING") for talk in (*here, *there)] == ["PONG"] * 4
    assert {each["limit"] for each in told_of(proxy, "-client-refused")} == {"clients_per_address"}


def test_who_comes_too_fast_waits(limited: Limited, beside: Beside, visitors: Visitors) -> None:
    proxy = limited(connections_per_second=10)
    beside(proxy)  # one of the first second's
    began = time.monotonic()
    talks = [visitors.come(proxy, first=PING) for _ in range(24)]
    assert [talk.socket.recv(99) for talk in talks] == [b"+PONG\r\n"] * 24
    assert time.monotonic() - began > 1.2  # 14 of them had to wait for their tenth of a second each
    assert proxy.admin("INFO", "stats")["rejected_connections"] == 0


def test_a_stampede_goes_in_at_once(limited: Limited, beside: Beside, visitors: Visitors) -> None:
    proxy = limited()
    beside(proxy)
    began = time.monotonic()
    talks = [visitors.come(proxy, first=PING) for _ in range(1500)]
    assert all(talk.socket.recv(99) == b"+PONG\r\n" for talk in talks)
    assert time.monotonic() - began < 8
    for talk in talks:
        talk.socket.close()
    wait_until(lambda: proxy.admin("INFO", "clients")["connected_clients"] == 1, "they have gone")


def test_who_comes_during_a_hold_is_answered_after_it(limited: Limited, visitors: Visitors) -> None:
    proxy = limited(clients=50)
    proxy.admin("HOLD", "10000")
    talks = [visitors.come(proxy, first=PING) for _ in range(20)]
    wait_until(lambda: proxy.admin("INFO", "clients")["connected_clients"] == 20, "they are let in")
    assert all(talk.is_quiet() for talk in talks)
    proxy.admin("RELEASE")
    assert [talk.socket.recv(99) for talk in talks] == [b"+PONG\r\n"] * 20
