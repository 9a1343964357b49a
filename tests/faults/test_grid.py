"""What is tried is what it says: everything on demand, and a bit of everything always."""

from collections.abc import Sequence

import pytest

from proxy.switchover.report import STEPS
from tests.faults.__main__ import tell
from tests.faults.faults import FAULTS, TROUBLES
from tests.faults.grid import PAIRS, ROAD_CASES, WIRE_CASES, Case, sample
from tests.faults.runner import VERBS
from tests.faults.scene import Outcome


@pytest.mark.parametrize("kinds", [FAULTS, TROUBLES], ids=["roads", "wires"])
def test_the_short_form_has_each_fault_each_pair_and_each_step(kinds: Sequence[object]) -> None:
    cases: list[Case] = [case for number in range(len(kinds)) for case in sample(kinds, number)]  # type: ignore[type-var, type-arg]
    assert {case.what for case in cases} == set(kinds)
    assert {case.pair for case in cases} == set(PAIRS)
    assert {case.step for case in cases} == set(STEPS)


def test_the_long_form_has_each_with_each() -> None:
    for cases, kinds in ((ROAD_CASES, FAULTS), (WIRE_CASES, TROUBLES)):
        combinations = {(case.pair, case.what.name, case.step) for case in cases}
        assert len(combinations) == len(PAIRS) * len(kinds) * len(STEPS)


@pytest.mark.parametrize(("wrong", "status"), [([], 0), (["a value is lost"], 1)])
def test_the_long_form_ends_with_what_was_wrong(
    wrong: list[str], status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = Outcome(ROAD_CASES[0], "CALLEDOFF hold: why", wrong=wrong)
    assert tell([outcome, Outcome(ROAD_CASES[1], "done")]) == status
    said = capsys.readouterr().out
    assert "2 cases: 1 CALLEDOFF hold, 1 done" in said
    assert ("a value is lost" in said) is bool(wrong)


def test_each_step_is_told_ahead() -> None:
    assert ["preflight", *VERBS] == list(STEPS)
