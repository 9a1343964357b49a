"""`./scripts/demo` itself, short: real nodes, real clients, Baton between them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.baton import with_lanes
from tests.children import children_of

ROOT = Path(__file__).resolve().parents[1]
DEMO = [sys.executable, "-m", "proxy.cli", "demo"]
"""What the shell verb runs once the setup is done."""
LIMIT_S = 50


@pytest.mark.parametrize("nodes", [2, 3])
def test_the_demo_switches_over_and_no_client_notices(nodes: int, lanes: str, tmp_path: Path) -> None:
    command = [*DEMO, "--json", "--switchovers", "2", "--seconds", "0.3", "--nodes", str(nodes)]
    environment = os.environ | {"TMPDIR": str(tmp_path)} | with_lanes(lanes)
    ended = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=LIMIT_S
    )
    report = json.loads(ended.stdout)
    assert report["ok"] is True, ended.stderr
    assert ended.returncode == 0
    assert [one["outcome"] for one in report["switchovers"]] == ["done", "done"]
    for one in report["switchovers"]:
        assert set(one) == {"outcome", "from", "to", "hold_ms", "steps_ms", "full_resyncs"}
        assert one["from"] != one["to"]
        assert one["hold_ms"] > 0
        assert one["full_resyncs"] == 0
    assert [one["name"] for one in report["workloads"]] == [
        "SET/GET",
        "INCR",
        "MULTI/EXEC",
        "BLPOP queue",
        "pub/sub",
        "pipelines",
    ]
    for one in report["workloads"]:
        counts = [one.pop(what) for what in ("errors", "disconnects", "lost", "doubled")]
        assert counts == [0, 0, 0, 0]
        assert set(one) == {"name", "operations", "max_wait_ms", "median_wait_ms"}
        assert one["operations"] > 0
        assert 0 < one["median_wait_ms"] <= one["max_wait_ms"]
    assert list(tmp_path.iterdir()) == [], "nothing is left behind"


def test_the_demo_ends_its_processes_when_it_is_interrupted(tmp_path: Path) -> None:
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    with subprocess.Popen(DEMO, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        started = next(line for line in demo.stdout if line.startswith("load:"))
        assert started
        children = children_of(demo.pid)
        assert len(children) == 2 + 1 + 6, "nodes, proxy, loads"
        demo.send_signal(signal.SIGINT)
        assert demo.wait(LIMIT_S) == 130
    assert [child for child in children if Path(f"/proc/{child}").exists()] == []
    assert list(tmp_path.iterdir()) == [], "nothing is left behind"


def test_the_demo_says_in_one_line_that_it_has_no_redis_server() -> None:
    ended = subprocess.run(
        [*DEMO, "--redis-server", "/nowhere"], cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S
    )
    assert ended.returncode == 2
    assert ended.stderr == "baton: demo: /nowhere is no redis-server of at least 6.2\n"
