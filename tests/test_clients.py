"""`./scripts/clients` itself, short: real clients of several makers, real nodes, Baton between them."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from scripts.baton_clients.judging import compare
from scripts.baton_clients.page import COLUMNS
from scripts.baton_clients.programs import KINDS
from tests.baton import with_lanes
from tests.binaries import ROOT
from tests.children import children_of
from tests.waiting import wait_until

CLIENTS = [str(ROOT / "scripts" / "clients")]
LIMIT_S = 280
"""Most of it is for the first time, when the clients are fetched."""
OF = ROOT / "scripts" / "baton_clients"


@pytest.mark.alone
@pytest.mark.timeout(300)
def test_five_switchovers_are_not_noticed_by_any_client(lanes: str, tmp_path: Path) -> None:
    environment = os.environ | {"TMPDIR": str(tmp_path)} | with_lanes(lanes)
    command = [*CLIENTS, "--json", "--switchovers", "5"]
    ended = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=LIMIT_S
    )
    assert ended.returncode == 0, ended.stderr
    run: dict[str, Any] = json.loads(ended.stdout)
    assert run["problems"] == []
    assert len(run["holds_ms"]) == 5
    assert [one["name"] for one in run["results"]] == list(KINDS)
    for one in run["results"]:
        assert one["problems"] == []
        assert [one[what] for what in ("errors", "disconnects", "lost", "doubled")] == [0, 0, 0, 0]
        assert one["operations"] > 100
    assert list(tmp_path.iterdir()) == [], "nothing is left behind"


@pytest.mark.timeout(300)
def test_an_interruption_ends_every_client(tmp_path: Path) -> None:
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    command = [*CLIENTS, "--only", "redis-py", "--only", "ioredis"]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as clients:
        assert clients.stdout is not None
        assert any("programs at work" in line for line in clients.stdout)
        children = children_of(clients.pid)
        assert len(children) == 2 + 1 + 2, "nodes, proxy, programs"
        clients.send_signal(signal.SIGINT)
        assert clients.wait(30) == 130
    wait_until(lambda: not any(Path(f"/proc/{child}").exists() for child in children), "no child is left")
    assert list(tmp_path.iterdir()) == [], "nothing is left behind"


HISTORY = {
    "name": "queue",
    "place": None,
    "ordered": True,
    "acknowledged": [1, 2, 3],
    "unknown": [4],
    "seen": [],
}


@pytest.mark.parametrize(
    ("seen", "left", "lost", "doubled", "faults"),
    [
        ([1, 2, 3], [], 0, 0, 0),
        ([1, 2, 3, 4], [], 0, 0, 0),
        ([1], [2, 3], 0, 0, 0),
        ([1, 2, 3, 0], [], 0, 0, 0),
        ([1, 3], [], 1, 0, 1),
        ([], [], 3, 0, 1),
        ([1, 2, 2, 3], [], 0, 1, 1),
        ([1, 2], [2, 3], 0, 1, 1),
        ([1, 2, 3, 4, 4], [], 0, 1, 1),
        ([2, 1, 3], [], 0, 0, 1),
        ([1, 2, 3, 5], [], 0, 0, 1),
    ],
)
def test_a_history_is_judged(
    seen: Sequence[int], left: Sequence[int], lost: int, doubled: int, faults: int
) -> None:
    verdict = compare({**HISTORY, "seen": seen}, left)
    assert (verdict.lost, verdict.doubled, len(verdict.faults)) == (lost, doubled, faults)


def test_several_readers_of_one_stream_may_overtake_each_other() -> None:
    assert compare({**HISTORY, "seen": [2, 1, 3], "ordered": False}, []).faults == []


def pinned() -> Mapping[str, str]:
    """Return the version of every package that the client programs run on."""
    lines = re.findall(r"^([\w-]+)==(\S+)$", (OF / "requirements.txt").read_text(), re.MULTILINE)
    packages: dict[str, str] = json.loads((OF / "package.json").read_text())["dependencies"]
    return {**{f"python:{name}": version for name, version in lines}, **packages}


def test_the_page_tells_of_the_clients_that_are_run() -> None:
    lines = (ROOT / "docs" / "clients.md").read_text().splitlines()
    header, _, *rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line[:1] == "|"]
    assert tuple(header) == COLUMNS
    assert len(rows) == len(KINDS)
    versions = pinned()
    packages = ("python:redis", "python:redis", "python:valkey-glide", "ioredis", "redis", "bullmq")
    assert [row[1] for row in rows] == [versions[package] for package in packages]
    assert [row[5:9] for row in rows] == [["0"] * 4] * len(rows), "errors, disconnects, lost, doubled"
