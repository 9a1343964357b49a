"""The ids of clients are the proxy's own, in what a client says and in what it is told."""

import re
from collections.abc import Callable

import attrs
import pytest

from proxy.session.common import ClientAtLane, Common, Nobody
from proxy.session.ids import IDS_FROM, Lists
from proxy.session.scripts import Scripts
from proxy.session.session import LookUp, Send, Session
from proxy.session.table import ask
from proxy.session.tracking import Tracking
from proxy.wire.encoding import command
from proxy.wire.requests import arguments
from tests.servers import RedisServer
from tests.session.conversation import Conversation

Start = Callable[..., RedisServer]

OTHER, SILENT, GONE = 2, 3, 4
OWN = IDS_FROM + 1


@attrs.define
class Town(Nobody):
    """A directory: client 1 is who asks, OTHER has a lane too, SILENT has none."""

    lanes: dict[bytes, ClientAtLane] = attrs.field(factory=dict)
    ids: dict[int, int | None] = attrs.field(factory=lambda: {1: 5, OTHER: 77, SILENT: 0})
    closed: list[int] = attrs.field(factory=list)

    def node_id(self, number: int) -> int | None:
        return self.ids.get(number, 0)

    def at_lanes(self) -> dict[bytes, ClientAtLane]:
        return self.lanes

    def address_of(self, number: int) -> bytes:
        return b"10.0.0.%d:1" % number

    def lane_of(self, address: bytes) -> bytes | None:
        return b"127.0.0.1:99" if address == b"10.0.0.2:1" else None

    def close(self, number: int) -> bool:
        self.closed.append(number)
        return number == SILENT


def resident(town: Town) -> Session:
    return Session(1, Common(Scripts(10, 1000), directory=town))


@pytest.fixture
def town() -> Town:
    return Town()


def talk_in(town: Town, server: RedisServer) -> Conversation:
    """A client of this town before a real node, and another one with a lane of its own."""
    talk = Conversation(server, resident(town))
    other = server.raw()
    for number, lane in ((1, talk.lane), (OTHER, other)):
        host, port = lane.getsockname()
        town.lanes[b"%s:%d" % (host.encode(), port)] = ClientAtLane(number, town.address_of(number), None)
    other.sendall(command("CLIENT", "ID"))
    town.ids[OTHER] = int(other.recv(100)[1:])
    return talk


def shown(reply: bytes) -> dict[bytes, tuple[bytes, bytes]]:
    """Address and target by id, of all lines of a reply, which must be as long as it says."""
    size = re.match(rb"[$=](\d+)\r\n", reply)
    assert size is not None and len(reply) == size.end() + int(size[1]) + 2, reply
    return {
        found[1]: (found[2], found[3])
        for found in re.finditer(rb"id=(\d+) addr=(\S+) .*? redir=(\S+)", reply)
    }


def sent(session: Session, line: str) -> str:
    """What goes down the lane."""
    [step] = ask(session, b"CLIENT", command(*line.split()))
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
    ("CLIENT LIST ID {other} 12 {own} {gone}", "CLIENT LIST ID 77 12 5 {gone}"),
    ("CLIENT LIST NOT-ID {other} MAXAGE 3 ID {own}", "CLIENT LIST NOT-ID 77 MAXAGE 3 ID 5"),
    ("CLIENT LIST TYPE normal", "CLIENT LIST TYPE normal"),
    ("CLIENT LIST ID 0{other}", "CLIENT LIST ID 0{other}"),
    ("CLIENT LIST ID {silent}", "CLIENT LIST ID {silent}"),
    ("CLIENT LIST ID", "CLIENT LIST ID"),
    ("CLIENT UNBLOCK {other}", "CLIENT UNBLOCK 77"),
    ("CLIENT UNBLOCK {other} ERROR", "CLIENT UNBLOCK 77 ERROR"),
    ("CLIENT UNBLOCK {gone} TIMEOUT", "CLIENT UNBLOCK {gone} TIMEOUT"),
    ("CLIENT UNBLOCK 77", "CLIENT UNBLOCK 77"),
    ("CLIENT UNBLOCK x", "CLIENT UNBLOCK x"),
    ("CLIENT UNBLOCK", "CLIENT UNBLOCK"),
    ("CLIENT KILL", "CLIENT KILL"),
]


@pytest.mark.parametrize(("said", "goes"), TRANSLATED)
def test_ids_and_addresses_go_to_the_node_as_it_knows_them(town: Town, said: str, goes: str) -> None:
    ids = {
        "own": OWN,
        "other": IDS_FROM + OTHER,
        "silent": IDS_FROM + SILENT,
        "gone": IDS_FROM + GONE,
    }
    assert sent(resident(town), said.format(**ids)) == goes.format(**ids)


@pytest.mark.parametrize("line", ["KILL ID {}", "LIST ID 3 {}", "UNBLOCK {} ERROR"])
def test_an_id_that_is_not_known_yet_is_looked_up_also_inside_multi(town: Town, line: str) -> None:
    town.ids[OTHER] = None
    session = resident(town)
    frame = command("CLIENT", *line.format(IDS_FROM + OTHER).split())
    assert ask(session, b"CLIENT", frame) == (LookUp(b"CLIENT", frame),)
    ask(session, b"MULTI", command("MULTI"))
    assert ask(session, b"CLIENT", frame) == (LookUp(b"CLIENT", frame),)
    assert session.transaction is not None and not session.transaction.frames


def test_a_client_is_told_its_own_id(redis_server: Start, town: Town) -> None:
    talk = talk_in(town, redis_server())
    own = b":%d\r\n" % OWN
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


@pytest.mark.parametrize("protocol", [2, 3])
def test_lists_show_clients_as_they_know_themselves_and_others_as_they_are(
    redis_server: Start, town: Town, protocol: int
) -> None:
    server = redis_server()
    talk, stranger = talk_in(town, server), server.client()
    talk.tell("HELLO", protocol)
    mine, others = b"%d" % OWN, b"%d" % (IDS_FROM + OTHER)
    theirs = str(stranger.client_id()).encode()
    lines = shown(talk.tell("CLIENT", "LIST"))
    assert set(lines) == {mine, others, theirs}
    assert lines[mine] == (b"10.0.0.1:1", b"-1") and lines[others] == (b"10.0.0.2:1", b"-1")
    assert set(shown(talk.tell("CLIENT", "LIST", "ID", others, theirs, IDS_FROM + GONE))) == {others, theirs}
    assert shown(talk.tell("CLIENT", "LIST", "ID", IDS_FROM + GONE)) == {}
    assert talk.tell("CLIENT", "LIST", "ID").startswith(b"-ERR")
    assert shown(talk.tell("CLIENT", "INFO")) == {mine: (b"10.0.0.1:1", b"-1")}
    talk.tell("MULTI")
    talk.tell("CLIENT", "INFO")
    talk.tell("CLIENT", "ID")
    out = talk.tell("EXEC")
    assert out.startswith(b"*2\r\n") and out.endswith(b":%d\r\n" % OWN)
    assert set(shown(out[4 : -len(b":%d\r\n" % OWN)])) == {mine}


def test_the_target_of_tracking_is_shown_by_the_id_that_clients_know(redis_server: Start, town: Town) -> None:
    talk = talk_in(town, redis_server())
    target = b"%d" % (IDS_FROM + OTHER)
    assert talk.tell("CLIENT", "TRACKING", "ON", "REDIRECT", target) == b"+OK\r\n"
    assert talk.session.tracking == Tracking(IDS_FROM + OTHER)
    assert shown(talk.tell("CLIENT", "INFO"))[b"%d" % OWN][1] == target
    assert shown(talk.tell("CLIENT", "LIST"))[b"%d" % OWN][1] == target
    town.lanes = {
        address: attrs.evolve(known, node_id=town.ids[known.number]) for address, known in town.lanes.items()
    }
    town.ids[1] = None
    talk.look_up = lambda: town.ids.update({1: node_id_of(talk)})
    assert shown(talk.tell("CLIENT", "LIST", "ID", OWN)) == {b"%d" % OWN: (b"10.0.0.1:1", target)}


def node_id_of(talk: Conversation) -> int:
    with talk.server.raw() as eye:
        eye.sendall(command("CLIENT", "LIST"))
        said = eye.recv(65_536).decode()
    host, port = talk.lane.getsockname()
    [found] = re.findall(rf"id=(\d+) addr={host}:{port} ", said)
    return int(found)


def test_a_list_that_comes_in_pieces_is_told_as_one(town: Town) -> None:
    town.lanes[b"1.1.1.1:5"] = ClientAtLane(OTHER, b"10.0.0.2:1", None)
    session, want = resident(town), Lists(itself=False)
    text = b"id=9 addr=1.1.1.1:5 name=id=9 redir=-1\nid=8 addr=2.2.2.2:2 name= redir=9\n"
    whole = b"=%d\r\ntxt:%s\r\n" % (len(text) + 4, text)
    for cut in range(1, len(whole)):
        assert want.take(session, whole[:cut], False) == b""
        told = want.take(session, whole[cut:], True)
        assert told.count(b"id=%d addr=10.0.0.2:1 name=id=9 redir=-1\n" % (IDS_FROM + OTHER)) == 1
        assert told.endswith(b"\nid=8 addr=2.2.2.2:2 name= redir=9\n\r\n"), "who does not come through us"
        assert told.startswith(b"=%d\r\ntxt:id=" % (len(told) - len(b"=90\r\n\r\n")))


def test_a_client_without_a_lane_is_closed_by_the_proxy(redis_server: Start, town: Town) -> None:
    server = redis_server("user mouse on nopass +ping")
    talk = talk_in(town, server)
    assert talk.tell("CLIENT", "KILL", "ID", IDS_FROM + GONE) == b":0\r\n"
    assert talk.tell("CLIENT", "KILL", "ID", IDS_FROM + SILENT) == b":1\r\n"
    assert town.closed == [GONE, SILENT]
    town.closed.clear()
    assert talk.tell("CLIENT", "KILL", "ID", IDS_FROM + SILENT, "TYPE", "normal") == b":0\r\n"
    assert talk.tell("CLIENT", "KILL", "ID", IDS_FROM + OTHER) == b":1\r\n"
    talk.tell("AUTH", "mouse", "x")
    assert talk.tell("CLIENT", "KILL", "ID", IDS_FROM + SILENT).startswith(b"-NOPERM")
    assert town.closed == []
