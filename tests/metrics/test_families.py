"""The table of families, by Prometheus's conventions, and what is rendered of it."""

import re
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

import pytest
import trio
from attrs import evolve
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from proxy.admin.metrics import FAMILIES, as_table, content_type, render, rendering
from proxy.admin.operator import Operator
from proxy.operation.counted import OUTCOMES, REASONS, Counted, Distribution
from proxy.operation.views import NodeView
from proxy.relay.counts import BOUNDS
from proxy.telling import EVENTS

OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
SOME = Distribution((0.001, 1.0), (3, 2, 1), 7.5)
COUNTED = Counted(
    version="1.2.3",
    counting="plain",
    clients={"shared": 5, "private": 2, "none": 1},
    apart=dict.fromkeys(REASONS, 0) | {"multi": 2},
    held=3,
    accepted=9,
    refused={"clients": 3, "tls": 0},
    let_go={"idle_s": 1},
    kept=77,
    lanes={"shared": 1, "private": 2, "spare": 0},
    lanes_lost=1,
    commands={"shared": 1000, "private": 20, "proxy": 4},
    received={"client": 10_000, "node": 5_000},
    sent={"client": 5_000, "node": 12_000},
    took={"shared": SOME, "private": SOME},
    holds=SOME,
    steps={"preflight": SOME},
    switchovers=dict.fromkeys(OUTCOMES, 0) | {"done": 2},
    under_way=True,
    gate={"switchover": True, "no_primary": False, "by_hand": False},
    nodes=(
        NodeView(address="127.0.0.1:1", role="primary", leads=True),
        NodeView(address="127.0.0.1:2", role="replica", leads=False, link_up=True, lag_bytes=14),
        NodeView(address="127.0.0.1:3", role="replica", leads=False, lag_bytes=-1),
        NodeView(address="127.0.0.1:4", role="unknown", leads=False, silent="refused"),
    ),
    events=dict.fromkeys(EVENTS, 0) | {"+held": 2},
    faults=0,
    process={
        "cpu_seconds_total": 1.5,
        "open_fds": 10.0,
        "max_fds": 1024.0,
        "virtual_memory_bytes": 1e8,
        "resident_memory_bytes": 5e7,
        "start_time_seconds": 1.7e9,
    },
)


LONG = Distribution(BOUNDS, range(len(BOUNDS) + 1), 7.5)
ALL = evolve(COUNTED, took={"shared": LONG, "private": LONG}, steps=dict.fromkeys(map(str, range(9)), LONG))
"""As many samples as there ever are."""


class Pretended:
    """An operator that only counts."""

    def __init__(self, counted: Counted) -> None:
        self._counted = counted

    async def counted(self) -> Counted:
        await trio.lowlevel.checkpoint()
        return self._counted


async def rendered(counted: Counted = COUNTED, accept: str = "") -> str:
    operator = cast(Operator, Pretended(counted))
    return b"".join([piece async for piece in render(operator, accept)]).decode()


def values(text: str, openmetrics: bool = False) -> dict[str, dict[tuple[str, ...], float]]:
    """By the names of the samples, then by the values of the labels in the order of their names."""
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in cast(Any, parse_openmetrics if openmetrics else parse_text)(text):
        for sample in family.samples:
            labels: Mapping[str, str] = sample.labels
            found.setdefault(sample.name, {})[tuple(labels[name] for name in sorted(labels))] = sample.value
    return found


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_family_is_named_as_prometheus_asks(family: Any) -> None:
    """What ``promtool check metrics`` looks at, and what the conventions ask beside that."""
    name = family.name
    assert re.fullmatch(r"(baton|process)(_[a-z]+)+", name)
    assert (family.kind == "counter") == name.endswith("_total")
    assert not re.search(r"_(count|sum|bucket|info)$", name) or name == "baton_build_info"
    assert family.kind not in name.split("_") and "histogram" not in name
    units = {"ms", "milliseconds", "microseconds", "minutes", "kilobytes", "kib", "percent"}
    assert not units & set(name.split("_")), "seconds and bytes"
    assert not set(family.labels) & {"le", "quantile", "job", "instance", *name.split("_total")}
    assert all(re.fullmatch("[a-z]+", label) for label in family.labels)
    assert family.help.endswith(".") and "|" not in family.help and "\n" not in family.help
    if family.kind == "histogram":
        assert name.endswith("_seconds")


def test_no_name_is_there_twice() -> None:
    names = [family.name.removesuffix("_total") for family in FAMILIES]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("accept", ["", OPENMETRICS])
async def test_every_family_is_rendered_with_its_type_its_help_and_its_values(accept: str) -> None:
    text = await rendered(accept=accept)
    for family in FAMILIES:
        name = family.name.removesuffix("_total") if accept and family.kind == "counter" else family.name
        assert text.count(f"# TYPE {name} {family.kind}\n") == 1
        assert text.count(f"# HELP {name} {family.help}\n") == 1
    assert (text.count("# EOF\n") == 1 and text.endswith("# EOF\n")) == bool(accept)
    found = values(text, openmetrics=bool(accept))
    assert found["baton_commands_total"] == {("shared",): 1000, ("private",): 20, ("proxy",): 4}
    assert found["baton_build_info"] == {("plain", "1.2.3"): 1}
    assert found["baton_switchover_under_way"] == {(): 1}
    assert found["baton_gate_closed"] == {("switchover",): 1, ("no_primary",): 0, ("by_hand",): 0}
    assert found["baton_hold_seconds_bucket"] == {("0.001",): 3, ("1.0",): 5, ("+Inf",): 6}
    assert found["baton_hold_seconds_count"] == {(): 6} and found["baton_hold_seconds_sum"] == {(): 7.5}
    assert found["baton_command_seconds_count"] == {("shared",): 6, ("private",): 6}


async def test_what_is_not_known_of_a_node_is_left_out() -> None:
    found = values(await rendered())
    one, two, three, four = (f"127.0.0.1:{number}" for number in (1, 2, 3, 4))
    assert found["baton_node_up"] == {(one,): 1, (two,): 1, (three,): 1, (four,): 0}
    assert found["baton_node_primary"] == {(one,): 1, (two,): 0, (three,): 0, (four,): 0}
    assert found["baton_node_leads"] == {(one,): 1, (two,): 0, (three,): 0, (four,): 0}
    assert found["baton_node_link_up"] == {(two,): 1, (three,): 0}
    assert found["baton_node_lag_bytes"] == {(two,): 14}


async def test_a_node_that_was_removed_is_there_no_more() -> None:
    left = evolve(COUNTED, nodes=COUNTED.nodes[:1])
    found = values(await rendered(left))
    nodes = {
        labels for name, samples in found.items() if name.startswith("baton_node_") for labels in samples
    }
    assert nodes == {("127.0.0.1:1",)}


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("", "text/plain; version=0.0.4"),
        ("*/*", "text/plain; version=0.0.4"),
        ("text/html", "text/plain; version=0.0.4"),
        (OPENMETRICS, "application/openmetrics-text; version=1.0.0"),
        ("application/openmetrics-text", "application/openmetrics-text; version=1.0.0"),
        ("application/openmetrics-text;version=x.y", "application/openmetrics-text; version=1.0.0"),
        ("application/openmetrics-text;version=;=;;,,", "application/openmetrics-text; version=1.0.0"),
    ],
)
async def test_the_format_is_what_the_asker_understands(accept: str, kind: str) -> None:
    assert content_type(accept).startswith(kind)
    assert (await rendered(accept=accept)).endswith("# EOF\n") == kind.startswith("application")


def test_the_table_for_the_docs_has_a_row_for_each() -> None:
    rows = as_table().splitlines()[2:]
    assert [row.split("`")[1] for row in rows] == [family.name for family in FAMILIES]
    assert all(row.replace(r"\|", "").count("|") == 5 for row in rows)


class Steps(trio.abc.Instrument):
    """How much CPU time a task takes in one go, at most."""

    def __init__(self) -> None:
        self.task = trio.lowlevel.current_task()
        self.began, self.longest = time.thread_time(), 0.0

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self.began = time.thread_time()

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        if task is self.task:
            self.longest = max(self.longest, time.thread_time() - self.began)


async def longest_step(act: Callable[[], Awaitable[object]]) -> float:
    """The CPU seconds of the longest step of this. The least of five tries: a busy machine is no failure."""
    tries = []
    for _ in range(5):
        steps = Steps()
        trio.lowlevel.add_instrument(steps)
        await trio.lowlevel.checkpoint()
        await act()
        await trio.lowlevel.checkpoint()
        trio.lowlevel.remove_instrument(steps)
        tries.append(steps.longest)
    return min(tries)


async def test_it_is_rendered_in_slices_of_less_than_a_millisecond() -> None:
    """The first time, too, when nothing is known from an earlier scrape."""

    async def rendered_anew() -> None:
        rendering._written.cache_clear()
        await rendered(ALL)

    assert await longest_step(rendered_anew) < 0.001, "in one go it takes more"


async def test_what_has_changed_since_the_last_scrape_is_written_anew() -> None:
    before = await rendered()
    misses = rendering._written.cache_info().misses
    assert await rendered() == before and rendering._written.cache_info().misses == misses
    later = await rendered(evolve(COUNTED, commands=dict(COUNTED.commands, shared=1001), holds=LONG))
    assert values(later)["baton_commands_total"] == {("shared",): 1001, ("private",): 20, ("proxy",): 4}
    assert values(later)["baton_hold_seconds_count"] == {(): sum(LONG.counts)}
    assert rendering._written.cache_info().misses == misses + 2
