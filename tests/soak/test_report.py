"""What the soak calls well, and what it calls a failure, in words."""

import io
import json
from typing import Any

import pytest

from proxy.terminal.stage.screen import Screen
from scripts.baton_soak.book import WRONGS, Row
from scripts.baton_soak.ground import doors
from scripts.baton_soak.growth import Line
from scripts.baton_soak.report import Report
from scripts.baton_soak.samples import MEASURES, Sample
from scripts.baton_soak.table import show

SAMPLE = Sample(at_s=1.0, switchovers=0, cpu_s=0.5, starved_s=2.0, values=dict.fromkeys(MEASURES, 10.0))
LEVEL = Line(median=10.0, rise=0.0, allowed=5.0, samples=60)


def report(**other: Any) -> Report:
    """One of a run in which all was well, but for this."""
    given: dict[str, Any] = {
        "what": "60 s",
        "seconds": 60.0,
        "rows": [Row("residents: INCR", clients=3, operations=1000)],
        "outcomes": {"done": 100},
        "hard": {"cancelled": {"calledoff": 2}},
        "faults": {"reload": 1},
        "holds_ms": [5.0, 7.0, 9.0],
        "before": SAMPLE,
        "after": SAMPLE,
        "samples": [SAMPLE, SAMPLE],
        "lines": dict.fromkeys(MEASURES, LEVEL),
        "problems": [],
        "left": [],
        "others": 0,
    }
    return Report(**given | other)


def shown(told: Report) -> str:
    stream = io.StringIO()
    show(Screen(stream), told)
    return stream.getvalue()


def test_where_all_is_well_it_says_so() -> None:
    assert report().ok
    assert report().failures() == []
    assert "ok: 100 switchovers, and no client noticed" in shown(report())
    assert json.loads(json.dumps(report().told()))["ok"]


@pytest.mark.parametrize("wrong", WRONGS)
def test_one_thing_wrong_is_enough(wrong: str) -> None:
    told = report(rows=[Row("a", operations=10**7), Row("b", operations=10**7, **{wrong: 1})])
    assert not told.ok
    assert told.failures() == [f"{wrong} 1"]


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"lines": dict.fromkeys(MEASURES, LEVEL) | {"tasks": Line(20.0, 30.0, 25.0, 60)}}, "tasks grow"),
        (
            {"lines": dict.fromkeys(MEASURES, LEVEL) | {"resident": Line(20.0, 6.0, 5.0, 60)}},
            "resident grows",
        ),
        ({"left": ["2 clients"]}, "left over: 2 clients"),
        ({"others": 1, "problems": ["the nodes differ"]}, "other problems 1"),
        ({"outcomes": {"done": 100, "promoted": 3}}, "switchovers not confirmed to the end 3"),
        ({"outcomes": {}}, "no switchover was done"),
        ({"rows": [Row("a", clients=5)]}, "nothing was done"),
    ],
)
def test_so_is_each_of_these(other: dict[str, Any], why: str) -> None:
    told = report(**other)
    assert not told.ok
    assert told.failures() == [why]
    assert f"NOT ok: {why}" in shown(told)


def test_a_switchover_in_a_hundred_may_end_unconfirmed() -> None:
    assert report(outcomes={"done": 100, "promoted": 1}).ok


def test_the_doors_are_told_apart_by_what_is_spoken_there() -> None:
    plain = "20:00  +serving  address=127.0.0.1:7000\n"
    secure = "20:00  +serving  address=127.0.0.1:7001 tls=true\n"
    assert doors(plain) == (7000, 0)
    assert doors(secure + plain) == doors(plain + secure) == (7000, 7001)
