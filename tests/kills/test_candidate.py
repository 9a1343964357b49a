"""The candidate is killed, or stands still, at each step of a switchover."""

import signal
from collections.abc import Callable

import pytest

from proxy.switchover.report import UNKNOWN
from tests.kills.conftest import BUDGET_MS, SHORT_FENCE, Scene
from tests.kills.places import PLACES, Place
from tests.servers import Pair
from tests.waiting import wait_until

UNDONE = [place for place in PLACES if place.is_undone]
AT_THE_EDGE = [place for place in UNDONE if place.is_converged]
CARRIED_THROUGH = [place for place in PLACES if not place.is_undone]
LONG_BUDGET = {"BATON_SWITCHOVER_BUDGET_MS": "1500"}
BEYOND_EVERY_PAUSE_MS = 5 * BUDGET_MS
"""The pause before the edge lasts 550 ms at the most, one fence 600 ms."""


@pytest.mark.parametrize("place", UNDONE, ids=str)
def test_a_switchover_to_a_candidate_that_was_killed_is_called_off(
    place: Place, nodes: Pair, scene: Callable[..., Scene]
) -> None:
    primary, candidate = nodes
    play = scene(place, signal.SIGKILL, candidate, *nodes)
    refusal = play.begin().refusal()
    assert refusal.startswith("CALLEDOFF "), refusal
    play.load.goes_on()
    assert (play.load.noticed, primary.info()["role"]) == ([], "master")
    candidate.kill()
    candidate.restart()
    candidate.wait_link_up()
    assert play.begin().report()["outcome"] == "done"
    play.load.goes_on()
    play.load.stop()
    assert (play.load.noticed, candidate.info()["role"]) == ([], "master")
    play.load.check(candidate)


@pytest.mark.parametrize("place", CARRIED_THROUGH, ids=str)
def test_a_new_primary_that_was_killed_is_reported_for_what_it_is(
    place: Place, nodes: Pair, scene: Callable[..., Scene]
) -> None:
    old, new = nodes
    play = scene(place, signal.SIGKILL, new, *nodes)
    report = play.begin().report()
    if (place.when, place.step) == ("after", "settle"):  # nothing was left to be done
        assert (report["outcome"], report["notes"]) == ("done", "")
    else:
        assert report["outcome"] == "promoted"
        assert new.address in report["notes"]
    assert old.info()["role"] == "slave"
    new.kill()
    new.restart()
    if (
        new.info()["role"] == "slave"
    ):  # it was killed before it could keep its role, and they follow each other
        wait_until(
            lambda: "! no node is primary; clients are held" in play.proxy.admin("NODES"), "it is told"
        )
        assert play.proxy.admin("SWITCHOVER", "RESOLVE", new.address).startswith(
            f"{new.address} is the primary"
        )
    play.load.goes_on()
    play.load.stop()
    assert not any(writer.errors for writer in play.load.writers)
    assert (old.info()["role"], new.info()["role"]) == ("slave", "master")
    play.load.check(new)


@pytest.mark.parametrize("place", [place for place in UNDONE if not place.is_converged], ids=str)
def test_a_switchover_to_a_candidate_that_stands_still_is_called_off(
    place: Place, nodes: Pair, scene: Callable[..., Scene]
) -> None:
    primary, candidate = nodes
    play = scene(place, signal.SIGSTOP, candidate, *nodes)
    refusal = play.begin().refusal()
    assert refusal.startswith("CALLEDOFF "), refusal
    play.load.goes_on()
    play.load.bypassing.goes_on()
    assert (play.load.noticed, primary.info()["role"]) == ([], "master")
    candidate.thaw()
    candidate.wait_link_up()
    assert candidate.info()["role"] == "slave"
    assert play.begin().report()["outcome"] == "done"
    play.load.goes_on()
    play.load.stop()
    assert play.load.noticed == []
    play.load.check(candidate)


@pytest.mark.parametrize("place", [Place("after", "pause"), Place("before", "converge")], ids=str)
def test_nobody_writes_past_the_proxy_while_the_candidate_converges(
    place: Place, nodes: Pair, scene: Callable[..., Scene]
) -> None:
    primary, candidate = nodes
    play = scene(place, signal.SIGSTOP, candidate, *nodes, environment=LONG_BUDGET).begin()
    play.wait_harm()
    wait_until(lambda: primary.info("clients")["blocked_clients"] == 1, "the write is postponed")
    assert not play.answered
    assert play.refusal() == "CALLEDOFF converge: not within the budget of 1500 ms"
    play.load.bypassing.goes_on()
    candidate.thaw()
    play.load.goes_on()
    play.load.stop()
    assert play.load.noticed == []
    play.load.check(primary)


def stands_still_at_promote(place: Place, nodes: Pair, scene: Callable[..., Scene]) -> Scene:
    """Nothing is unpaused on a guess: not for the clients, nor for whoever goes past the proxy."""
    play = scene(place, signal.SIGSTOP, nodes.replica, *nodes, environment=SHORT_FENCE).begin()
    wait_until(lambda: play.status()["state"] == UNKNOWN, lambda: f"it is told: {play.status()}")
    writers = [*play.load.writers, play.load.bypassing]
    written = [len(writer.acknowledged) for writer in writers]
    wait_until(
        lambda: float(play.status()["hold_ms"]) > BEYOND_EVERY_PAUSE_MS,
        lambda: f"the clients are held: {play.status()}",
    )
    assert [len(writer.acknowledged) for writer in writers] == written
    status = play.status()
    assert (status["state"], status["step"], play.answered) == (UNKNOWN, "promote", False)
    assert "has not answered within" in status["notes"]
    assert nodes.primary.info()["role"] == "master"
    return play


@pytest.mark.parametrize("place", AT_THE_EDGE, ids=str)
def test_a_candidate_that_stands_still_when_it_is_told_is_waited_for(
    place: Place, nodes: Pair, scene: Callable[..., Scene]
) -> None:
    play = stands_still_at_promote(place, nodes, scene)
    nodes.replica.thaw()
    report = play.report()
    assert (report["outcome"], report["full_resyncs"]) == ("done", 0)
    play.load.goes_on()
    play.load.stop()
    assert play.load.noticed == []
    assert (nodes.primary.info()["role"], nodes.replica.info()["role"]) == ("slave", "master")
    play.load.check(nodes.replica)


@pytest.mark.parametrize("place", AT_THE_EDGE[1:], ids=str)
def test_a_candidate_that_stood_still_when_it_was_told_and_was_killed_was_not_promoted(
    place: Place, nodes: Pair, scene: Callable[..., Scene]
) -> None:
    play = stands_still_at_promote(place, nodes, scene)
    nodes.replica.kill()
    assert play.refusal().startswith("CALLEDOFF promote: the candidate process is gone")
    play.load.goes_on()
    play.load.bypassing.goes_on()
    play.load.stop()
    assert play.load.noticed == []
    play.load.check(nodes.primary)


@pytest.mark.parametrize("place", AT_THE_EDGE[1:], ids=str)
def test_the_operator_can_decide_about_a_candidate_that_does_not_come_back(
    place: Place, nodes: Pair, scene: Callable[..., Scene]
) -> None:
    primary, candidate = nodes
    play = stands_still_at_promote(place, nodes, scene)
    play.proxy.admin("SWITCHOVER", "RESOLVE", primary.address)
    assert play.refusal().startswith("CALLEDOFF promote: ")
    play.load.goes_on()
    candidate.thaw()  # it does now what it was told
    wait_until(lambda: candidate.info()["role"] == "master", "the candidate has read its order")
    play.load.goes_on()
    play.proxy.admin("SWITCHOVER", "RESOLVE", primary.address)
    candidate.wait_link_up()
    play.load.goes_on()
    play.load.stop()
    assert play.load.noticed == []
    assert (primary.info()["role"], candidate.info()["role"]) == ("master", "slave")
    play.load.check(primary)


@pytest.mark.parametrize("place", CARRIED_THROUGH, ids=str)
def test_clients_wait_for_a_new_primary_that_stands_still(
    place: Place, nodes: Pair, scene: Callable[..., Scene]
) -> None:
    old, new = nodes
    play = scene(place, signal.SIGSTOP, new, *nodes).begin()
    play.wait_harm()
    wait_until(lambda: old.info()["role"] == "slave", "the old primary is told all the same")
    new.thaw()
    report = play.report()
    assert (report["outcome"], report["full_resyncs"]) == ("done", 0)
    play.load.goes_on()
    play.load.stop()
    assert play.load.noticed == []
    assert new.info()["role"] == "master"
    play.load.check(new)
