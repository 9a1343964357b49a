"""The ids of clients are the proxy's own, in what a client says and in what it is told."""

from collections.abc import Callable

import pytest

from proxy.session.ids import IDS_FROM
from proxy.session.session import LookUp, Send
from proxy.session.table import ask
from proxy.wire.encoding import command
from proxy.wire.requests import arguments
from tests.servers import RedisServer
from tests.session.conversation import Conversation
from tests.session.town import ASKER, GONE, OTHER, SHARER, SILENT, Town

Start = Callable[..., RedisServer]

IDS = {
    "own": IDS_FROM + ASKER,
    "other": IDS_FROM + OTHER,
    "silent": IDS_FROM + SILENT,
    "sharer": IDS_FROM + SHARER,
    "gone": IDS_FROM + GONE,
}


def sent(town: Town, line: str) -> str:
    """What goes down the lane."""
    [step] = ask(town.people[ASKER].session, b"CLIENT", command(*line.split()))
    assert isinstance(step, Send), step
    return b" ".join(arguments(step.frame)).decode()


TRANSLATED = [
    ("CLIENT KILL ID {other}", "CLIENT KILL ID 77"),
    ("client kill id {other} skipme no", "client kill id 77 skipme no"),
    ("CLIENT KILL SKIPME no ID {other} ADDR 10.0.0.2:1", "CLIENT KILL SKIPME no ID 77 ADDR 127.0.0.1:99"),
    ("CLIENT KILL 10.0.0.2:1", "CLIENT KILL 127.0.0.1:99"),
    ("CLIENT KILL LADDR 10.0.0.2:1", "CLIENT KILL LADDR 10.0.0.2:1"),
    ("CLIENT KILL USER ID TYPE normal", "CLIENT KILL USER ID TYPE normal"),
    ("CLIENT KILL USER {other}", "CLIENT KILL USER {other}"),
    ("CLIENT KILL ID {sharer} TYPE normal", "CLIENT KILL ID {sharer} TYPE normal"),
    ("CLIENT KILL ADDR 10.0.0.5:1", "CLIENT KILL ADDR 10.0.0.5:1"),
    ("CLIENT KILL 10.0.0.5:1", "CLIENT KILL 10.0.0.5:1"),
    ("CLIENT LIST ID {other} 12 {own} {gone}", "CLIENT LIST ID 77 12 5 {gone}"),
    ("CLIENT LIST NOT-ID {other} MAXAGE 3 ID {own}", "CLIENT LIST NOT-ID 77 MAXAGE 3 ID 5"),
    ("CLIENT LIST TYPE normal", "CLIENT LIST TYPE normal"),
    ("CLIENT LIST ID 0{other}", "CLIENT LIST ID 0{other}"),
    ("CLIENT LIST ID {silent} {other} {sharer}", "CLIENT LIST ID 5 77 5"),
    ("CLIENT LIST ID", "CLIENT LIST ID"),
    ("CLIENT UNBLOCK {other}", "CLIENT UNBLOCK 77"),
    ("CLIENT UNBLOCK {other} ERROR", "CLIENT UNBLOCK 77 ERROR"),
    ("CLIENT UNBLOCK {gone} TIMEOUT", "CLIENT UNBLOCK {gone} TIMEOUT"),
    ("CLIENT UNBLOCK {sharer}", "CLIENT UNBLOCK {sharer}"),
    ("CLIENT UNBLOCK 77", "CLIENT UNBLOCK 77"),
    ("CLIENT UNBLOCK x", "CLIENT UNBLOCK x"),
    ("CLIENT UNBLOCK", "CLIENT UNBLOCK"),
    ("CLIENT KILL", "CLIENT KILL"),
]


@pytest.mark.parametrize(("said", "goes"), TRANSLATED)
def test_ids_and_addresses_go_to_the_node_as_it_knows_them(said: str, goes: str) -> None:
    assert sent(Town(), said.format(**IDS)) == goes.format(**IDS)


@pytest.mark.parametrize("line", ["KILL ID {other}", "LIST ID 3 {other}", "UNBLOCK {other} ERROR"])
def test_an_id_that_is_not_known_yet_is_looked_up_also_inside_multi(line: str) -> None:
    town = Town()
    town.learn(OTHER, None)
    session = town.people[ASKER].session
    frame = command("CLIENT", *line.format(**IDS).split())
    assert ask(session, b"CLIENT", frame) == (LookUp(b"CLIENT", frame),)
    ask(session, b"MULTI", command("MULTI"))
    assert ask(session, b"CLIENT", frame) == (LookUp(b"CLIENT", frame),)
    assert session.transaction is not None and not session.transaction.frames


@pytest.mark.parametrize(
    ("line", "needed"), [("LIST ID {sharer}", True), ("LIST ID {other}", False), ("KILL ID {sharer}", False)]
)
def test_who_asks_is_looked_up_where_a_line_is_to_be_made_from_its_own(line: str, needed: bool) -> None:
    town = Town()
    town.learn(ASKER, None)
    frame = command("CLIENT", *line.format(**IDS).split())
    [step] = ask(town.people[ASKER].session, b"CLIENT", frame)
    assert isinstance(step, LookUp) is needed


def test_a_client_is_told_its_own_id(redis_server: Start) -> None:
    town = Town()
    talk = Conversation(redis_server(), town.people[ASKER].session)
    own = b":%d\r\n" % IDS["own"]
    assert talk.tell("CLIENT", "ID") == own
    assert talk.tell("CLIENT", "ID", "x").startswith(b"-")
    assert b"$2\r\nid\r\n" + own in talk.tell("HELLO")
    assert b"$2\r\nid\r\n" + own in talk.tell("HELLO", "2")
    assert b"$2\r\nid\r\n" + own in talk.tell("HELLO", "3")
    assert talk.tell("HELLO", "9").startswith(b"-NOPROTO")
    talk.tell("MULTI")
    talk.tell("CLIENT", "ID")
    talk.tell("PING")
    assert talk.tell("EXEC") == b"*2\r\n" + own + b"+PONG\r\n"
