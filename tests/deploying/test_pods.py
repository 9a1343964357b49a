"""The scripts of the Redis pods: with whom a pod starts, and how the primary leaves."""

import shutil
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.deploying.pods import ADMIN_PASSWORD, NO_REDIS_CLI, PASSWORD, Place, place_of
from tests.servers import direct_client
from tests.waiting import wait_until

pytestmark = pytest.mark.skipif(NO_REDIS_CLI, reason="the scripts of the pods need redis-cli")


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Place]:
    with place_of(tmp_path) as place:
        yield place


@pytest.fixture
def place(empty: Place) -> Place:
    """Three pods whose volumes tell their roles, the first of them the primary, and Baton before them."""
    first, *others = empty.pods
    first.kept.touch()
    for pod in others:
        pod.keep(first)
    empty.start()
    empty.start_baton()
    return empty


def test_in_a_new_set_the_first_is_the_primary_and_the_others_follow_it(empty: Place) -> None:
    empty.start()
    first, *others = empty.pods
    assert empty.primary() is first
    assert [pod.follows() for pod in others] == [first.name] * 2
    assert "a new set: this is its primary" in first.log
    with pytest.raises(redis.AuthenticationError), direct_client(first.port) as stranger:
        stranger.ping()
    assert {pod.kept.stat().st_mode & 0o077 for pod in empty.pods} == {0}


def test_a_replica_leaves_at_once_and_nothing_is_moved(place: Place) -> None:
    assert all(pod.leave() == 0 for pod in place.replicas())
    assert place.replicas()[0].run("leave.sh", LOG="/nowhere/log").wait(20) == 0
    assert place.primary() is place.pods[0]
    assert place.info("switchover")["switchovers_done"] == "0"


def test_a_replica_that_hangs_leaves_and_nothing_is_moved(place: Place) -> None:
    """What it is it does not tell; Baton tells that it serves another one."""
    [hangs, _] = place.replicas()
    assert hangs.process is not None
    hangs.process.send_signal(signal.SIGSTOP)
    try:
        assert hangs.leave() == 0
    finally:
        hangs.process.send_signal(signal.SIGCONT)
    assert place.primary() is place.pods[0]
    assert place.info("switchover")["state"] == "none yet"


def test_the_primary_hands_over_before_it_leaves(place: Place) -> None:
    first = place.primary()
    assert first.leave() == 0
    assert place.primary() is not first and first.role() == "slave"
    assert "handed over: " in first.log and PASSWORD not in first.log and ADMIN_PASSWORD not in first.log


@pytest.mark.timeout(120)
def test_a_rolling_update_is_noticed_by_no_client_of_baton(place: Place) -> None:
    """From the highest number down, each when the one before is ready, as the StatefulSet does it."""
    assert place.baton is not None
    client, over, counted = place.baton.client(password=PASSWORD), threading.Event(), 0

    def count() -> None:
        nonlocal counted
        while not over.is_set():
            client.incr("n")
            counted += 1

    faults: list[BaseException] = []

    def counting() -> None:
        try:
            count()
        except BaseException as fault:
            faults.append(fault)

    thread = threading.Thread(target=counting)
    thread.start()
    try:
        for pod in reversed(place.pods):
            assert pod.leave() == 0
            pod.stop()
            pod.start()
            pod.wait_ready()
    finally:
        over.set()
        thread.join()
    assert not faults, faults
    assert counted > 0 and client.get("n") == str(counted)
    assert len(place.replicas()) == 2
    assert place.info("switchover")["switchovers_done"] == "1"


def test_who_was_the_primary_comes_back_as_a_replica_of_who_took_over(place: Place) -> None:
    first = place.primary()
    first.leave()
    taken_over = place.primary()
    first.stop()
    first.start()
    first.wait_ready()
    assert first.follows() == taken_over.name


def test_the_primary_that_just_restarts_is_the_primary_again_with_its_data(place: Place) -> None:
    first = place.primary()
    first.command("SET", "a", "1")
    first.stop()
    first.start()
    first.wait_ready()
    assert place.primary() is first and first.command("GET", "a") == "1"


def test_a_primary_whom_no_replica_fits_asks_again_until_one_does(place: Place) -> None:
    first = place.primary()
    replicas = place.replicas()
    for pod in replicas:
        pod.command("CONFIG", "SET", "replica-priority", "0")
    leaving = first.run("leave.sh", LIMIT_SECONDS="30")
    wait_until(lambda: "not handed over yet: REFUSED" in first.log, lambda: first.log)
    replicas[0].command("CONFIG", "SET", "replica-priority", "100")
    assert leaving.wait(30) == 0
    assert place.primary() is replicas[0]


def test_a_primary_leaves_all_the_same_where_nobody_answers_on_the_console(empty: Place) -> None:
    [first, *_] = empty.pods
    first.kept.touch()
    empty.start([first])
    assert first.leave(limit_seconds=1) == 1
    assert "still the primary after 1 s" in first.log
    assert first.role() == "master"


def test_a_wrong_password_of_the_console_moves_nothing_and_is_not_logged(place: Place) -> None:
    (place.folder / "secrets/admin-password").write_text("wrong secret")
    first = place.primary()
    assert first.leave(limit_seconds=1) == 1
    assert place.primary() is first
    assert "not handed over yet" in first.log
    assert "wrong secret" not in first.log and PASSWORD not in first.log


def test_a_replica_that_was_away_follows_who_took_over_meanwhile(place: Place) -> None:
    """Baton tells who that is; and without Baton it is the one sibling that is primary."""
    first = place.primary()
    away = place.replicas()[-1]
    away.stop()
    assert first.leave() == 0
    taken_over = place.primary()
    assert f"replicaof {first.name.replace(':', ' ')}" in away.kept.read_text()
    away.start()
    away.wait_ready()
    assert away.follows() == taken_over.name
    assert place.baton is not None
    place.baton.kill()
    away.stop()
    away.keep(first)
    away.start()
    away.wait_ready()
    assert away.follows() == taken_over.name


def test_an_empty_volume_follows_whom_baton_serves_also_as_the_first(place: Place) -> None:
    first = place.primary()
    first.command("SET", "a", "1")
    assert first.leave() == 0
    first.stop()
    shutil.rmtree(first.folder / "data")
    (first.folder / "data").mkdir()
    first.start()
    first.wait_ready()
    assert first.follows() == place.primary().name and first.command("GET", "a") == "1"


def test_an_empty_volume_never_empties_the_siblings_that_have_data(place: Place) -> None:
    first, *others = place.pods
    first.command("SET", "a", "1")
    wait_until(lambda: [pod.command("GET", "a") for pod in others] == ["1", "1"], "they have it too")
    first.kill()
    shutil.rmtree(first.folder / "data")
    (first.folder / "data").mkdir()
    first.start(LIMIT_SECONDS="3")
    assert first.process is not None and first.process.wait(30) == 1
    first.process = None
    assert "an empty volume and no primary to follow" in first.log
    assert [pod.command("GET", "a") for pod in others] == ["1", "1"]


def test_one_that_was_promoted_and_ended_before_that_was_kept_is_the_primary(place: Place) -> None:
    first = place.primary()
    assert first.leave() == 0
    promoted = place.primary()
    promoted.kill()
    promoted.keep(first)
    promoted.start()
    promoted.wait_ready()
    assert place.primary() is promoted


def test_an_outage_of_all_keeps_the_roles_and_the_data(place: Place) -> None:
    assert place.primary().leave() == 0
    primary = place.primary()
    primary.command("SET", "a", "1")
    for pod in place.pods:
        pod.stop()
    place.start()
    assert place.primary() is primary and primary.command("GET", "a") == "1"
    assert {pod.follows() for pod in place.replicas()} == {primary.name}


def test_a_replica_is_not_ready_while_it_has_no_primary(place: Place) -> None:
    replica = place.replicas()[0]
    assert replica.ready()
    place.primary().kill()
    wait_until(lambda: not replica.ready(), "its link is down")
    with pytest.raises(redis.ConnectionError):
        place.pods[0].command("PING")
