"""`python -m scripts.baton_demo`, see --help.

Exit code: 0 if no client noticed anything, 1 if one did or a switchover was not done, 2 if nothing can be
said because the stage could not be set, 130 if interrupted.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from scripts.baton_stage.nodes import find_server
from scripts.baton_stage.processes import INTERRUPTED, conduct
from scripts.baton_stage.screen import Screen

from .report import Report
from .run import Settings, perform
from .table import show_report


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="demo",
        description="Switches a real Redis primary over, again and again, under a load of real clients, and"
        " counts what they noticed. Everything runs on free loopback ports, in a temporary directory.",
    )
    parser.add_argument("--switchovers", type=int, default=10, metavar="N", help="how many (default: 10)")
    parser.add_argument(
        "--nodes", type=int, choices=(2, 3), default=2, help="redis-server processes (default: 2)"
    )
    parser.add_argument(
        "--seconds", type=float, default=1.0, metavar="S", help="load between two of them (default: 1)"
    )
    parser.add_argument(
        "--redis-server", metavar="PATH", help="default: the one on the PATH, else the one of setup"
    )
    parser.add_argument(
        "--json", action="store_true", help="one JSON object in the end; the progress goes to stderr"
    )
    options = parser.parse_args(arguments)
    if options.switchovers < 1 or options.seconds < 0:
        parser.error("--switchovers must be at least 1, and --seconds not negative")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    screen = Screen(sys.stderr if options.json else sys.stdout)

    async def demo() -> tuple[Report, dict[str, str]]:
        server = find_server(options.redis_server)
        return await perform(Settings(server, options.switchovers, options.nodes, options.seconds), screen)

    outcome, failure = conduct(demo)
    screen.clear()
    if outcome is None:
        print(f"demo: {failure or 'interrupted'}", file=sys.stderr)
        return 2 if failure else INTERRUPTED
    report, letters = outcome
    show_report(screen, report, letters)
    if options.json:
        print(json.dumps(report.as_json()))
    return 0 if report.ok else 1


if __name__ == "__main__":
    sys.exit(main())
