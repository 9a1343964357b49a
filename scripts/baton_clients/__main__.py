"""`python -m scripts.baton_clients`, see --help.

Exit code: 0 if no client noticed anything, 1 if one did or a switchover was not done, 2 if nothing can be
said because the stage could not be set, 130 if interrupted.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from attrs import asdict

from proxy.terminal.stage.nodes import find_server
from proxy.terminal.stage.processes import INTERRUPTED, ROOT, conduct
from proxy.terminal.stage.screen import Screen

from .page import page_of
from .programs import KINDS
from .run import Run, Settings, perform
from .table import show

NEWEST = ROOT / ".venv" / "redis-7.4" / "redis-server"
"""Where scripts/redis-unpack puts it."""


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="clients",
        description="Puts real client libraries, retries off, through switchovers under load, and counts"
        " what they noticed. Everything runs on free loopback ports, in a temporary directory.",
    )
    parser.add_argument("--switchovers", type=int, default=50, metavar="N", help="how many (default: 50)")
    parser.add_argument(
        "--only", action="append", choices=list(KINDS), help="this program only (may be given several times)"
    )
    parser.add_argument(
        "--redis-server",
        metavar="PATH",
        help="default: 7.4, else as the demo has it",
    )
    parser.add_argument("--page", type=Path, metavar="FILE", help="write docs/clients.md there")
    parser.add_argument("--logs", type=Path, metavar="DIR", help="keep what all the processes logged there")
    parser.add_argument(
        "--json", action="store_true", help="one JSON object in the end; the progress goes to stderr"
    )
    options = parser.parse_args(arguments)
    if options.switchovers < 1:
        parser.error("--switchovers must be at least 1")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    screen = Screen(sys.stderr if options.json else sys.stdout)

    async def job() -> Run:
        kinds = tuple(kind for name, kind in KINDS.items() if not options.only or name in options.only)
        newest = shutil.which(NEWEST)
        server = find_server(options.redis_server or newest)
        return await perform(Settings(server, options.switchovers, (0.1, 1.5), kinds, options.logs), screen)

    run, failure = conduct(job)
    if run is None:
        print(f"clients: {failure or 'interrupted'}", file=sys.stderr)
        return 2 if failure else INTERRUPTED
    show(screen, run)
    if options.page:
        options.page.write_text(page_of(run))
    if options.json:
        print(json.dumps({**asdict(run), "ok": run.ok}))
    return 0 if run.ok else 1


if __name__ == "__main__":
    sys.exit(main())
