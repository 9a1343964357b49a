"""`python -m scripts.baton_bench`, see --help.

Exit code: 0 if everything was measured, whatever came out, 2 if something could not be, 130 if interrupted.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from attrs import evolve, frozen

from proxy.terminal.stage.processes import INTERRUPTED, conduct
from proxy.terminal.stage.screen import Screen

from .figures import Run
from .page import has_room, write_page
from .run import PARTS, Settings, measure
from .sizes import FULL, QUICK
from .table import show_run
from .ways import PROXIES, REDIS
from .workloads import WORKLOADS


@frozen
class Wishes:
    settings: Settings
    earlier: Path | None
    json: Path | None
    page: Path | None


def parse(arguments: Sequence[str] | None) -> Wishes:
    parser = argparse.ArgumentParser(
        prog="bench",
        description="Measures Baton beside its peers, Redis alone and Redis's FAILOVER, all in the same run,"
        " in turns. Everything runs on free loopback ports, in a temporary directory. Nothing is asserted.",
    )
    parser.add_argument(
        "--only",
        choices=PARTS,
        action="append",
        metavar="PART",
        help=f"one of {', '.join(PARTS)}; repeatable",
    )
    parser.add_argument(
        "--way",
        choices=PROXIES,
        action="append",
        metavar="WAY",
        help=f"one of {', '.join(PROXIES)}; repeatable; straight to Redis is always among them",
    )
    parser.add_argument(
        "--case",
        action="append",
        metavar="TEXT",
        help="of the throughput, only workloads with this in their name, such as 'GET 64 B -c 50'; a"
        " space behind it tells -P 1 from -P 16; repeatable",
    )
    parser.add_argument("--rounds", type=int, metavar="N", help=f"how many (default: {FULL.rounds})")
    parser.add_argument(
        "--quick", action="store_true", help="a little of everything: it shows that the bench works, no more"
    )
    parser.add_argument(
        "--base",
        type=Path,
        metavar="TREE",
        help="of the part metrics: the proxy that nothing is counted in, as a tree of an earlier time (git"
        " worktree add TREE COMMIT; with compiled code, if this one has it)",
    )
    parser.add_argument(
        "--redis-server", metavar="PATH", help="default: the one on the PATH, else the one of setup"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="all that was measured, as one JSON object")
    parser.add_argument(
        "--page", type=Path, metavar="FILE", help="writes the page's tables and its pictures; see page.py"
    )
    parser.add_argument(
        "--from", dest="earlier", type=Path, metavar="FILE", help="measures nothing: shows an earlier --json"
    )
    options = parser.parse_args(arguments)
    sizes = QUICK if options.quick else FULL
    if options.rounds is not None:
        if options.rounds < 1:
            parser.error("--rounds must be at least 1")
        sizes = evolve(
            sizes, rounds=options.rounds, watched_rounds=options.rounds, secured_rounds=options.rounds
        )
    if options.base is not None and not (options.base / "proxy" / "cli.py").exists():
        parser.error(f"{options.base} is no tree of Baton's")
    if options.case:
        named = tuple(one.name for one in WORKLOADS if any(text in f"{one.name} " for text in options.case))
        if not named:
            parser.error(f"no workload is called so; there are {', '.join(one.name for one in WORKLOADS)}")
        sizes = evolve(sizes, workloads=named)
    if options.page is not None and not has_room(options.page):
        parser.error(f"{options.page} has no markers between which the figures could go")
    ways = (REDIS, *(options.way or PROXIES))
    settings = Settings(options.redis_server, options.only or PARTS, ways, sizes, options.quick, options.base)
    return Wishes(settings, options.earlier, options.json, options.page)


def main(arguments: Sequence[str] | None = None) -> int:
    wishes = parse(arguments)
    screen = Screen(sys.stdout)
    run, failure = conduct(partial(measured, wishes, screen))
    screen.clear()
    if run is None:
        print(f"bench: {failure or 'interrupted'}", file=sys.stderr)
        return 2 if failure else INTERRUPTED
    if wishes.json is not None:
        wishes.json.write_text(run.as_json() + "\n")
    show_run(screen, run)
    if wishes.page is not None:
        write_page(wishes.page, run)
    return 2 if run.failed else 0


async def measured(wishes: Wishes, screen: Screen) -> Run:
    if wishes.earlier is not None:
        return Run.from_json(wishes.earlier.read_text())
    return await measure(wishes.settings, screen)


if __name__ == "__main__":
    sys.exit(main())
