"""That tests may run side by side: each process has its own ports, and what needs the machine comes after."""

import os
import re
import subprocess
import sys
from itertools import pairwise

import pytest

from proxy.terminal.stage import processes
from proxy.terminal.stage.processes import PORTS, STAGE_PORTS, StageFailed
from tests import ports
from tests.binaries import ROOT

ONES_OF_EACH = ("tests/test_bench.py", "tests/shared/test_wait.py")
"""Files with tests that want the machine for themselves, and with tests that share what is dear."""


@pytest.mark.parametrize("count", [1, 2, 3, 8])
def test_no_port_is_in_two_parts(count: int) -> None:
    parts = [ports.split(ports.part_of(PORTS, number, count)) for number in range(count)]
    in_order = [part for pair in parts for part in pair]
    assert all(one[-1] < other[0] for one, other in pairwise(in_order))
    assert PORTS[0] <= in_order[0][0] and in_order[-1][-1] <= PORTS[-1]
    assert min(map(len, in_order)) > 300


def test_a_port_comes_again_only_after_all_others() -> None:
    chosen = [ports.free_port() for _ in range(100)]
    assert len(set(chosen)) == 100
    assert set(chosen) <= set(ports.OWN)


def test_a_stage_that_a_test_has_somebody_set_takes_none_of_the_ports_of_the_tests() -> None:
    command = "from proxy.terminal.stage.processes import free_port; print(*(free_port() for _ in range(50)))"
    told = subprocess.run(
        [sys.executable, "-c", command], cwd=ROOT, capture_output=True, text=True, check=True, timeout=30
    ).stdout
    assert set(map(int, told.split())) <= set(ports.STAGES)


@pytest.mark.parametrize("given", ["", "20000", "20000-", "20000-x", "20005-20000", "1-20000", "20000-60000"])
def test_a_part_that_is_none_is_told_in_one_line(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(STAGE_PORTS, given)
    with pytest.raises(StageFailed, match=r"^STAGE_PORTS: FIRST-LAST, within 20000-29999, and not "):
        processes.free_port()


def collected(*arguments: str, seed: str = "1") -> list[str]:
    """What pytest would run, in its order."""
    told = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert told.returncode == 0, told.stdout + told.stderr
    return re.findall(r"^tests/\S+::.*", told.stdout, re.MULTILINE)


def test_each_test_is_in_one_of_the_two_runs_and_the_order_is_always_the_same() -> None:
    everything = collected(*ONES_OF_EACH, "--alone=with")
    alone = collected(*ONES_OF_EACH, "--alone=only")
    others = collected(*ONES_OF_EACH, "--alone=without", seed="2")
    assert alone and others
    assert others == [test for test in everything if test not in alone]
    assert len(alone) + len(others) == len(everything)
