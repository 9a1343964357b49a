"""The program: who does what, over which protocol and in which db."""

from __future__ import annotations

import sys

import trio

from .channels import channels
from .data import crowd, scripts, transactions, values
from .program import Program
from .queues import list_queue, sorted_queue, stream
from .reading import scans


async def main() -> None:
    host, port = sys.argv[1:]
    program = Program(host, int(port))
    await values(program, "values-2", protocol=2, db=0)
    await values(program, "values-3", protocol=3, db=6)
    await crowd(program, "crowd", tasks=12)
    await transactions(program, "rival-2", protocol=2)
    await transactions(program, "rival-3", protocol=3)
    await scripts(program, "scripts", protocol=3)
    await list_queue(program, "popped", protocol=3, waits_s=0)
    await list_queue(program, "moved", protocol=2, waits_s=1.5)
    await sorted_queue(program, "sorted", protocol=3)
    await stream(program, "stream", protocol=3)
    await channels(program, "channel")
    await scans(program, "scans", protocol=3)
    await program.run()


if __name__ == "__main__":
    trio.run(main)
