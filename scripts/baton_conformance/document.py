"""docs/conformance.md: what was run, what came out, and everything that was not run, by name."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from attrs import frozen

from .compare import Comparison, Difference
from .endings import Ending
from .suites import Suite

HEAD = """\
# Conformance

Written by `./scripts/conformance`: other people's test suites, run straight against a server and through
Baton before a twin of that server (same version, same configuration), and compared test by test. A test that
fails must fail alike, and one that is left out by the suite itself must be left out alike. Each suite runs
straight twice, so that a test which ends in more than one way by itself is known; a test *differs* if it ends
through Baton in a way in which it never ended straight. The versions of the suites and of all that they need
are pinned in `scripts/baton_conformance`; they come from PyPI.
"""
COLUMNS = ("suite", "from", "server", "tests", "pass", "speaking to it", "fail alike", "left out", "differ")
"""`speaking to it`: of those that pass, the tests that connect to the server at all."""
_FOLDER = re.compile(r"(?<![\w.])/\S*?/\.venv/conformance/")


@frozen
class Chapter:
    """One suite that was run."""

    suite: Suite
    server: str
    """The server's version."""
    way: str
    comparison: Comparison
    switchovers: Mapping[str, int]


def write(chapters: Sequence[Chapter]) -> str:
    lines = [HEAD, f"| {' | '.join(COLUMNS)} |", "| --- " * len(COLUMNS) + "|"]
    lines += [_row(chapter) for chapter in chapters]
    for chapter in chapters:
        lines += ["", *_chapter(chapter)]
    return "\n".join(lines) + "\n"


def _row(chapter: Chapter) -> str:
    told = chapter.comparison
    passed = told.named("passed", "xpassed", "xfailed")
    spoke = [ending for ending in passed.values() if ending.peers or chapter.suite.runner == "tcl"]
    cells = [
        f"{chapter.suite.name}, {chapter.way}",
        chapter.suite.distribution.replace("==", " "),
        chapter.server,
        len(told.straight),
        len(passed),
        len(spoke),
        len(told.failing_alike),
        len(told.named("skipped")),
        len(told.differing),
    ]
    return "| " + " | ".join(map(str, cells)) + " |"


def _chapter(chapter: Chapter) -> list[str]:
    told = chapter.comparison
    lines = [f"## {chapter.suite.name}, {chapter.way}", "", f"{chapter.suite.about}.", ""]
    if chapter.switchovers:
        ended = ", ".join(f"{outcome} {times}" for outcome, times in sorted(chapter.switchovers.items()))
        lines += [f"Switchovers: {ended}.", ""]
    lines += _list("Differ, and should not", [_difference(one) for one in told.differing])
    lines += _list("Differ by design", [f"`{test}`: {why}" for test, why in told.by_design.items()])
    lines += _list(
        "In the list of those that differ by design, and do not", [f"`{test}`" for test in told.stale]
    )
    lines += _list("End in more than one way without Baton", [f"`{test}`" for test in told.flapping])
    if chapter.way.startswith("through Baton,"):
        return lines
    lines += _list("Not run", [f"`{what}`: {why}" for what, why in chapter.suite.left_out.items()])
    failing = [f"`{test}`: {_short(ending.why)}" for test, ending in told.failing_alike.items()]
    lines += _folded("Fail straight, and through Baton in the same way", failing)
    return lines + _folded("Left out by the suite itself", _by_reason(told.named("skipped")))


def _difference(difference: Difference) -> str:
    straight, through = (
        " / ".join(dict.fromkeys(f"{ending.outcome} {_short(ending.why)}".strip() for ending in endings))
        for endings in (difference.straight, difference.through)
    )
    return f"`{difference.test}`: straight {straight}; through Baton {through}"


def _by_reason(skipped: Mapping[str, Ending]) -> list[str]:
    """One line a reason, with the tests by file; what differs in parameters only is named once."""
    reasons: dict[str, dict[str, dict[str, None]]] = defaultdict(lambda: defaultdict(dict))
    counts: dict[str, int] = defaultdict(int)
    for test, ending in skipped.items():
        file, _, name = test.partition("[")[0].partition("::")
        reasons[_short(ending.why)][file][name] = None
        counts[_short(ending.why)] += 1
    return [
        f"{why} ({counts[why]}): "
        + "; ".join(f"{file} {', '.join(names)}".strip() for file, names in sorted(files.items()))
        for why, files in sorted(reasons.items())
    ]


def _list(title: str, items: Iterable[str]) -> list[str]:
    items = list(items)
    return [f"{title}:", "", *(f"- {item}" for item in items), ""] if items else []


def _folded(title: str, items: Sequence[str]) -> list[str]:
    if not items:
        return []
    return [
        f"<details><summary>{title}</summary>",
        "",
        *(f"- {item}" for item in items),
        "",
        "</details>",
        "",
    ]


def _short(message: str) -> str:
    """The first line, as one cell of Markdown, without the folder in which it happened to run."""
    line = _FOLDER.sub("", message.strip().partition("\n")[0])
    return (line if len(line) <= 160 else line[:157] + "…").replace("|", "\\|").replace("<", "&lt;")
