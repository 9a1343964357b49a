"""The program: who does what, over which protocol and in which db."""

from __future__ import annotations

import asyncio
import sys

from .channels import bursts, channels
from .data import crowd, locks, scripts, transactions, values
from .program import Program
from .queues import list_queue, sorted_queue, stream
from .reading import scans


async def main() -> None:
    host, port = sys.argv[1:]
    program = Program(host, int(port))
    await program.ask_version()
    await values(program, "values-2", protocol=2, db=4)
    await values(program, "values-3", protocol=3, db=0)
    await crowd(program, "crowd", protocol=3, connections=4, tasks=8)
    await transactions(program, "rival-2", protocol=2)
    await transactions(program, "rival-3", protocol=3)
    await locks(program, "lock-2", protocol=2)
    await locks(program, "lock-3", protocol=3)
    await scripts(program, "scripts", protocol=2)
    await list_queue(program, "popped", protocol=3, waits_s=0)
    await list_queue(program, "popped-briefly", protocol=2, waits_s=0.2)
    await sorted_queue(program, "sorted", protocol=3)
    await stream(program, "stream", protocol=2)
    await channels(program, "channel", protocol=3)
    await bursts(program, "bursts", protocol=2)
    await scans(program, "scans", protocol=2)
    await program.run()


if __name__ == "__main__":
    asyncio.run(main())
