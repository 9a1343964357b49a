"""CLIENT KILL: who has no lane of its own is closed by the proxy, and counted."""

from collections.abc import Callable

import pytest

from proxy.session.common import Entry
from proxy.session.ids import IDS_FROM, Choice
from proxy.session.session import Session
from proxy.wire.encoding import command
from proxy.wire.requests import arguments
from tests.servers import RedisServer
from tests.session.conversation import Conversation
from tests.session.town import ASKER, CARRIER, GONE, OTHER, SHARER, SILENT, Town, seen

Start = Callable[..., RedisServer]


def moved_in(town: Town, server: RedisServer) -> Conversation:
    """The asker, before a real node."""
    talk = Conversation(server, town.people[ASKER].session)
    town.settle(ASKER, lane=seen(talk), node_id=1)
    return talk


def test_a_client_that_the_node_cannot_close_is_closed_by_the_proxy(redis_server: Start) -> None:
    town = Town()
    talk = moved_in(town, redis_server("user mouse on nopass +ping"))
    silent, sharer = (b"%d" % (IDS_FROM + number) for number in (SILENT, SHARER))
    assert talk.tell("CLIENT", "KILL", "ID", IDS_FROM + GONE) == b":0\r\n"
    assert talk.tell("CLIENT", "KILL", "ID", silent, "TYPE", "pubsub") == b":0\r\n"
    assert town.closed == []
    assert talk.tell("CLIENT", "KILL", "ID", silent) == b":1\r\n"
    assert talk.tell("CLIENT", "KILL", "ID", sharer, "TYPE", "normal", "SKIPME", "yes") == b":1\r\n"
    assert talk.tell("CLIENT", "KILL", "ID", sharer) == b":0\r\n"
    assert town.closed == [SILENT, SHARER]
    town.learn(OTHER, 0)  # the node sees its lane under another address
    assert talk.tell("CLIENT", "KILL", "ID", IDS_FROM + OTHER) == b":1\r\n"
    assert town.closed == [SILENT, SHARER, OTHER]


def test_nobody_is_closed_by_who_may_not_do_that(redis_server: Start) -> None:
    town = Town()
    talk = moved_in(town, redis_server("user mouse on nopass +ping"))
    assert talk.tell("CLIENT", "KILL", "USER", "nobody").startswith(b"-ERR")
    assert talk.tell("CLIENT", "KILL", "TYPE", "x").startswith(b"-ERR")
    talk.tell("AUTH", "mouse", "x")
    for words in (("ID", IDS_FROM + SILENT), ("TYPE", "normal"), ("10.0.0.5:1",), (), ("SKIPME", "no")):
        assert talk.tell("CLIENT", "KILL", *words).startswith((b"-NOPERM", b"-ERR")), words
    assert town.closed == []


def test_by_address_in_the_old_form_and_the_new(redis_server: Start) -> None:
    town = Town()
    talk = moved_in(town, redis_server())
    assert talk.tell("CLIENT", "KILL", "10.0.0.3:1") == b"+OK\r\n"
    assert talk.tell("CLIENT", "KILL", "10.0.0.3:1") == b"-ERR No such client\r\n"
    assert talk.tell("CLIENT", "KILL", "ADDR", "10.0.0.5:1") == b":1\r\n"
    assert talk.tell("CLIENT", "KILL", "ADDR", "10.0.0.5:1") == b":0\r\n"
    assert town.closed == [SILENT, SHARER]


def test_what_carries_clients_is_not_counted_but_these_are(redis_server: Start) -> None:
    server = redis_server("user cat on nopass allcommands")
    town = Town()
    talk = moved_in(town, server)
    lane = server.raw()  # at the node it is a client like any other
    host, port = lane.getsockname()
    address = b"%s:%d" % (host.encode(), port)
    town.carriers.append(Entry(0, address, Session(0, town.common), address, b"HERE"))
    town.settle(6, lane=CARRIER, alone=False).user = b"cat"
    lane.sendall(command("PING"))
    assert lane.recv(100) == b"+PONG\r\n"
    assert talk.tell("CLIENT", "KILL", "USER", "cat") == b":1\r\n"
    assert talk.tell("CLIENT", "KILL", "TYPE", "pubsub") == b":0\r\n"
    assert town.closed == [6] and SHARER in town.people
    assert talk.tell("CLIENT", "KILL", "TYPE", "NORMAL") == b":2\r\n", "SILENT and SHARER"
    assert set(town.people) == {ASKER, OTHER}, "the lanes of these are the node's to close"
    assert lane.recv(100) == b""


def test_who_was_there_when_it_was_sent_is_counted_though_its_lane_took_it_along(redis_server: Start) -> None:
    town = Town()
    talk = moved_in(town, redis_server())
    assert talk.tell("MULTI", "x").startswith(b"-")
    talk.tell("MULTI")
    talk.tell("CLIENT", "KILL", "TYPE", "normal")
    del town.people[SHARER]
    town.settle(7)
    assert talk.tell("EXEC") == b"*1\r\n:3\r\n"
    assert set(town.closed) == {SILENT, SHARER, 7}


def test_the_asker_is_never_closed_by_the_proxy(redis_server: Start) -> None:
    town = Town()
    talk = moved_in(town, redis_server())
    town.settle(ASKER)  # as if it had no lane
    assert talk.tell("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes") == b":2\r\n"
    assert set(town.closed) == {SILENT, SHARER}


CHOICES = [
    ("", True),
    ("ADDR 10.0.0.5:1", True),
    ("ADDR 10.0.0.6:1", False),
    ("LADDR HERE", True),
    ("LADDR here", False),
    ("USER default type NORMAL", True),
    ("USER Default", False),
    ("TYPE slave", False),
    ("MAXAGE 10", True),
    ("MAXAGE 11", False),
    ("SKIPME no", True),
    ("TYPE pubsub TYPE normal", True),
    ("TYPE normal TYPE pubsub", False),
    (f"ID {IDS_FROM + SHARER}", True),
    (f"ID 7 ID {IDS_FROM + SHARER}", True),
    (f"ID {IDS_FROM + SHARER} ID 7", False),
    (f"ID {IDS_FROM + SHARER} USER x", False),
    (f"ID 1 2 {IDS_FROM + SHARER} 3 USER default", True),
    ("ID 7", False),
    ("ID x", False),
    ("FLAVOUR sour", False),
]


@pytest.mark.parametrize(("filters", "takes"), CHOICES)
def test_filters_choose_as_the_node_does(filters: str, takes: bool) -> None:
    town = Town()
    town.settle(SHARER, lane=CARRIER, alone=False, age=10)
    words = arguments(command("CLIENT", "KILL", *filters.split()))
    assert Choice.of(words).takes(town.people[SHARER]) is takes
