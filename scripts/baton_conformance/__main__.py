"""`python -m scripts.baton_conformance`, see --help.

Exit code: 0 if no test differs through Baton, 1 if one does, 2 if a suite could not be run, 130 if it was
interrupted.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from proxy.terminal.stage.processes import INTERRUPTED, ROOT, conduct
from proxy.terminal.stage.screen import Screen

from .document import write
from .run import Settings, run_all
from .suites import SUITES
from .ways import Way

DOCUMENT = ROOT / "docs" / "conformance.md"


def parse(arguments: Sequence[str] | None) -> tuple[Settings, Path | None]:
    """The settings, and the file to write, if any."""
    names = ", ".join(f'"{suite.name}"' for suite in SUITES)
    parser = argparse.ArgumentParser(
        prog="conformance",
        description="Runs other people's test suites straight against a server and through Baton, and"
        " compares them test by test. All of it writes docs/conformance.md; a part of it, only what"
        " --write names.",
    )
    parser.add_argument("--suite", action="append", metavar="NAME", help=f"one of {names}; repeatable")
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="TEST",
        help="a file or a test as pytest names it, or a unit of Redis's suite; repeatable",
    )
    parser.add_argument("--moving", action="store_true", help="also with a switchover each second")
    parser.add_argument(
        "--at-once", type=int, default=1, metavar="N", help="rounds side by side (default: 1)"
    )
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the tables into this file")
    options = parser.parse_args(arguments)
    suites = [suite for suite in SUITES if not options.suite or suite.name in options.suite]
    if options.suite and len(suites) < len(options.suite):
        parser.error(f"the suites are {names}")
    if options.only and len(suites) != 1:
        parser.error("--only belongs to one --suite")
    file = options.write or (DOCUMENT if len(suites) == len(SUITES) else None)
    return Settings(suites, options.only, options.moving, options.at_once), file


def main(arguments: Sequence[str] | None = None) -> int:
    settings, file = parse(arguments)
    screen = Screen(sys.stdout)
    chapters, failure = conduct(partial(run_all, settings, screen))
    screen.clear()
    if chapters is None:
        print(f"conformance: {failure or 'interrupted'}", file=sys.stderr)
        return 2 if failure else INTERRUPTED
    for chapter in chapters:
        for difference in chapter.comparison.differing:
            screen.say(f"differs: {difference.test} ({chapter.way})", "red")
        for test in chapter.comparison.stale:
            screen.say(f"should differ by design, and does not: {test}", "red")
    if file is not None:
        file.write_text(write(chapters), encoding="utf-8")
    counted = [chapter for chapter in chapters if chapter.way == Way.THROUGH.value]
    return 0 if all(chapter.comparison.is_clean for chapter in counted) else 1


if __name__ == "__main__":
    sys.exit(main())
