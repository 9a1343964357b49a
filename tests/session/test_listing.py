"""CLIENT LIST and INFO: each client has one line, and knows itself in it."""

import re
from collections.abc import Callable

import pytest

from proxy.session.common import Entry
from proxy.session.ids import IDS_FROM, Choice
from proxy.session.listing import Lists
from proxy.session.session import Session
from proxy.session.subscriptions import Subscriptions
from proxy.session.tracking import Tracking
from proxy.wire.encoding import command
from tests.servers import RedisServer
from tests.session.conversation import Conversation
from tests.session.town import ASKER, GONE, OTHER, SHARER, SILENT, Town, seen

Start = Callable[..., RedisServer]

MINE, OTHERS, SILENTS, SHARERS = (IDS_FROM + number for number in (ASKER, OTHER, SILENT, SHARER))


class Scene:
    """A town before a real node, where ASKER and OTHER have lanes of their own."""

    def __init__(self, server: RedisServer) -> None:
        self.server = server
        self.town = Town()
        self.talk = Conversation(server, self.town.people[ASKER].session)
        self.other = Conversation(server, self.town.people[OTHER].session)
        for talk, number in ((self.talk, ASKER), (self.other, OTHER)):
            self.town.settle(number, lane=seen(talk), node_id=node_id_of(talk))

    def hears(self, *words: str | int) -> list[dict[str, str]]:
        return fields(self.talk.tell("CLIENT", *words))

    def ids(self, *words: str | int) -> set[int]:
        """Those of the clients of the town that are shown."""
        return {int(line["id"]) for line in self.hears(*words)}


@pytest.fixture
def scene(redis_server: Start) -> Scene:
    return Scene(redis_server("user cat on nopass allcommands"))


def node_id_of(talk: Conversation) -> int:
    talk.lane.sendall(command("CLIENT", "ID"))
    return int(talk.lane.recv(100)[1:])


def fields(reply: bytes) -> list[dict[str, str]]:
    """The lines of a reply, which must be as long as it says."""
    size = re.match(rb"[$=](\d+)\r\n", reply)
    assert size is not None and len(reply) == size.end() + int(size[1]) + 2, reply
    text = reply[size.end() : -2].decode().removeprefix("txt:")
    assert not text or text.endswith("\n")
    return [dict(re.findall(r"([\w-]+)=(\S*)", line)) for line in text.splitlines()]


@pytest.mark.parametrize("protocol", [2, 3])
def test_clients_are_shown_as_they_know_themselves_and_others_as_they_are(
    scene: Scene, protocol: int
) -> None:
    scene.town.settle(ASKER, lane=seen(scene.talk), node_id=node_id_of(scene.talk), age=71, idle=8)
    scene.talk.tell("HELLO", protocol)
    stranger = Conversation(scene.server)
    theirs = node_id_of(stranger)
    lines = {int(line["id"]): line for line in scene.hears("LIST")}
    assert set(lines) == {MINE, OTHERS, SHARERS, SILENTS, theirs}
    shown = [lines[each]["addr"] for each in (MINE, OTHERS, SHARERS, SILENTS)]
    assert shown == ["10.0.0.1:1", "10.0.0.2:1", "10.0.0.5:1", "10.0.0.3:1"]
    assert lines[theirs]["addr"] == seen(stranger).decode()
    assert (lines[MINE]["age"], lines[MINE]["idle"], lines[OTHERS]["age"]) == ("71", "8", "0")
    [line] = scene.hears("INFO")
    assert [line[what] for what in ("id", "addr", "age", "redir")] == [str(MINE), "10.0.0.1:1", "71", "-1"]


def test_those_are_listed_whose_ids_are_given(scene: Scene) -> None:
    theirs = node_id_of(Conversation(scene.server))
    gone = IDS_FROM + GONE
    assert scene.ids("LIST", "ID", OTHERS, theirs, gone) == {OTHERS, theirs}
    assert scene.ids("LIST", "ID", gone) == set()
    assert scene.ids("LIST", "ID", SHARERS) == {SHARERS}, "who asks lends its line, and is not in the list"
    assert scene.ids("LIST", "ID", SILENTS, OTHERS) == {SILENTS, OTHERS}
    assert [int(line["id"]) for line in scene.hears("LIST", "ID", SHARERS, MINE)] == [MINE, SHARERS]
    assert scene.talk.tell("CLIENT", "LIST", "ID").startswith(b"-ERR")
    assert scene.ids("LIST", "TYPE", "pubsub") == set()
    assert scene.ids("LIST", "TYPE", "normal") >= {MINE, OTHERS, SHARERS, SILENTS}


def test_inside_a_transaction_it_is_the_same(scene: Scene) -> None:
    scene.talk.tell("MULTI")
    scene.talk.tell("CLIENT", "INFO")
    scene.talk.tell("CLIENT", "LIST", "ID", SHARERS)
    out = scene.talk.tell("EXEC")
    assert out.startswith(b"*2\r\n")
    assert re.findall(rb"id=(\d+)", out) == [b"%d" % MINE, b"%d" % SHARERS]


def test_a_line_that_is_made_says_what_the_session_is(scene: Scene) -> None:
    """As the node would, had the client a lane of its own."""
    burst: list[tuple[str, ...]] = [
        ("HELLO", "3", "AUTH", "cat", "x"),
        ("SELECT", "3"),
        ("CLIENT", "SETNAME", "100%"),
    ]
    if scene.server.version >= "7.2":
        burst += [("CLIENT", "SETINFO", what, what) for what in ("lib-name", "LIB-VER")]
    for words in burst:
        assert scene.other.tell(*words)[:1] in b"+%"
    [real] = scene.hears("LIST", "ID", OTHERS)
    carrier = Conversation(scene.server)
    carrier.tell("SELECT", "7")
    scene.town.settle(OTHER, lane=seen(carrier), alone=False)
    scene.town.carriers.append(Entry(0, seen(carrier), Session(0, scene.town.common)))
    [made] = [line for line in scene.hears("LIST") if line["id"] == str(OTHERS)]
    [from_askers] = scene.hears("LIST", "ID", OTHERS)
    about = [
        "id",
        "addr",
        "laddr",
        "name",
        "age",
        "idle",
        "flags",
        "db",
        "sub",
        "psub",
        "ssub",
        "multi",
        "watch",
    ]
    about += ["user", "redir", "resp", "lib-name", "lib-ver"]
    for line in (made, from_askers):
        assert line.keys() == real.keys()
        assert {what: line[what] for what in about if what in line} == {
            what: real[what] for what in about if what in real
        }
        assert line["cmd"] == "NULL"
    assert made["name"] == "100%" and made["fd"] == fd_at_node(scene, carrier)


def fd_at_node(scene: Scene, talk: Conversation) -> str:
    with scene.server.client() as eye:
        return next(str(line["fd"]) for line in eye.client_list() if line["addr"] == seen(talk).decode())


def test_lanes_that_belong_to_nobody_are_not_shown(scene: Scene) -> None:
    spare = Conversation(scene.server)
    scene.town.carriers.append(Entry(0, seen(spare), Session(0, scene.town.common)))
    assert seen(spare).decode() not in {line["addr"] for line in scene.hears("LIST")}
    assert len(scene.hears("LIST")) == 4


def test_the_target_of_tracking_is_shown_by_the_id_that_clients_know(scene: Scene) -> None:
    talk, town = scene.talk, scene.town

    def redir(*words: str | int) -> str:
        return next(line["redir"] for line in scene.hears(*words) if line["id"] == str(MINE))

    assert talk.tell("CLIENT", "TRACKING", "ON", "REDIRECT", OTHERS) == b"+OK\r\n"
    assert talk.session.tracking == Tracking(OTHERS)
    assert redir("INFO") == redir("LIST") == str(OTHERS)
    theirs = town.people[OTHER].node_id
    town.learn(OTHER, None)
    assert redir("LIST") == str(OTHERS), "its line tells the id"
    town.learn(OTHER, theirs)
    mine = town.people[ASKER].node_id
    town.learn(ASKER, None)
    talk.look_up = lambda: town.learn(ASKER, mine)
    assert redir("LIST", "ID", MINE) == str(OTHERS)


def test_a_subscriber_is_shown_by_what_it_sent_and_not_by_the_proxys_mark(scene: Scene) -> None:
    for number, talk in ((ASKER, scene.talk), (OTHER, scene.other)):
        talk.tell("PING", str(number))
    scene.other.session.subscriptions = Subscriptions(latest=b"psubscribe")
    shown = {line["id"]: line["cmd"] for line in scene.hears("LIST")}
    assert shown[str(OTHERS)] == "psubscribe"
    assert shown[str(MINE)].startswith("client")
    scene.other.tell("ECHO", "3")
    assert {line["id"]: line["cmd"] for line in scene.hears("LIST")}[str(OTHERS)] == "echo"


def test_a_list_that_comes_in_pieces_is_told_as_one() -> None:
    town = Town()
    town.people = {ASKER: town.people[ASKER], OTHER: town.people[OTHER]}
    session, want = town.people[ASKER].session, Lists(Choice.of([b"CLIENT", b"LIST"]))
    text = b"id=9 addr=127.0.0.1:99 name=id=9 redir=-1\nid=8 addr=2.2.2.2:2 name= redir=9\n"
    whole = b"=%d\r\ntxt:%s\r\n" % (len(text) + 4, text)
    for cut in range(1, len(whole)):
        assert want.take(session, whole[:cut], False) == b""
        told = want.take(session, whole[cut:], True)
        assert told.count(b"id=%d addr=10.0.0.2:1 name=id=9 redir=-1\n" % OTHERS) == 1
        assert told.endswith(b"\nid=8 addr=2.2.2.2:2 name= redir=9\n\r\n"), "who does not come through us"
        assert told.startswith(b"=%d\r\ntxt:id=" % (len(told) - len(b"=90\r\n\r\n")))


def test_a_field_that_nobody_knows_yet_is_passed_on() -> None:
    town = Town()
    town.people = {number: town.people[number] for number in (ASKER, SHARER)}
    text = b"id=9 addr=127.0.0.1:98 laddr=[fe80::1%1]:2 name= cmd=x flavour=100% redir=-1\n"
    lists = Lists(Choice.of([b"CLIENT", b"LIST"]))
    told = lists.take(town.people[ASKER].session, b"$%d\r\n%s\r\n" % (len(text), text), True)
    assert told.endswith(b"laddr=[fe80::1%1]:2 name= cmd=NULL flavour=100% redir=-1\n\r\n")


def test_without_any_line_none_is_made() -> None:
    lists, nothing = Lists(Choice.of([b"CLIENT", b"LIST"])), b"$0\r\n\r\n"
    assert lists.take(Town().people[ASKER].session, nothing, True) == nothing
