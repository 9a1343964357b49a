"""The comparison, test by test: does the proxy make a difference?

A test may end in more than one way by itself; so the suite runs straight at least twice, and whatever it did
there is its own. It differs if it ends through the proxy in a way in which it never ended straight, or is
told of on one side only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import frozen

from .endings import FAILURES, Ending, Endings

MISSING = Ending("not told of")


@frozen
class Difference:
    test: str
    straight: tuple[Ending, ...]
    through: tuple[Ending, ...]


@frozen
class Comparison:
    straight: Endings
    """The first run of the suite straight to the server: what is counted and named is taken from it."""
    flapping: tuple[str, ...]
    """Tests that end in more than one way without any proxy."""
    differing: tuple[Difference, ...]
    """Tests that differ, and should not."""
    by_design: Mapping[str, str]
    """Tests that differ as they should, with the reason."""
    stale: tuple[str, ...]
    """Tests that should differ by design and do not, or are not there: the list has to be mended."""

    @property
    def is_clean(self) -> bool:
        return not self.differing and not self.stale

    def named(self, *outcomes: str) -> dict[str, Ending]:
        return {test: ending for test, ending in self.straight.items() if ending.outcome in outcomes}

    @property
    def failing_alike(self) -> dict[str, Ending]:
        """Tests that fail straight, and through the proxy in the same way."""
        differing = {difference.test for difference in self.differing} | set(self.by_design)
        failing = self.named(*FAILURES)
        return {test: ending for test, ending in failing.items() if test not in differing}


def compare(
    straight: Sequence[Endings], through: Sequence[Endings], expected: Mapping[str, str] | None = None
) -> Comparison:
    """Compare rounds of one suite; `expected` gives the reason for each test that differs by design."""
    expected = expected or {}
    tests = {test: None for endings in (*straight, *through) for test in endings}
    differing, by_design, flapping = [], {}, []
    for test in tests:
        difference = Difference(test, _rounds(test, straight), _rounds(test, through))
        own = {ending.compared for ending in difference.straight}
        if len(own) > 1:
            flapping.append(test)
        if {ending.compared for ending in difference.through} <= own:
            continue
        if test in expected:
            by_design[test] = expected[test]
        else:
            differing.append(difference)
    stale = tuple(test for test in expected if test not in by_design)
    return Comparison(straight[0], tuple(flapping), tuple(differing), by_design, stale)


def _rounds(test: str, rounds: Sequence[Endings]) -> tuple[Ending, ...]:
    return tuple(endings.get(test, MISSING) for endings in rounds)
