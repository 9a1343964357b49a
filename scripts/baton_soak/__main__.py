"""What may be asked of the soak."""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
from contextlib import suppress
from pathlib import Path

from proxy.terminal.stage.processes import INTERRUPTED
from proxy.terminal.stage.screen import Screen
from tests.baton import MODES
from tests.binaries import find_all

from .run import Settings, perform
from .table import show

FAILED = 1
CLIENTS_NICE = -10


def main() -> int:
    binaries = find_all()
    if not binaries:
        print("no redis-server found, neither on the PATH nor in .venv/redis-6.2: run scripts/setup")
        return FAILED
    parser = argparse.ArgumentParser(
        prog="scripts/soak", description="A mixed load that comes and goes, under switchovers and faults."
    )
    how_long = parser.add_mutually_exclusive_group()
    how_long.add_argument("--seconds", type=float, default=300.0, help="for how long; 300 unless told")
    how_long.add_argument(
        "--switchovers", type=int, default=0, help="until so many were done, however long it takes"
    )
    parser.add_argument("--every", type=float, default=2.0, help="seconds between switchovers; 2 unless told")
    parser.add_argument("--nodes", type=int, choices=(2, 3), default=2)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--redis", choices=list(binaries), default=next(iter(binaries)), help="which version")
    parser.add_argument("--lanes", choices=MODES, default="shared")
    parser.add_argument(
        "--calm", type=float, default=1.0, help="by how much the clients are slower; 1 unless told"
    )
    parser.add_argument(
        "--tls", action="store_true", help="to the nodes, and of clients but those who work in shifts"
    )
    parser.add_argument(
        "--urgent",
        action="store_true",
        help="go before what else the machine does, where the user may",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all that was found there")
    parser.add_argument("--logs", type=Path, metavar="FOLDER", help="keep there what the processes logged")
    given = parser.parse_args()
    settings = Settings(
        binary=binaries[given.redis],
        version=given.redis,
        seconds=given.seconds,
        switchovers=given.switchovers,
        every_s=given.every,
        nodes=given.nodes,
        seed=given.seed,
        lanes=given.lanes,
        calm=given.calm,
        urgent=given.urgent,
        tls=given.tls,
        logs=given.logs,
    )
    if given.urgent:
        with suppress(PermissionError):
            os.nice(CLIENTS_NICE)  # and of all load processes; of nodes and proxy see `ground`
    screen = Screen(sys.stdout)
    # A shell that starts it in the background has it ignore SIGINT; and none of its children may outlive it.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        report = perform(settings, screen)
    except KeyboardInterrupt:
        screen.say("interrupted, and not judged")
        return INTERRUPTED
    except AssertionError as failure:
        screen.say(f"NOT ok: {failure}", "bold", "red")
        return FAILED
    show(screen, report)
    if given.json is not None:
        given.json.write_text(json.dumps(report.told(), indent=1) + "\n")
    return 0 if report.ok else FAILED


if __name__ == "__main__":
    sys.exit(main())
