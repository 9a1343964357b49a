"""A pytest plugin that writes down how each test of a foreign suite ended, and to whom it spoke.

It runs in the suite's own interpreter, beside whatever that suite needs: so it imports nothing but pytest,
and stands in a folder of its own, since with Baton's root on the path `import tests` would find Baton's.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from typing import IO, Any

import pytest

RECORD = "BATON_CONFORMANCE_RECORD"
"""The environment variable that names the file to write: one JSON object a line."""
LONGEST_MESSAGE = 2000
ORDER = ("passed", "xpassed", "xfailed", "skipped", "failed", "error")
"""Of the phases of one test the one furthest to the right tells how it ended."""


class Observer:
    """One run; a test is written when it is over, so that a run that dies still tells where."""

    def __init__(self, record: IO[str]) -> None:
        self._record = record
        self._peers: set[str] = set()
        self._outcome = "passed"
        self._why = ""
        self._seconds = 0.0
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Note whom the test connects to. An audit hook hears every connect, whatever library does it."""
        if event == "socket.connect" and isinstance(arguments[1], tuple):
            self._peers.add(f"{arguments[1][0]}:{arguments[1][1]}")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self._peers, self._outcome, self._why, self._seconds = set(), "passed", "", 0.0
        self._write({"begun": item.nodeid})
        result = yield
        self._write(
            {
                "test": item.nodeid,
                "outcome": self._outcome,
                "why": self._why,
                "peers": sorted(self._peers),
                "seconds": round(self._seconds, 3),
            }
        )
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._seconds += report.duration
        outcome = outcome_of(report)
        if ORDER.index(outcome) > ORDER.index(self._outcome):
            self._outcome, self._why = outcome, why(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A module that cannot be imported, or that leaves itself out, is told like a test."""
        if report.outcome != "passed":
            outcome = "skipped" if report.skipped else "error"
            self._write(
                {"test": report.nodeid, "outcome": outcome, "why": why(report), "peers": [], "seconds": 0.0}
            )

    def _write(self, line: dict[str, Any]) -> None:
        self._record.write(json.dumps(line) + "\n")
        self._record.flush()


def outcome_of(report: pytest.TestReport) -> str:
    if hasattr(report, "wasxfail"):
        return "xfailed" if report.skipped else "xpassed"
    if report.failed and report.when != "call":
        return "error"
    return report.outcome


def why(report: pytest.TestReport | pytest.CollectReport) -> str:
    """The reason of a skip, or what was raised; nothing for a test that passed."""
    if report.skipped and isinstance(report.longrepr, tuple):
        return report.longrepr[2].removeprefix("Skipped: ")
    crash = getattr(report.longrepr, "reprcrash", None)
    return str(crash.message if crash else report.longrepr or "")[:LONGEST_MESSAGE]


def pytest_configure(config: pytest.Config) -> None:
    record = open(os.environ[RECORD], "a", encoding="utf-8")  # noqa: SIM115  # closed with the run
    config.add_cleanup(end)  # the first one in is the last one done
    config.add_cleanup(record.close)
    config.pluginmanager.register(Observer(record))


def end() -> None:
    """End now. Python would wait for child processes that a test has left behind, and they may never end."""
    sys.stdout.flush()
    os._exit(0)
