"""CLIENT TRACKING on another lane is what it was, and CLIENT CACHING still counts for the next command."""

from collections.abc import Callable
from itertools import pairwise

import attrs
import pytest

from proxy.session.common import Common, Nobody
from proxy.session.ids import IDS_FROM
from proxy.session.replay import BLANK, Faults, Score, difference
from proxy.session.scripts import Scripts
from proxy.session.session import LookUp, Send, Session, Step
from proxy.session.table import ask
from proxy.session.tracking import Tracking, forget_all
from proxy.wire.encoding import command
from tests.servers import RedisServer
from tests.session.conversation import Conversation

Start = Callable[..., RedisServer]

INVALID = b">2\r\n$10\r\ninvalidate\r\n*1\r\n$5\r\nfruit\r\n"
SETUPS = {
    "default": ["CLIENT TRACKING ON"],
    "in capitals or not": ["client tracking on bcast prefix a noloop"],
    "noloop": ["CLIENT TRACKING ON NOLOOP"],
    "optin": ["CLIENT TRACKING ON OPTIN"],
    "optout": ["CLIENT TRACKING ON OPTOUT NOLOOP"],
    "optin taken back": ["CLIENT TRACKING ON OPTIN", "CLIENT TRACKING ON"],
    "noloop taken back": ["CLIENT TRACKING ON NOLOOP", "CLIENT TRACKING ON"],
    "optin added": ["CLIENT TRACKING ON", "CLIENT TRACKING ON OPTIN"],
    "every key": ["CLIENT TRACKING ON BCAST"],
    "prefixes": ["CLIENT TRACKING ON BCAST PREFIX a: PREFIX b:", "CLIENT TRACKING ON BCAST PREFIX c: NOLOOP"],
    "prefixes, then every key": ["CLIENT TRACKING ON BCAST PREFIX a: PREFIX b:", "CLIENT TRACKING ON BCAST"],
    "off": ["CLIENT TRACKING ON BCAST", "CLIENT TRACKING OFF"],
    "off and on": [
        "CLIENT TRACKING ON BCAST PREFIX a:",
        "CLIENT TRACKING OFF",
        "CLIENT TRACKING ON BCAST PREFIX b:",
    ],
    "switched where that is not allowed": ["CLIENT TRACKING ON OPTIN", "CLIENT TRACKING ON OPTOUT"],
    "overlapping": ["CLIENT TRACKING ON BCAST PREFIX ab", "CLIENT TRACKING ON BCAST PREFIX a"],
    "nonsense": ["CLIENT TRACKING ON SOMEHOW", "CLIENT TRACKING", "CLIENT TRACKING MAYBE"],
    "half a clause": ["CLIENT TRACKING ON BCAST PREFIX", "CLIENT TRACKING ON REDIRECT"],
    "in a transaction": ["MULTI", "CLIENT TRACKING ON OPTOUT", "EXEC"],
    "discarded": ["MULTI", "CLIENT TRACKING ON OPTOUT", "DISCARD"],
    "reset": ["CLIENT TRACKING ON", "RESET", "HELLO 3"],
    "many prefixes": ["CLIENT TRACKING ON BCAST " + " ".join(f"PREFIX {n:04}:" for n in range(500))],
}


@pytest.mark.parametrize("setup", SETUPS.values(), ids=SETUPS)
def test_what_is_tracked_is_tracked_on_the_next_node_too(redis_server: Start, setup: list[str]) -> None:
    talk = Conversation(redis_server())
    talk.tell("HELLO", 3)
    for each in setup:
        talk.tell(*each.split())
    before = talk.tell("CLIENT", "TRACKINGINFO")
    assert (b"$2\r\non\r\n" in before) is (talk.session.tracking is not None)
    assert talk.move(redis_server()) == []
    assert talk.tell("CLIENT", "TRACKINGINFO") == before


def test_a_warm_lane_is_brought_from_one_tracking_to_another(redis_server: Start) -> None:
    """Whatever it was set up with first: options that exclude each other too."""
    node = redis_server()
    said = [
        None,
        Tracking(),
        Tracking(options=frozenset([b"OPTIN"])),
        Tracking(options=frozenset([b"OPTOUT"])),
    ]
    said.append(Tracking(options=frozenset([b"BCAST"]), prefixes=frozenset([b"", b"a:"])))
    for old in said:
        for new in said:
            lane = Conversation(node)
            faults = Faults()
            scores = [BLANK, *(attrs.evolve(BLANK, protocol=3, tracking=each) for each in (old, new))]
            for before, after in pairwise(scores):
                steps = difference(before, after, faults)
                assert steps is not None
                lane.do(steps)
                assert lane.finish() == b""
            assert not faults
            fresh = Conversation(node)
            fresh.do(difference(BLANK, scores[-1], faults) or [])
            fresh.finish()
            assert lane.tell("CLIENT", "TRACKINGINFO") == fresh.tell("CLIENT", "TRACKINGINFO")


def test_a_node_that_does_not_allow_it_is_heard(redis_server: Start) -> None:
    talk = Conversation(redis_server())
    talk.tell("CLIENT", "TRACKING", "ON")
    node = redis_server("user default on nopass ~* +@all -client")
    [fault] = talk.move(node)
    assert fault.startswith("CLIENT TRACKING: NOPERM")


def tracked(talk: Conversation) -> bool:
    """A foreign write to fruit is told, ahead of the answer to a command behind it."""
    talk.server.command("SET", "fruit", "fig")
    answer = talk.tell("PING")
    assert answer in (b"+PONG\r\n", INVALID + b"+PONG\r\n")
    return answer.startswith(INVALID)


def plain_and_caching(talk: Conversation) -> tuple[bool, bool]:
    return talk.session.plain, talk.session.caching is not None


def hold(talk: Conversation) -> None:
    """A switchover has come near."""
    if talk.session.caching is not None:
        talk.session.caching.again = True


BEHIND = {
    "the next command": (["GET fruit"], True),
    "CLIENT does not count": (["CLIENT GETNAME", "CLIENT TRACKING ON OPTIN", "GET fruit"], True),
    "only the next command": (["PING", "GET fruit"], False),
    "an unknown command counts": (["NO.SUCH", "GET fruit"], False),
    "a transaction": (["MULTI", "SET other x", "GET fruit", "EXEC"], True),
    "behind a transaction": (["MULTI", "SET other x", "EXEC", "GET fruit"], False),
    "behind a discarded one": (["MULTI", "DISCARD", "GET fruit"], False),
    "a nested MULTI": (["MULTI", "MULTI", "EXEC", "GET fruit"], False),
    "switched off": (["CLIENT TRACKING OFF", "CLIENT TRACKING ON OPTIN", "GET fruit"], False),
    "a database": (["SELECT 0", "GET fruit"], False),
    "a silent one": (["CLIENT REPLY SKIP", "GET fruit"], True),
}


@pytest.mark.parametrize(("commands", "counts"), BEHIND.values(), ids=BEHIND)
def test_caching_counts_for_the_next_command_wherever_a_switchover_falls(
    redis_server: Start, commands: list[str], counts: bool
) -> None:
    """Moved ahead of each of the commands, held without being moved, or let alone: it is the same."""
    nodes = [redis_server(), redis_server()]
    for place in (None, *range(len(commands))):
        for moves in (False, True):
            talk = Conversation(nodes[0])
            talk.tell("HELLO", 3)
            talk.tell("CLIENT", "TRACKING", "ON", "OPTIN")
            assert talk.tell("CLIENT", "CACHING", "YES") == b"+OK\r\n"
            assert plain_and_caching(talk) == (False, True)
            for at, each in enumerate(commands):
                if at == place:
                    hold(talk)
                    if moves:
                        assert talk.move(nodes[1]) == []
                    elif talk.session.transaction is None:
                        talk.lane.sendall(command("PING"))  # as a mark would be
                        assert talk.lane.recv(7) == b"+PONG\r\n"
                talk.tell(*each.split())
            assert plain_and_caching(talk) == (True, False)
            assert tracked(talk) is counts, (place, moves)


def test_what_is_not_to_be_cached_is_not(redis_server: Start) -> None:
    """OPTOUT: with NO the next command is left out, on the new lane too, and the one after it is not."""
    talk = Conversation(redis_server())
    talk.tell("HELLO", 3)
    talk.tell("CLIENT", "TRACKING", "ON", "OPTOUT")
    talk.tell("CLIENT", "CACHING", "NO")
    hold(talk)
    talk.move(redis_server())
    talk.tell("GET", "fruit")
    assert not tracked(talk)
    talk.tell("GET", "fruit")
    assert tracked(talk)


def test_caching_that_the_node_refuses_is_answered_once(redis_server: Start) -> None:
    talk = Conversation(redis_server())
    answer = talk.tell("CLIENT", "CACHING", "YES")
    assert answer.startswith(b"-ERR CLIENT CACHING")
    hold(talk)
    assert talk.tell("ECHO", "x") == b"$1\r\nx\r\n"


@attrs.define
class Lanes(Nobody):
    """Knows the lanes of some clients, once it was asked."""

    ids: dict[int, int | None]

    def node_id(self, number: int) -> int | None:
        return self.ids.get(number, 0)


def one_who_knows(**ids: int | None) -> Session:
    return Session(
        1, Common(Scripts(10, 1000), directory=Lanes({int(key[1:]): id_ for key, id_ in ids.items()}))
    )


def id_at_node(talk: Conversation) -> int:
    talk.lane.sendall(command("CLIENT", "ID"))
    return int(talk.lane.recv(100)[1:])


def asked(session: Session, *words: str | int) -> tuple[Step, ...]:
    return ask(session, b"CLIENT", command("CLIENT", *words))


def test_a_target_is_named_to_the_node_by_the_id_of_its_lane() -> None:
    session = one_who_knows(n2=77, n3=None)
    [step] = asked(session, "TRACKING", "ON", "NOLOOP", "REDIRECT", IDS_FROM + 2)
    assert isinstance(step, Send) and step.frame == command(
        "CLIENT", "TRACKING", "ON", "NOLOOP", "REDIRECT", 77
    )
    frame = command("CLIENT", "TRACKING", "ON", "REDIRECT", IDS_FROM + 3)
    assert ask(session, b"CLIENT", frame) == (LookUp(b"CLIENT", frame),)
    for stranger in (IDS_FROM + 4, IDS_FROM, 5, 0, -1, "x", "9" * 40, "1" * 19):
        [step] = asked(session, "TRACKING", "ON", "REDIRECT", stranger)
        assert isinstance(step, Send)
        assert step.frame == command("CLIENT", "TRACKING", "ON", "REDIRECT", stranger)


def test_nobody_is_told_over_a_lane_of_many_clients() -> None:
    """By an id of the node's own, which may be that of a shared lane."""
    session = one_who_knows(n2=77)
    session.common.shares = True
    for stranger in (5, IDS_FROM - 1):
        [step] = asked(session, "TRACKING", "ON", "REDIRECT", stranger)
        assert isinstance(step, Send)
        assert step.frame == command("CLIENT", "TRACKING", "ON", "REDIRECT", IDS_FROM)


def test_the_ids_that_a_client_sees_are_those_it_named(redis_server: Start) -> None:
    node = redis_server()
    target = Conversation(node)
    of_target = id_at_node(target)
    talk = Conversation(node, one_who_knows(n2=of_target))
    for protocol in (2, 3):
        talk.tell("HELLO", protocol)
        assert talk.tell("CLIENT", "TRACKING", "OFF") == b"+OK\r\n"
        assert talk.tell("CLIENT", "GETREDIR") == b":-1\r\n"
        assert b"redirect\r\n:-1\r\n" in talk.tell("CLIENT", "TRACKINGINFO")
        assert talk.tell("CLIENT", "TRACKING", "ON") == b"+OK\r\n"
        assert talk.tell("CLIENT", "GETREDIR") == b":0\r\n"
        assert talk.tell("CLIENT", "TRACKING", "ON", "REDIRECT", IDS_FROM + 2) == b"+OK\r\n"
        assert talk.tell("CLIENT", "GETREDIR") == b":%d\r\n" % (IDS_FROM + 2)
        said = talk.tell("CLIENT", "TRACKINGINFO")
        assert b"$8\r\nredirect\r\n:%d\r\n$8\r\nprefixes\r\n" % (IDS_FROM + 2) in said
        talk.tell("MULTI")
        talk.tell("CLIENT", "GETREDIR")
        assert talk.tell("EXEC") == b"*1\r\n:%d\r\n" % (IDS_FROM + 2)


def test_a_score_waits_for_the_id_of_the_target() -> None:
    """And so do subscriptions, for behind them RESP2 takes no CLIENT TRACKING."""
    session = Session(1, Common(Scripts(10, 1000)), tracking=Tracking(IDS_FROM + 2))
    score = Score.of(session)
    assert score.redirected(None) == attrs.evolve(score, tracking=None)
    assert score.redirected(9).tracking == Tracking(9)


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("target", [None, 2, 3, "a RESP2 client without subscription"])
def test_a_client_forgets_all_as_on_flushall(
    redis_server: Start, protocol: int, target: int | str | None
) -> None:
    """To the byte what the node itself sends, to the client or the one to which it redirects."""
    node = redis_server()
    told = Conversation(node)
    talk = Conversation(node, one_who_knows(n2=id_at_node(told)))
    talk.tell("HELLO", protocol)
    if target == 3:
        told.tell("HELLO", 3)
    elif target == 2:
        told.tell("SUBSCRIBE", "__redis__:invalidate")
    talk.tell("CLIENT", "TRACKING", "ON", *(() if target is None else ("REDIRECT", IDS_FROM + 2)))
    listener = talk if target is None else told
    talk.server.command("FLUSHALL")
    quiet = b"*2\r\n$4\r\npong\r\n$0\r\n\r\n" if target == 2 else b"+PONG\r\n"
    heard = listener.tell("PING")
    assert heard.endswith(quiet)
    assert forget_all(talk.session, listener.session) == heard.removesuffix(quiet)
