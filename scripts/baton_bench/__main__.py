"""`python -m scripts.baton_bench`, see --help.

Exit code: 0 if everything was measured, whatever came out, 2 if something could not be, 130 if interrupted.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from functools import partial

from attrs import evolve

from scripts.baton_stage.processes import INTERRUPTED, conduct
from scripts.baton_stage.screen import Screen

from .run import PARTS, Settings, measure
from .sizes import FULL, SHORT
from .table import show_results


def parse(arguments: Sequence[str] | None) -> tuple[Settings, bool]:
    """The settings, and whether JSON is wanted."""
    parser = argparse.ArgumentParser(
        prog="bench",
        description="Measures Baton beside HAProxy, Redis alone and Redis's FAILOVER, all in the same run, in"
        " turns. Everything runs on free loopback ports, in a temporary directory. Nothing is asserted.",
    )
    parser.add_argument(
        "--only",
        choices=PARTS,
        action="append",
        metavar="PART",
        help=f"one of {', '.join(PARTS)}; repeatable",
    )
    parser.add_argument("--rounds", type=int, metavar="N", help=f"how many (default: {FULL.rounds})")
    parser.add_argument(
        "--short", action="store_true", help="a little of everything: it shows that the bench works, no more"
    )
    parser.add_argument(
        "--redis-server", metavar="PATH", help="default: the one on the PATH, else the one of setup"
    )
    parser.add_argument(
        "--json", action="store_true", help="one JSON object in the end; the progress goes to stderr"
    )
    options = parser.parse_args(arguments)
    sizes = SHORT if options.short else FULL
    if options.rounds is not None:
        if options.rounds < 1:
            parser.error("--rounds must be at least 1")
        sizes = evolve(sizes, rounds=options.rounds)
    return Settings(options.redis_server, options.only or PARTS, sizes, options.short), options.json


def main(arguments: Sequence[str] | None = None) -> int:
    settings, as_json = parse(arguments)
    screen = Screen(sys.stderr if as_json else sys.stdout)
    results, failure = conduct(partial(measure, settings, screen))
    screen.clear()
    if results is None:
        print(f"bench: {failure or 'interrupted'}", file=sys.stderr)
        return 2 if failure else INTERRUPTED
    show_results(screen, results)
    if as_json:
        print(json.dumps(results.as_json()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
