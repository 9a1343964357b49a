"""The whole soak, for as long as it is told: five minutes unless BATON_SOAK_SECONDS says otherwise."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.binaries import ROOT

SECONDS = float(os.environ.get("BATON_SOAK_SECONDS", "300"))
BESIDES_S = 240.0
"""What it takes to come and to go, on a machine that is busy with other things."""


@pytest.mark.alone
@pytest.mark.timeout(SECONDS + 2 * BESIDES_S)
@pytest.mark.skipif(SECONDS <= 0, reason="BATON_SOAK_SECONDS says that there is no time for it")
def test_under_a_load_that_comes_and_goes_nothing_is_lost_doubled_broken_or_growing(tmp_path: Path) -> None:
    told = tmp_path / "soak.json"
    command = [sys.executable, "-m", "scripts.baton_soak", "--seconds", f"{SECONDS:g}", "--nodes", "3"]
    command += ["--urgent", "--calm", "2", "--json", str(told)]  # the machine may have other things to do
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS + BESIDES_S)
    assert ended.returncode == 0, f"{ended.stdout}\n{ended.stderr}"
    report = json.loads(told.read_text())
    assert report["ok"]
    assert report["outcomes"]["done"] > SECONDS / 20
    assert sum(row["operations"] for row in report["rows"]) > 100 * SECONDS
