"""`./scripts/bench` itself, of everything the smallest size: what it tells, not how much it comes to."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.binaries import ROOT
from tests.children import children_of
from tests.waiting import wait_until

BENCH = [sys.executable, "-m", "scripts.baton_bench", "--short", "--json"]
"""What the shell verb runs once the setup is done."""
LIMIT_S = 50
PROXIES = {"baton", "haproxy"} if shutil.which("haproxy") else {"baton"}


def is_spread(value: dict[str, float]) -> bool:
    return 0 < value["min"] <= value["median"] <= value["max"]


def test_the_bench_tells_all_that_it_measures(tmp_path: Path) -> None:
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    ended = subprocess.run(
        BENCH, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=LIMIT_S
    )
    assert ended.returncode == 0, ended.stderr
    results: dict[str, Any] = json.loads(ended.stdout)
    assert (results["rounds"], results["short"]) == (1, True)
    assert results["versions"].keys() >= {"python", "redis"}
    check_hold(results["hold"])
    if shutil.which("redis-benchmark"):
        check_throughput(results["throughput"])
    check_proxies(results["latency"]["median_us"], results["latency"]["added_baton_to_haproxy"], {"redis"})
    check_proxies(results["memory"]["bytes_per_client"], results["memory"]["baton_to_haproxy"], set())
    assert results["memory"]["growth"]["switchovers"] == [1, 3]
    assert min(results["memory"]["growth"]["resident_bytes"]) > 0
    assert list(tmp_path.iterdir()) == [], "nothing is left behind"


def check_hold(hold: dict[str, Any]) -> None:
    assert is_spread(hold["failover_ms"])
    assert is_spread(hold["floor_ms"])
    for name, switchovers in (("busy", 2), ("saturated", 1)):
        load = hold[name]
        assert (load["clients"], load["switchovers"], load["undone"]) == (200, switchovers, 0)
        assert load["errors"] == 0
        assert is_spread(load["hold_ms"])
        assert is_spread(load["longest_wait_ms"])
        assert is_spread(load["longest_wait_otherwise_ms"])


def check_throughput(tests: list[dict[str, Any]]) -> None:
    cases = [(one["test"], one["pipeline"]) for one in tests]
    assert cases == [("set", 1), ("get", 1), ("set", 16), ("get", 16)]
    for one in tests:
        speeds = {name: speed["requests_per_s"] for name, speed in one["targets"].items()}
        check_proxies(speeds, one["baton_to_haproxy"], {"redis"})


def check_proxies(figures: dict[str, float], ratio: float | None, beside: set[str]) -> None:
    """A figure for each target, and a ratio where there is something to compare with."""
    assert set(figures) == PROXIES | beside
    assert min(figures.values()) > 0
    assert (ratio is not None) == ("haproxy" in PROXIES)


def test_the_bench_ends_its_processes_when_it_is_interrupted(tmp_path: Path) -> None:
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        [*BENCH, "--only", "hold", "--rounds", "100"], cwd=ROOT, env=environment, stderr=subprocess.DEVNULL
    ) as bench:
        two_pairs_proxy_and_crowd = 2 + 2 + 1 + 1
        wait_until(
            lambda: len(children_of(bench.pid)) == two_pairs_proxy_and_crowd,
            "the bench is at work",
            LIMIT_S / 2,
        )
        children = children_of(bench.pid)
        bench.send_signal(signal.SIGINT)
        assert bench.wait(LIMIT_S / 2) == 130
    assert [child for child in children if Path(f"/proc/{child}").exists()] == []
    assert list(tmp_path.iterdir()) == [], "nothing is left behind"


def test_the_bench_says_in_one_line_that_it_has_no_redis_server() -> None:
    command = [*BENCH, "--redis-server", "/nowhere"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S)
    assert ended.returncode == 2
    assert ended.stderr.splitlines()[-1] == "bench: /nowhere is no redis-server of at least 6.2"
