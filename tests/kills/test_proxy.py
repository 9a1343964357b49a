"""The proxy is killed at each step of a switchover, and started again."""

import signal
import time
from collections.abc import Callable

import pytest

from proxy.switchover.report import UNKNOWN
from tests.baton import BatonProcess
from tests.kills.conftest import OUTLASTING_FENCE, SHORT_FENCE, Scene
from tests.kills.places import PLACES, Place
from tests.servers import Pair, RedisServer, Trio
from tests.waiting import wait_until

Baton = Callable[..., BatonProcess]
HALF_DONE = Place("after", "promote")
HELD_MS = 1500


def primaries(*servers: RedisServer) -> list[RedisServer]:
    return [server for server in servers if server.info()["role"] == "master"]


def die(play: Scene) -> None:
    """Let the proxy kill itself, and clients that went past it go no further."""
    play.begin()
    assert play.proxy.wait() == -signal.SIGKILL


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_one_primary_has_everything_after_the_proxy_was_killed(
    place: Place, nodes: Pair, scene: Callable[..., Scene], baton: Baton
) -> None:
    play = scene(place, signal.SIGKILL, None, *nodes, environment=OUTLASTING_FENCE)
    die(play)
    again = baton(*nodes, listen=play.proxy.address)
    wait_until(lambda: len(primaries(*nodes)) == 1, lambda: f"one is primary: {again.admin('NODES')}")
    play.load.goes_on()
    [primary] = primaries(*nodes)
    [replica] = set(nodes) - {primary}
    replica.wait_link_up()
    if place.is_undone:
        assert primary is nodes.primary
        play.load.bypassing.goes_on()
    else:
        assert primary is nodes.replica
    play.load.stop()
    assert not any(writer.errors for writer in play.load.writers)
    play.load.check(primary)
    report = again.switchover()
    assert (report["outcome"], report["to"]) == ("done", replica.address)


@pytest.mark.parametrize("place", PLACES[8:14:2], ids=str)
def test_a_second_replica_has_everything_too_after_the_proxy_was_killed(
    place: Place, trio_of_nodes: Trio, scene: Callable[..., Scene], baton: Baton
) -> None:
    play = scene(place, signal.SIGKILL, None, *trio_of_nodes, environment=OUTLASTING_FENCE)
    die(play)
    again = baton(*trio_of_nodes, listen=play.proxy.address)
    wait_until(lambda: len(primaries(*trio_of_nodes)) == 1, lambda: f"one is primary: {again.admin('NODES')}")
    play.load.goes_on()
    play.load.stop()
    [primary] = primaries(*trio_of_nodes)
    for replica in set(trio_of_nodes) - {primary}:
        replica.wait_link_up()
        wait_until(lambda: length(replica) == length(primary), "it has as much")  # noqa: B023
        play.load.check(replica)


def length(server: RedisServer) -> int:
    return sum(int(server.command("LLEN", f"writer:{number}")) for number in range(4))


@pytest.mark.parametrize("chosen", ["old", "new"])
def test_the_operator_decides_where_the_old_primary_was_written_to(
    chosen: str, nodes: Pair, scene: Callable[..., Scene], baton: Baton
) -> None:
    old, new = nodes
    play = scene(HALF_DONE, signal.SIGKILL, None, *nodes, environment=SHORT_FENCE)
    die(play)
    play.load.bypassing.goes_on()  # the fence has run out
    play.load.bypassing.stop()
    environment = {"BATON_LIMITS_NO_PRIMARY_WAIT_MS": str(HELD_MS)}
    again = baton(*nodes, listen=play.proxy.address, environment=environment)
    assert again.admin("NODES")[-1].endswith("; clients are held")
    written = [len(writer.acknowledged) for writer in play.load.writers]
    began = time.monotonic()
    held = again.raw()
    held.sendall(b"PING\r\n")
    assert held.recv(1) == b""  # closed when the limit is over, without an answer
    assert time.monotonic() - began > HELD_MS / 1000 / 2  # part of it had passed already
    assert [len(writer.acknowledged) for writer in play.load.writers] == written
    assert len(primaries(*nodes)) == 2
    winner, loser = (old, new) if chosen == "old" else (new, old)
    again.admin("SWITCHOVER", "RESOLVE", winner.address)
    play.load.goes_on()
    loser.wait_link_up()
    assert primaries(*nodes) == [winner]
    play.load.stop()
    play.load.check(winner, bypassing=chosen == "old")


def test_a_candidate_that_reads_its_order_after_the_proxy_died_is_for_the_operator(
    nodes: Pair, scene: Callable[..., Scene], baton: Baton
) -> None:
    """The proxy that comes back knows of no order, and serves the old primary."""
    primary, candidate = nodes
    play = scene(Place("before", "promote"), signal.SIGSTOP, candidate, *nodes, environment=SHORT_FENCE)
    play.begin()
    wait_until(lambda: play.status()["state"] == UNKNOWN, "the candidate was told")
    play.proxy.kill()
    again = baton(*nodes, listen=play.proxy.address)
    play.load.goes_on()
    candidate.thaw()
    wait_until(lambda: candidate.info()["role"] == "master", "the candidate has read its order")
    play.load.goes_on()
    wait_until(lambda: again.admin("NODES")[-1].startswith("! "), "the operator is told")
    again.admin("SWITCHOVER", "RESOLVE", primary.address)
    candidate.wait_link_up()
    play.load.goes_on()
    play.load.stop()
    assert primaries(*nodes) == [primary]
    play.load.check(primary)
