"""One shift of the chaos crew, a process of its own: ``python -m scripts.baton_soak.crew``.

Its players go through the proxy all of them, in databases of their own; it switches nothing over. What was
recorded is judged by the rules of tests/chaos, told as one JSON object, and wiped away.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from attrs import define

from tests.baton import BatonProcess
from tests.chaos.checker import told
from tests.chaos.rules import queues
from tests.chaos.run import Run
from tests.servers import RedisServer

DB, SETTLED_DB = 9, 5
queues.LATE_SECONDS = 25.0
"""Where several processes share a CPU with the rest of the machine, six seconds are no hang."""
DOUBLED = ("applied twice", "taken twice", "message doubled")
LOST = ("acknowledged and missing", "message lost", "stale for ever", "no part of the final log")
CONNECTION = ("Error ", "EOFError", "closed")
"""What a notice says of a connection that broke."""
OVER = threading.Event()
"""Its shift ends early, by a SIGTERM."""


@define(eq=False)
class Shift(Run):
    """Somebody else operates."""

    def _operate(self, end: float, least: int) -> None:
        while time.monotonic() < end and not self._failed and not OVER.wait(0.1):
            pass

    def _compare_nodes(self) -> None:
        """There is but the proxy to be asked; the nodes are compared when everybody has left."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="crew")
    parser.add_argument("--binary", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--calm", type=float, required=True)
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda number, frame: OVER.set())
    with tempfile.TemporaryDirectory() as directory:
        # The proxy answers as its primary does, so it is looked at as a node.
        through = RedisServer(given.binary, Path(directory), given.port)
        proxy = BatonProcess((), {}, Path(directory) / "log", given.port)
        through._own = through.client(db=DB)
        run = Shift([through], proxy, given.seed, calm=given.calm, db=DB, bypassing=())
        run.play(given.seconds)
        for db in (DB, SETTLED_DB):
            with through.client(db=db) as wiper:
                wiper.flushdb()
        through.end()
    print(json.dumps(summed(run)), flush=True)
    return 0


def summed(run: Run) -> dict[str, object]:
    """As a row of the book has it."""
    rules = Counter(fault.rule for fault in run.faults)
    doubled = sum(rules.pop(rule, 0) for rule in DOUBLED)
    lost = sum(rules.pop(rule, 0) for rule in LOST)
    broken = sum(
        fault.rule == "noticed" and any(sign in fault.text for sign in CONNECTION) for fault in run.faults
    )
    return {
        "clients": len(run._players),
        "operations": len(run.events),
        "errors": sum(rules.values()) - broken,
        "disconnects": broken,
        "lost": lost,
        "doubled": doubled,
        "problems": told(run.faults).splitlines()[:8],
    }


if __name__ == "__main__":
    sys.exit(main())
