"""The results as docs/clients.md."""

from __future__ import annotations

import os
import platform
from statistics import median

from proxy.terminal.stage.columns import in_ms

from .run import Result, Run

HEAD = """\
# Real clients

What client libraries notice of switchovers, with everything off by which they would hide one: no retries, no
reconnecting, no queue for commands that cannot be sent. This page was written by

```sh
./scripts/clients --page docs/clients.md
```

which starts two redis-server processes and Baton, lets a program for each client work with as much of the
library as makes sense, and moves the primary to and fro at random moments meanwhile. Then it asks the nodes
themselves what became of all that had been acknowledged.
"""

COLUMNS = (
    "client",
    "version",
    "what it does",
    "operations",
    "switchovers",
    "errors",
    "disconnects",
    "lost",
    "doubled",
    "longest wait, ms",
)

FOOT = """
- **operations**: calls that were answered, and jobs done. What merely waits, such as BLPOP, is not counted.
- **errors**: every error that the library gave, and every reply that was not what it must be: another
  client's value, a stale one from a cache, a wrong db, name or id, a number out of order.
- **disconnects**: connections that broke, by the library's own word, or that were opened after the start.
  valkey-glide cannot be told not to connect again: the proxy's own count of connections, which must stay the
  same from the start to the end, tells of those.
- **lost, doubled**: what was acknowledged and is in the end neither in its place on both nodes nor was seen
  by a reader; what is there, or was seen, twice. Elements of queues, entries of streams, messages,
  increments, jobs, and members that a scan left out.
- **longest wait**: of one call, on a machine that all of these share with both nodes.
- EXEC answered nil is lawful under WATCH, and no error: {nil:,} times here, most of them because a rival was
  quicker.
"""


def page_of(run: Run) -> str:
    rows = [COLUMNS, tuple("---" if column in COLUMNS[:3] else "---:" for column in COLUMNS)]
    rows += [row_of(result, len(run.holds_ms)) for result in run.results]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    nil = sum(result.counts.get("EXEC answered nil", 0) for result in run.results)
    return f"{HEAD}\n{summary(run)}\n\n{table}\n{FOOT.format(nil=nil)}"


def summary(run: Run) -> str:
    middle, most = (in_ms(choose(run.holds_ms or [0.0])) for choose in (median, max))
    verdict = "No client noticed." if run.ok else "**It did not pass**; the rows tell what went wrong."
    return (
        f"{len(run.holds_ms)} switchovers, Redis {run.server_version}, Python {platform.python_version()},"
        f" {run.connections} connections; load average {os.getloadavg()[1]:.0f} on {os.cpu_count()} cores."
        f" Clients were held for {middle} ms (median), {most} ms at most. {verdict}"
    )


def row_of(result: Result, switchovers: int) -> tuple[str, ...]:
    counts = (result.operations, switchovers, result.errors, result.disconnects, result.lost, result.doubled)
    return (
        result.client,
        result.version,
        result.does,
        *(f"{count:,}" for count in counts),
        in_ms(result.longest_wait_ms),
    )
