"""Clients with CLIENT TRACKING, where a switchover meets what is rare."""

from typing import Any, cast

import trio

from proxy.relay.client import Client
from proxy.relay.lane import Lane
from proxy.relay.reactor import IN
from proxy.relay.trackers import Trackers
from proxy.session.ids import IDS_FROM
from proxy.session.tracking import Tracking
from tests.relay.bench import Bench, ends
from tests.waiting import until

KEYS = 8_000
PUSH = b">2\r\n$10\r\ninvalidate\r\n*%d\r\n" % KEYS + b"".join(b"$5\r\n%05d\r\n" % n for n in range(KEYS))
HALF = 70_000
"""Bytes: enough that the first part of it is given out before the rest has come."""


def trackers(bench: Bench, warm: dict[Client, Lane] | None = None) -> Trackers:
    return Trackers(bench.route, cast(Any, None), warm or {})


def in_the_middle(bench: Bench) -> None:
    bench.client.session.protocol = 3
    bench.client.session.tracking = Tracking()
    bench.answers(PUSH[:HALF])
    bench.lane.ready(IN)
    assert bench.lane.inside and not bench.lane.ledger


async def test_a_client_gets_the_whole_of_a_list_of_invalidations(bench: Bench) -> None:
    in_the_middle(bench)
    bench.lane.listen(False)
    got = bench.at_app()
    assert PUSH.startswith(got) and got
    late: list[list[Client]] = []

    async def wait() -> None:
        late.append(await trackers(bench).heard_out(within=10.0))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        await until(
            lambda: bench.lane.events & IN, "the lane is received from, though its client reads slowly"
        )
        assert not late
        bench.answers(PUSH[HALF:])
    assert late == [[]]
    assert got + bench.at_app() == PUSH


async def test_a_list_that_does_not_end_in_time_stops_nobody_else(bench: Bench) -> None:
    in_the_middle(bench)
    assert await trackers(bench).heard_out(within=0.01) == [bench.client]


async def test_who_redirects_is_lost_with_its_own_new_lane_or_that_of_its_target(bench: Bench) -> None:
    """Else what it caches would be told to nobody."""
    bench.client.session.tracking = Tracking(IDS_FROM + 2)
    ours, far = ends()
    target = Client(bench.route.reactor, ours, bench.route, 2)
    bench.route.clients[target] = None
    made = [ends() for _ in range(2)]
    own, its = (Lane(bench.route.reactor, near, bench.route.lane_lost) for near, _ in made)
    its.id = 7
    warm = {bench.client: own, target: its}
    present = trackers(bench, warm)
    assert await present.learn() == [bench.client]
    assert present.lost() == {}
    assert present.score(bench.client).tracking == Tracking(7)
    its.drop()
    assert list(present.lost()) == [bench.client]
    assert present.score(bench.client).tracking is None
    its.closed = False
    own.drop()
    assert list(present.lost()) == [bench.client]
    its.closed = own.closed = False
    its.id = 0  # the node did not list it
    assert list(present.lost()) == [bench.client]
    its.closed = own.closed = True
    bench.client.session.tracking = Tracking()
    assert present.lost() == {}
    target.close()
    for end in (far, *(each for _, each in made)):
        end.close()


def test_what_waits_behind_a_mark_is_heard_by_the_ids_that_the_client_knows(bench: Bench) -> None:
    bench.client.session.protocol = 3
    bench.client.session.tracking = Tracking(IDS_FROM + 9)
    broken = b">2\r\n$21\r\ntracking-redir-broken\r\n:%d\r\n"
    bench.lane.kept = []
    bench.answers(broken % 5)
    assert bench.at_app() == b""
    bench.lane.release_kept()
    bench.answers(broken % 6)
    assert bench.at_app() == 2 * (broken % (IDS_FROM + 9))


def test_a_lane_without_an_owner_tells_nobody(bench: Bench) -> None:
    """Left behind, or warm; in RESP2 too, where a message looks like a reply."""
    bench.client.session.tracking = Tracking()
    left = bench.client.move(None)
    for message in (PUSH, b"*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n*1\r\n$1\r\nk\r\n"):
        bench.node.sendall(message)
        left.ready(IN)
        left.ready(IN)
    assert not left.closed and bench.at_app() == b""
    assert bench.client.needs_lane


def test_a_target_that_is_gone_is_gone_on_the_new_primary_as_soon_as_all_have_moved(bench: Bench) -> None:
    """Not only once the replicas are in sync: until then the node would tell somebody who does not listen."""
    near, far = ends()
    nobody = Lane(bench.route.reactor, near, bench.route.lane_lost)
    bench.client.session.tracking = Tracking(IDS_FROM + 2)
    Trackers(bench.route, cast(Any, None), {}, nobody=nobody).forget_all()
    assert nobody.closed and bench.at_app() == b""
    far.close()
