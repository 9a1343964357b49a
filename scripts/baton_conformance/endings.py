"""How the tests of one run ended, as a suite's own runner told it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping

from attrs import frozen

FAILURES = frozenset({"failed", "error", "died"})
"""`died`: the test began and the whole run ended with it."""

_CHANGES_BY_ITSELF = re.compile(r"0x[0-9a-f]+|\b[0-9a-f]{8,}\b|\d+(\.\d+)?")
"""Addresses, ids, ports, times. A message is compared without them: what matters is what was raised."""


@frozen
class Ending:
    outcome: str
    why: str = ""
    """The reason of a skip, or what was raised."""
    peers: tuple[str, ...] = ()
    """host:port of every server that the test connected to, where the runner tells."""

    @property
    def compared(self) -> tuple[str, str]:
        """The ending without what is another one in each run."""
        return self.outcome, _CHANGES_BY_ITSELF.sub("N", self.why)


Endings = Mapping[str, Ending]
"""By the test's name, which is unique within the suite."""


def read_pytest(record: Iterable[str]) -> Endings:
    """The lines that plugin/observer.py wrote."""
    endings: dict[str, Ending] = {}
    for line in record:
        told = json.loads(line)
        if "begun" in told:
            endings[told["begun"]] = Ending("died")
        else:
            endings[told["test"]] = Ending(told["outcome"], told["why"], tuple(told["peers"]))
    return endings


_TCL_LINE = re.compile(r"\[(?P<status>ok|err|ignore|exception|TIMEOUT)\]: (?P<name>.*)")
_TCL_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def read_tcl(unit: str, output: str) -> Endings:
    """What Redis's own runner printed for one unit.

    A name that comes again, as from a loop, is numbered. A line of what its tags leave out tells the tag, not
    the test. A run that does not come to its end is an ending of its own.
    """
    endings: dict[str, Ending] = {}
    lines = _TCL_COLOUR.sub("", output).splitlines()
    for number, line in enumerate(lines):
        found = _TCL_LINE.match(line)
        if found is None:
            continue
        status, name = found["status"], found["name"].removesuffix(f" in tests/{unit}.tcl")
        if status in ("exception", "TIMEOUT"):
            endings[f"{unit}: (the run)"] = Ending("died", name)
        elif status == "err":
            endings[_numbered(f"{unit}: {name}", endings)] = Ending(
                "failed", "".join(lines[number + 1 :][:1])
            )
        elif status == "ignore":
            endings[_numbered(f"{unit}: (left out)", endings)] = Ending("skipped", name)
        else:
            endings[_numbered(f"{unit}: {name}", endings)] = Ending("passed")
    if not any(line.startswith(f"[1/1 done]: {unit} ") for line in lines):
        endings.setdefault(f"{unit}: (the run)", Ending("died", "it did not come to its end"))
    return endings


def _numbered(name: str, taken: Mapping[str, Ending]) -> str:
    number = 1
    while (numbered := name if number == 1 else f"{name} #{number}") in taken:
        number += 1
    return numbered
