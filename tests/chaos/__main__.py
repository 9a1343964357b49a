"""The long form: ``python -m tests.chaos [--seconds N] [--seed N] [--nodes 2|3] [--redis VERSION]
[--lanes MODE]``.

Rounds, each with nodes and a proxy of its own and a seed that is one more than the last. What the seed
decides is what each client does next; how their commands meet is left to the machine.
"""

import argparse
import itertools
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.baton import MODES
from tests.binaries import find_all
from tests.chaos.scene import SHAPES, scene

ROUND_SECONDS = 15.0


def main() -> int:
    binaries = find_all()
    parser = argparse.ArgumentParser(prog="scripts/chaos", description="Check histories under switchovers.")
    parser.add_argument("--seconds", type=float, default=600.0, help="for how long; 600 unless told")
    parser.add_argument(
        "--seed", type=int, default=random.SystemRandom().randrange(10**6), help="of round one"
    )
    parser.add_argument("--nodes", type=int, choices=(2, 3), help="2 and 3 in turn unless told")
    parser.add_argument("--redis", choices=list(binaries), help="all versions in turn unless told")
    parser.add_argument("--lanes", choices=MODES, help="both modes in turn unless told")
    given = parser.parse_args()
    shapes = [shape for shape in SHAPES if given.nodes in (None, shape.count)]
    versions = [given.redis] if given.redis else list(binaries)
    modes = [given.lanes] if given.lanes else MODES
    places = itertools.cycle(itertools.product(shapes, versions, modes))
    end = time.monotonic() + given.seconds
    failed = rounds = 0
    while (left := end - time.monotonic()) > 0:
        shape, version, lanes = next(places)
        with (
            tempfile.TemporaryDirectory(prefix="baton-chaos-") as directory,
            scene(binaries[version], Path(directory), shape, given.seed + rounds, lanes) as run,
        ):
            run.play(min(left, ROUND_SECONDS))
            print(f"redis {version}, {shape.name}, {lanes} lanes; {run.summary()}", flush=True)
            failed += bool(run.faults)
        rounds += 1
    print(f"{rounds} rounds, {failed} with faults")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
