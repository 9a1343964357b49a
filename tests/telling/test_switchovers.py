"""What the log says of real switchovers: each step in order, and exactly one end."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

from tests.baton import BatonProcess
from tests.console import ask, events
from tests.servers import Pair
from tests.valve import ValvedPair

Start = Callable[..., BatonProcess]

BEFORE = ["+asked", "+switchover", "+preflight", "+warmed", "+held", "+drained", "+paused", "+converged"]
AFTER = {"-note", "+steered", "-steered"}
BEYOND = {"+promoted", "+demoted", "+swapped", "+released", "+settled"}
STEPS = {
    "preflight": "+preflight",
    "warm": "+warmed",
    "hold": "+drained",
    "pause": "+paused",
    "converge": "+converged",
    "promote": "+promoted",
    "demote": "+demoted",
    "swap": "+swapped",
    "settle": "+settled",
}
ENDS = {"+switched-over", "-refused", "-called-off", "-failed"}


@pytest.fixture
def valved(pair: Pair) -> Iterator[ValvedPair]:
    made = ValvedPair.of(pair)
    yield made
    made.valve.close()


def of_switchovers(proxy: BatonProcess) -> list[dict[str, Any]]:
    """Everything since it serves, but for notes, which depend on the servers, and the ends of the audit."""
    told = events(proxy)
    began = [each["event"] for each in told].index("+admin") + 1
    return [each for each in told[began:] if each["event"] not in AFTER]


def names(told: list[dict[str, Any]]) -> list[str]:
    return [each["event"] for each in told]


def test_a_switchover_is_told_step_by_step(pair: Pair, baton: Start) -> None:
    proxy = baton(*pair)
    old, new = pair.primary.address, pair.replica.address
    report = proxy.switchover(new)
    told = of_switchovers(proxy)
    assert names(told[:8]) == BEFORE
    assert set(names(told[8:13])) == BEYOND
    beyond = names(told[8:13])
    assert beyond[0] == "+promoted" and beyond[-1] == "+settled"
    assert beyond.index("+swapped") < beyond.index("+released")  # the demotion ends when it ends
    assert names(told[13:]) == ["+switched-over"]
    asked, begin, end = told[0], told[1], told[-1]
    assert asked["command"].upper() == f"SWITCHOVER TO {new}" and asked["peer"].startswith("127.0.0.1:")
    assert (begin["to"], begin["budget_ms"]) == (new, 1000)
    assert (end["outcome"], end["from"], end["to"]) == ("done", old, new)
    assert end["hold_ms"] == float(report["hold_ms"]) > 0
    assert {each["switchover"] for each in told[1:]} == {1}
    assert {each["event"]: each["ms"] for each in told[2:-1] if "ms" in each} == {
        event: float(report[f"steps_ms.{step}"]) for step, event in STEPS.items()
    }
    assert proxy.switchover(old)["outcome"] == "done"
    assert {each["switchover"] for each in of_switchovers(proxy)[15:]} == {2}


def test_one_that_is_refused_is_told_with_its_check_and_no_step(pair: Pair, baton: Start) -> None:
    proxy = baton(*pair)
    with pytest.raises(redis.ResponseError, match="REFUSED"):
        proxy.switchover(pair.primary.address)
    told = of_switchovers(proxy)
    assert names(told) == ["+asked", "+switchover", "-refused"]
    assert told[-1]["kind"] == "REFUSED" and told[-1]["why"].startswith("candidate: ")
    assert told[-1]["switchover"] == 1


def test_one_that_is_called_off_is_told_to_where_it_came(valved: ValvedPair, baton: Start) -> None:
    proxy = baton(valved.primary, valved.replica)
    valved.valve.shut()
    valved.primary.command("SET", "fruit", "plum")
    with pytest.raises(redis.ResponseError, match="CALLEDOFF converge"):
        proxy.switchover(budget_ms=200)
    told = of_switchovers(proxy)
    assert names(told) == [*BEFORE[:-1], "+released", "-called-off"]
    released, end = told[-2:]
    assert 150 < released["hold_ms"] < 1500  # no more than its budget, but for a busy machine
    assert end["why"].startswith("converge: ") and end["switchover"] == 1


def test_a_rehearsal_is_told_as_one(pair: Pair, baton: Start) -> None:
    proxy = baton(*pair)
    assert not str(ask(proxy, "SWITCHOVER", "DRYRUN")).startswith("ERR")
    told = of_switchovers(proxy)
    assert names(told) == ["+asked", "+switchover", "+preflight", "+warmed", "+switched-over"]
    assert told[1]["dry_run"] is True
    assert told[-1]["outcome"] == "dry run"


def test_for_machines_each_line_is_an_object(pair: Pair, baton: Start) -> None:
    """As where neither a terminal nor a format is given; the ports are found in it, too."""
    proxy = baton(*pair, environment={"BATON_LOG_FORMAT": "auto"})
    assert proxy.switchover()["outcome"] == "done"
    proxy.terminate()
    told = [json.loads(line) for line in proxy.log().splitlines()]
    assert all(list(line)[:3] == ["time", "level", "event"] for line in told)
    assert [line["event"] for line in told if line["event"] in ENDS] == ["+switched-over"]
    assert told[-1]["event"] == "+left"


def test_below_its_level_nothing_but_the_audit_is_written(pair: Pair, baton: Start) -> None:
    """The level may be changed while it runs."""
    proxy = baton(*pair)
    assert ask(proxy, "LOG", "LEVEL") == "info"
    assert ask(proxy, "LOG", "LEVEL", "warning") == "OK"
    before = proxy.log()
    assert proxy.switchover()["outcome"] == "done"
    with pytest.raises(redis.ResponseError, match="REFUSED"):
        proxy.switchover("127.0.0.1:1")
    written = {line.split()[1] for line in proxy.log().removeprefix(before).splitlines()}
    assert written - {"-note"} == {"-refused", "+asked", "+steered", "-steered"}
    assert ask(proxy, "LOG", "LEVEL", "loud").startswith("LEVEL wants one of debug")
    assert ask(proxy, "LOG", "LEVEL") == "warning"
