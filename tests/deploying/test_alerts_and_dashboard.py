"""Alert rules and dashboard ask for nothing that /metrics does not have, and every alert is seen to fire."""

import json
import re
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.baton import BatonProcess
from tests.binaries import ROOT
from tests.servers import RedisServer
from tests.waiting import wait_until

RULES = ROOT / "configs/prometheus/baton.rules.yaml"
TESTS = ROOT / "configs/prometheus/baton.rules.test.yaml"
DASHBOARD = ROOT / "configs/grafana/baton.json"

BY_PROMETHEUS = {"job", "instance"}
"""Labels that every series has by the scraping."""

METRIC = re.compile(r"\b((?:baton|process|python)_\w+)\b(?:\{([^}]*)\})?")
MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')
GROUPING = re.compile(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)")

Exported = dict[str, list[dict[str, str]]]


@attrs.frozen
class Expression:
    """One, and where it stands; and the labels that the text beside it uses."""

    place: str
    text: str
    shown: str = ""


@pytest.fixture(scope="module")
def rules() -> list[dict[str, Any]]:
    [group] = yaml.safe_load(RULES.read_text())["groups"]
    return list(group["rules"])


@pytest.fixture(scope="module")
def dashboard() -> dict[str, Any]:
    return dict(json.loads(DASHBOARD.read_text()))


def expressions(rules: list[dict[str, Any]], dashboard: dict[str, Any]) -> Iterator[Expression]:
    for rule in rules:
        yield Expression(rule["alert"], rule["expr"], " ".join(rule["annotations"].values()))
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield Expression(panel["title"], target["expr"], target["legendFormat"])
    for annotation in dashboard["annotations"]["list"]:
        yield Expression(annotation["name"], annotation["expr"], annotation["textFormat"])
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            yield Expression(variable["name"], variable["definition"])


def exported(text: str) -> Exported:
    """The labels of every sample of an answer of /metrics, by the name of the series."""
    found: Exported = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append(dict(sample.labels))
    return found


def wrong(expression: Expression, known: Exported) -> list[str]:
    """Every name of a metric, of a label or a value of one that is not exported."""
    found, labels = [], set(BY_PROMETHEUS)
    for name, matchers in METRIC.findall(expression.text):
        if name not in known:
            found.append(f"{expression.place}: there is no metric {name}")
            continue
        own = set().union(*known[name])
        labels |= own
        for label, sign, value in MATCHER.findall(matchers):
            if label not in own | BY_PROMETHEUS:
                found.append(f"{expression.place}: {name} has no label {label}")
            elif label in own:
                values = {sample[label] for sample in known[name]}
                wanted = value.split("|") if sign in ("=~", "!~") else [re.escape(value)]
                lost = [each for each in wanted if not any(re.fullmatch(each, one) for one in values)]
                found += [f"{expression.place}: {name} has no {label} {each}" for each in lost]
    grouped = {word.strip() for words in GROUPING.findall(expression.text) for word in words.split(",")}
    shown = set(re.findall(r"\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}", expression.shown))
    found += [f"{expression.place}: no label {label}" for label in sorted((grouped | shown) - labels)]
    return found


@pytest.fixture(scope="module")
def scraped(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """What a real proxy in front of a primary and its replica exports."""
    from tests.binaries import find_main

    binary = next(iter(find_main().values()))
    folder = tmp_path_factory.mktemp("scraped")
    servers = [RedisServer.start(binary, folder / name) for name in ("primary", "replica")]
    proxy = None
    try:
        servers[1].replicate(servers[0])
        servers[1].wait_link_up()
        servers[0].wait_replicas(1)
        nodes = [server.address for server in servers]
        proxy = BatonProcess.start(nodes, folder / "log", "--http", "127.0.0.1:0")

        def metrics() -> str:
            assert proxy is not None
            with urllib.request.urlopen(f"http://127.0.0.1:{proxy.http_port}/metrics", timeout=10) as answer:
                return str(answer.read().decode())

        wait_until(lambda: "baton_node_lag_bytes{" in metrics(), "the replica has been asked")
        return exported(metrics())
    finally:
        if proxy is not None:
            proxy.end()
        for server in servers:
            server.end()


def test_alerts_and_dashboard_use_only_what_is_exported(
    rules: list[dict[str, Any]], dashboard: dict[str, Any], scraped: Exported
) -> None:
    asked = list(expressions(rules, dashboard))
    assert len(asked) > 40
    assert [line for each in asked for line in wrong(each, scraped)] == []


@pytest.mark.parametrize(
    ("text", "shown", "sentence"),
    [
        ("rate(baton_comands_total[5m])", "", "there is no metric baton_comands_total"),
        ('baton_lanes{lane="shared"}', "", "baton_lanes has no label lane"),
        ('baton_gate_closed{reason="nobody"}', "", "baton_gate_closed has no reason nobody"),
        ('baton_switchovers_total{outcome=~"done|lost"}', "", "has no outcome lost"),
        ("sum by (kind) (baton_clients)", "", "no label kind"),
        ("baton_node_up == 0", "{{ $labels.address }} is silent", "no label address"),
        ("baton_node_up", "{{reason}}", "no label reason"),
        ("baton_hold_seconds", "", "there is no metric baton_hold_seconds"),
    ],
)
def test_what_is_not_exported_is_found(scraped: Exported, text: str, shown: str, sentence: str) -> None:
    found = wrong(Expression("it", text, shown), scraped)
    assert found and sentence in found[0]


def test_every_metric_that_is_exported_is_shown_or_watched(
    rules: list[dict[str, Any]], dashboard: dict[str, Any], scraped: Exported
) -> None:
    used = {name for each in expressions(rules, dashboard) for name, _ in METRIC.findall(each.text)}
    families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in used}
    own = {re.sub(r"_(bucket|sum|count)$", "", name) for name in scraped if name.startswith("baton_")}
    assert own - families == set()


def _promtool(promtool: Path, *words: str) -> str:
    done = subprocess.run([promtool, *words], cwd=RULES.parent, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_prometheus_takes_the_rules(promtool: Path) -> None:
    assert "SUCCESS" in _promtool(promtool, "check", "rules", "--lint=all", "--lint-fatal", RULES.name)


def test_every_alert_fires_when_it_should_and_none_when_all_is_well(
    promtool: Path, rules: list[dict[str, Any]]
) -> None:
    cases = yaml.safe_load(TESTS.read_text())["tests"]
    assert [case["name"] for case in cases[1:]] == [rule["alert"] for rule in rules]
    for case in cases[1:]:
        [said] = case["promql_expr_test"]
        assert f'alertname="{case["name"]}"' in said["expr"] and said["exp_samples"]
    assert "SUCCESS" in _promtool(promtool, "test", "rules", TESTS.name)


def test_the_series_of_the_rules_tests_are_exported_too(scraped: Exported) -> None:
    """Else a rule and its test could agree on a name that nobody exports."""
    for case in yaml.safe_load(TESTS.read_text())["tests"]:
        for series in case["input_series"]:
            name, labels = re.match(r"(\w+)\{(.*)\}", series["series"]).groups()  # type: ignore[union-attr]
            if name == "up":
                continue
            assert name in scraped, name
            given = dict(re.findall(r'(\w+)="([^"]*)"', labels))
            assert given.keys() - BY_PROMETHEUS <= set().union(*scraped[name]), series


def test_every_alert_says_what_is_so_and_what_to_do(rules: list[dict[str, Any]]) -> None:
    for rule in rules:
        assert rule["alert"].startswith("Baton") and rule["labels"]["severity"] in ("page", "ticket")
        assert set(rule["annotations"]) == {"summary", "description"}


def test_no_two_panels_overlap_and_each_has_its_place(dashboard: dict[str, Any]) -> None:
    taken: dict[tuple[int, int], str] = {}
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert (x, y) not in taken, f"{panel['title']} lies over {taken[x, y]}"
                taken[x, y] = panel["title"]
    numbers = [panel["id"] for panel in dashboard["panels"]]
    assert len(numbers) == len(set(numbers))


def test_the_dashboard_names_no_data_source_of_its_own(dashboard: dict[str, Any]) -> None:
    asked = [panel["datasource"]["uid"] for panel in dashboard["panels"] if panel["type"] != "row"]
    assert set(asked) == {"${datasource}"}
