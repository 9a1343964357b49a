"""The program: who does what, over which protocol and in which db."""

from __future__ import annotations

import sys

from .channels import channels
from .data import scripts, transactions, values
from .program import Program
from .queues import queue, stream, unblocked
from .reading import cached, scans


def main() -> None:
    host, port = sys.argv[1:]
    program = Program(host, int(port))
    values(program, "values-2", protocol=2, db=0)
    values(program, "values-3", protocol=3, db=5)
    transactions(program, "rival-2", protocol=2, db=1)
    transactions(program, "rival-3", protocol=3, db=1)
    scripts(program, "scripts", protocol=3)
    queue(program, "popped", protocol=2, put="rpush", take="blpop")
    queue(program, "moved", protocol=3, put="rpush", take="blmove")
    queue(program, "sorted", protocol=2, put="zadd", take="bzpopmin", db=2)
    if program.server_version >= (7, 0):
        queue(program, "popped-many", protocol=3, put="rpush", take="blmpop")
    stream(program, "stream", protocol=3)
    channels(program, "channel", protocol=2)
    scans(program, "scans", protocol=3)
    cached(program, "cached")
    unblocked(program, "unblocked", protocol=3)
    program.run()


if __name__ == "__main__":
    main()
