"""The primary is killed, or stands still, at each step of a switchover."""

import signal
from collections.abc import Callable

import pytest

from tests.kills.conftest import Scene
from tests.kills.places import PLACES, Place
from tests.servers import Pair, RedisServer, Trio
from tests.waiting import wait_until

NOT_CONVERGED = [place for place in PLACES if not place.is_converged]
CONVERGED = [place for place in PLACES if place.is_converged]
PAUSED = [Place("after", "pause"), Place("before", "converge")]
"""Nothing is written any more: the candidate may have everything."""
TOLD_BUT_NOT_KEPT = [
    Place("after", "demote"),
    Place("before", "swap"),
    Place("after", "swap"),
    Place("before", "settle"),
]
"""The old primary follows, perhaps, but does not know of it when it comes back."""
TOLD_NO_LONGER = {"DEMOTE_SECONDS": "0.3"}


@pytest.mark.parametrize("place", NOT_CONVERGED, ids=str)
def test_a_primary_that_was_killed_before_it_was_converged_to_is_primary_when_it_is_back(
    place: Place, nodes: Pair, scene: Callable[..., Scene]
) -> None:
    primary, candidate = nodes
    play = scene(place, signal.SIGKILL, primary, *nodes).begin()
    if is_promoted(play, place, candidate):
        bring_back_killed(play, place, nodes)
        return
    assert play.refusal().startswith("CALLEDOFF ")
    wait_until(lambda: all(writer.closed for writer in play.load.writers), "all connections are closed")
    primary.kill()
    primary.restart()
    play.load.goes_on()
    play.load.bypassing.goes_on()
    assert candidate.info()["role"] == "slave"
    play.load.stop()
    assert not any(writer.errors for writer in play.load.writers)
    play.load.check(primary)


def is_promoted(play: Scene, place: Place, candidate: RedisServer) -> bool:
    """Whether the candidate had everything, and had not noticed that its primary was gone."""
    play.wait_harm()
    wait_until(lambda: play.answered or candidate.info()["role"] == "master", "it is decided")
    promoted = bool(candidate.info()["role"] == "master")
    assert not promoted or place in PAUSED
    return promoted


def bring_back_killed(play: Scene, place: Place, nodes: Pair) -> None:
    """The promotion is carried through: at once for the clients, for the old primary when it is back."""
    old, new = nodes
    play.wait_harm()
    wait_until(lambda: new.info()["role"] == "master", "the candidate is primary")
    play.load.goes_on()
    play.load.bypassing.stop()
    old.kill()
    old.restart()
    report = play.report()
    assert report["outcome"] == "done"
    if old.info()["role"] == "master":
        assert place in TOLD_BUT_NOT_KEPT
        resolve(play, new)
    old.wait_link_up()
    play.load.goes_on()
    play.load.stop()
    assert not any(writer.errors for writer in play.load.writers)
    assert new.info()["role"] == "master"
    play.load.check(new)


def resolve(play: Scene, new: RedisServer) -> None:
    """Two nodes are primary, and neither took over from the other: clients stay where they are."""
    wait_until(
        lambda: "both call themselves primary" in play.proxy.admin("NODES")[-1], "the operator is told"
    )
    play.load.goes_on()
    play.proxy.admin("SWITCHOVER", "RESOLVE", new.address)


@pytest.mark.parametrize("place", CONVERGED, ids=str)
def test_a_switchover_from_a_primary_that_was_killed_once_converged_is_carried_through(
    place: Place, nodes: Pair, scene: Callable[..., Scene]
) -> None:
    bring_back_killed(scene(place, signal.SIGKILL, nodes.primary, *nodes).begin(), place, nodes)


@pytest.mark.parametrize("place", [Place("before", "promote"), Place("after", "promote")], ids=str)
def test_an_old_primary_that_comes_back_too_late_to_be_told_is_for_the_operator(
    place: Place, nodes: Pair, scene: Callable[..., Scene]
) -> None:
    old, new = nodes
    play = scene(place, signal.SIGKILL, old, *nodes, environment=TOLD_NO_LONGER)
    report = play.begin().report()
    assert report["outcome"] == "done"
    assert f"the old primary does not follow yet: {old.address}" in report["notes"]
    play.load.goes_on()
    play.load.bypassing.stop()
    old.kill()
    old.restart()
    wait_until(
        lambda: "both call themselves primary" in play.proxy.admin("NODES")[-1], "the operator is told"
    )
    play.load.goes_on()
    play.proxy.admin("SWITCHOVER", "RESOLVE", new.address)
    old.wait_link_up()
    play.load.goes_on()
    play.load.stop()
    play.load.check(new)


@pytest.mark.parametrize("place", NOT_CONVERGED, ids=str)
def test_a_primary_that_stands_still_before_it_was_converged_to_stays_primary(
    place: Place, nodes: Pair, scene: Callable[..., Scene]
) -> None:
    primary, candidate = nodes
    play = scene(place, signal.SIGSTOP, primary, *nodes).begin()
    if is_promoted(play, place, candidate):
        let_go_on(play, nodes)
        return
    assert play.refusal().startswith("CALLEDOFF ")
    primary.thaw()
    play.load.goes_on()
    play.load.bypassing.goes_on()
    assert candidate.info()["role"] == "slave"
    play.load.stop()
    assert play.load.noticed == []
    play.load.check(primary)


def let_go_on(play: Scene, nodes: Pair) -> None:
    """Clients do not wait for the old primary, which is told when it goes on.

    A write that went past the proxy while the old primary stood still may be carried out ahead of the fence,
    which came later: it is not answered for.
    """
    old, new = nodes
    play.wait_harm()
    wait_until(lambda: new.info()["role"] == "master", "the candidate is primary")
    play.load.goes_on()
    old.thaw()
    assert play.report()["outcome"] == "done"
    old.wait_link_up()
    play.load.goes_on()
    play.load.stop()
    assert play.load.noticed == []
    assert old.info()["role"] == "slave"
    play.load.check(new, bypassing=False)


@pytest.mark.parametrize("place", CONVERGED, ids=str)
def test_clients_do_not_wait_for_an_old_primary_that_stands_still(
    place: Place, nodes: Pair, scene: Callable[..., Scene]
) -> None:
    let_go_on(scene(place, signal.SIGSTOP, nodes.primary, *nodes).begin(), nodes)


@pytest.mark.parametrize("place", PLACES[1:12:10], ids=str)
def test_nobody_waits_for_another_replica_that_stands_still(
    place: Place, trio_of_nodes: Trio, scene: Callable[..., Scene]
) -> None:
    _, candidate, other = trio_of_nodes
    candidate.command("CONFIG", "SET", "replica-priority", 10)
    play = scene(place, signal.SIGSTOP, other, *trio_of_nodes)
    report = play.begin().report()
    assert (report["outcome"], report["to"]) == ("done", candidate.address)
    other.thaw()
    other.wait_link_up()
    play.load.goes_on()
    play.load.stop()
    assert play.load.noticed == []
    play.load.check(candidate)
