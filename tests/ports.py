"""Which ports the tests choose, so that tests side by side never choose the same.

pytest-xdist runs several processes, gw0, gw1 and so on. Each has an equal part of the ports. Three quarters
of it are for what its tests start themselves; the last quarter is for the stages (proxy/terminal/stage) of
the demo and of the scripts that they run, which find it in the environment.
"""

import os
import random
import socket
from collections.abc import Iterator
from itertools import chain, cycle

from proxy.terminal.stage.processes import PORTS, STAGE_PORTS


def part_of(ports: range, number: int, count: int) -> range:
    """Return the part of the process with this number, from 0, where there are `count` of them."""
    size = len(ports) // count
    return ports[number * size : (number + 1) * size]


def split(part: range) -> tuple[range, range]:
    """Return the ports of the tests themselves, and those of the stages that they have others set."""
    at = len(part) * 3 // 4
    return part[:at], part[at:]


def give_way() -> None:
    """Leave the ports of this process's tests to them, in whatever it starts from now on."""
    os.environ[STAGE_PORTS] = f"{STAGES[0]}-{STAGES[-1]}"


def free_port() -> int:
    """Return a loopback port on which nobody listens now. It is not reserved: be ready to choose again.

    All others of this process's part come before it comes again, so one that nobody is to listen on stays so.
    """
    for port in _order:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise AssertionError("it never ends")


def _in_order(ports: range) -> Iterator[int]:
    # Somewhere, for the sake of another run of the tests on the same machine.
    first = random.SystemRandom().randrange(len(ports))
    return cycle(chain(ports[first:], ports[:first]))


_worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
OWN, STAGES = split(part_of(PORTS, int(_worker), int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))))
_order = _in_order(OWN)
