"""One load process: `python -m proxy.terminal.demo.load WORKLOAD HOST:PORT [CALM]`.

A process for each workload, so that a wait is a client's wait and not that for another's turn in the
interpreter. It obeys words on its standard input and tells JSON objects on its standard output, one a line:

    {"ready": clients}                            the clients are connected and at work
    {"live": [operations, errors, disconnects]}   a few times a second
    stop                                          no new work; what is under way ends: {"stopped": true}
    judge PRIMARY REPLICA…                        asks those nodes directly, tells the {"result": …}, and ends

When its standard input ends, so does the process: nobody is left to listen.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from attrs import asdict

from proxy.terminal.stage.direct import Address

from .clients import UNKNOWN
from .shift import Shift, Workload
from .tally import add_up
from .verdict import Verdict
from .workloads import WORKLOADS

LIVE_EVERY_S = 0.2
TURN_S = 0.0005
"""How long one thread may keep the interpreter while another wants it; Python's 5 ms would show as waits."""
END_LIMIT_S = 30
"""Longer than any single wait of a client: a thread that has not ended by then hangs."""


def tell(**fact: Any) -> None:
    sys.stdout.write(json.dumps(fact) + "\n")  # in one piece: two threads tell
    sys.stdout.flush()


def tell_live(shift: Shift) -> None:
    while not shift.over.wait(LIVE_EVERY_S):
        tallies = [client.tally for client in shift.clients]
        operations = sum(tally.operations for tally in tallies)
        errors = sum(tally.errors for tally in tallies)
        tell(live=[operations, errors, sum(tally.disconnects for tally in tallies)])


def tell_result(shift: Shift, verdict: Verdict) -> None:
    result = asdict(add_up(client.tally for client in shift.clients))
    result["errors"] += len(verdict.faults)
    result["problems"] = [
        *result["problems"],
        *(f"{shift.workload}: {told}" for told in (*verdict.faults, *verdict.notes)),
    ]
    tell(result={**result, "lost": verdict.lost, "doubled": verdict.doubled})


def run_part(part: Callable[[], None], shift: Shift) -> None:
    """A client's loop; an answer that it cannot digest is an error of the server's, and ends it."""
    try:
        part()
    except Exception as error:
        shift.clients[0].tally.fault(f"a client gave up: {error!r}")
        raise


def start(workload: Workload, shift: Shift) -> list[threading.Thread]:
    for client in shift.clients:
        if client.attempt(client.redis.ping) is UNKNOWN:
            sys.exit(client.tally.problems[-1])
    threads = [
        threading.Thread(target=run_part, args=(part, shift), daemon=True) for part in workload.parts()
    ]
    for thread in [*threads, threading.Thread(target=tell_live, args=(shift,), daemon=True)]:
        thread.start()
    return threads


def end(threads: Sequence[threading.Thread], shift: Shift) -> None:
    shift.over.set()
    deadline_s = time.monotonic() + END_LIMIT_S
    for thread in threads:
        thread.join(max(0.0, deadline_s - time.monotonic()))
        if thread.is_alive():
            shift.clients[0].tally.fault("a client was still waiting long after the load had ended")


def main() -> None:
    name, address, *calm = sys.argv[1:]
    sys.setswitchinterval(TURN_S)
    shift = Shift(Address.parse(address), name, float(calm[0]) if calm else 1.0)
    workload = WORKLOADS[name](shift)
    threads = start(workload, shift)
    tell(ready=len(shift.clients))
    for line in sys.stdin:
        match line.split():
            case ["stop"]:
                end(threads, shift)
                tell(stopped=True)
            case ["judge", *nodes]:
                tell_result(shift, workload.judge([Address.parse(node) for node in nodes]))
                return
            case _:
                sys.exit(f"not a word of this process: {line!r}")


if __name__ == "__main__":
    main()
