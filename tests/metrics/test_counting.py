"""What is counted where somebody asks: in slices, and of events whatever they bring."""

import gc
import os
import time
from types import SimpleNamespace
from typing import cast

import pytest
from attrs import define

from proxy.operation.counting import Counting
from proxy.operation.ground import Ground
from proxy.operation.process import measured, open_files
from proxy.relay.client import Client
from proxy.session.session import Session
from proxy.telling import publishing, tell
from tests.metrics.test_families import longest_step
from tests.relay.bench import PretendRoute, ends, new_route

MANY = 10_000
MORE = 250


def counting(route: PretendRoute | None = None) -> Counting:
    return Counting(cast(Ground, SimpleNamespace(route=route or new_route())))


@define(eq=False)
class Apart:
    """Of a client what is looked at."""

    lane: object
    session: Session
    heavy_until: float


def many_apart(shares: bool) -> PretendRoute:
    """A route of which so many clients have a lane of their own, and one waits for his."""
    route = new_route()
    route.shares = shares
    lane = SimpleNamespace(shared=False)
    for number in range(MANY):
        session = Session(number, route.common)
        client = Apart(lane, session, float(number % 2))
        route.apart[cast(Client, client)] = None
    waiting = Apart(None, Session(MANY, route.common), 0.0)
    route.apart[cast(Client, waiting)] = None
    return route


@pytest.mark.parametrize(
    ("shares", "wanted"), [(False, {"mode": MANY}), (True, {"large": MANY // 2, "other": MANY // 2})]
)
async def test_ten_thousand_clients_are_counted_in_slices_of_less_than_a_millisecond(
    shares: bool, wanted: dict[str, int]
) -> None:
    made = counting(many_apart(shares))
    assert await longest_step(lambda: made.counted([])) < 0.001, "in one go it takes more"
    apart = (await made.counted([])).apart
    assert {why: count for why, count in apart.items() if count} == wanted


async def test_all_who_are_held_are_counted_each_once() -> None:
    route = new_route()
    made = counting(route)
    pairs = [ends() for _ in range(300)]
    for number, (ours, _) in enumerate(pairs):
        Client(route.reactor, ours, route, number)
    for _, theirs in pairs[:200]:
        theirs.send(b"*1\r\n$4\r\nPING\r\n")
    assert (await made.counted([])).held == 0, "they are not held"
    route.reactor.hold("by hand")
    assert (await made.counted([])).held == 200
    assert (await made.counted([])).held == 200, "nothing is taken from them by looking"
    route.reactor.release("by hand")
    assert (await made.counted([])).held == 0
    for ours, theirs in pairs:
        ours.close()
        theirs.close()
    route.reactor.close()


async def test_an_event_that_is_odd_breaks_nobody_who_tells_it_and_the_next_is_counted() -> None:
    made = counting()
    tell("+preflight", switchover=1)
    tell("+switched-over", switchover=1)
    tell("+released", switchover="one", hold_ms="long")
    tell("+preflight", switchover=2, ms=3.0)
    tell("+switched-over", switchover=2, outcome="promoted")
    counted = await made.counted([])
    assert sum(counted.steps["preflight"].counts) == 1 and counted.switchovers["promoted"] == 1
    assert counted.events["+preflight"] == 2


async def test_outcomes_are_counted_but_not_those_of_dry_runs() -> None:
    made = counting()
    tell("+switchover", switchover=1, to="x", budget_ms=1)
    assert (await made.counted([])).under_way
    tell("-called-off", switchover=1, kind="CALLEDOFF", why="y")
    tell("+switchover", switchover=2, to="x", budget_ms=1, dry_run=True)
    tell("+switched-over", switchover=2, outcome="dry run")
    tell("+switchover", switchover=3, to="x", budget_ms=1, dry_run=True)
    tell("-refused", switchover=3, kind="REFUSED", why="z")
    tell("+switchover", switchover=4, to="x", budget_ms=1)
    tell("-refused", switchover=4, kind="REFUSED", why="z")
    counted = await made.counted([])
    assert not counted.under_way
    assert {name: count for name, count in counted.switchovers.items() if count} == {
        "called_off": 1,
        "refused": 1,
    }


def test_nobody_listens_any_more_when_it_is_gone() -> None:
    before = len(publishing._teller.listeners)
    made = counting()
    assert len(publishing._teller.listeners) == before + 1
    del made
    gc.collect()
    assert len(publishing._teller.listeners) == before


async def test_the_process_is_measured_as_the_kernel_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    found = await measured()
    assert 0 < found["resident_memory_bytes"] < found["virtual_memory_bytes"]
    assert found["cpu_seconds_total"] == pytest.approx(time.process_time(), abs=0.5)
    assert time.time() - 3600 * 24 < found["start_time_seconds"] <= time.time()
    files = await open_files()
    opened = [os.open("/dev/null", os.O_RDONLY) for _ in range(MORE)]
    assert await open_files() == files + MORE
    if os.stat("/proc/self/fd").st_size:
        with monkeypatch.context() as listing:
            listing.setattr("os.scandir", None)
            assert await open_files() == files + MORE, "none is made where the kernel tells"
    monkeypatch.setattr("os.stat", lambda path: SimpleNamespace(st_size=0))
    assert abs(await open_files() - files - MORE) <= 1, (
        "an older kernel lists them, and the list is open itself"
    )
    for file in opened:
        os.close(file)
