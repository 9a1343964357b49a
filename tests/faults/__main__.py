"""The long form: ``python -m tests.faults [SEED] [--only roads|tunnel|cable] [--lanes MODE]
[--redis VERSION]``.

Each fault between each pair ahead of each step, healed soon and late. The seed decides in which order
versions and modes of the lanes take turns, and all dice of roads and wires. A scene is played in until
something is wrong with it.
"""

import argparse
import itertools
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal

import redis

from tests.baton import MODES
from tests.binaries import find_all
from tests.faults.grid import ROAD_CASES, WIRE_CASES, Case
from tests.faults.namespaces import why_no_netem, why_not
from tests.faults.on_roads import scene_on_roads
from tests.faults.on_wires import scene_on_wires
from tests.faults.scene import Outcome, Scene
from tests.servers import START_ATTEMPTS

LOG_CHARACTERS = 6000
SCENE_CASES = 40
"""As many are played in one scene; then others have their turn."""
Kind = Literal["roads", "tunnel", "cable"]


def main() -> int:
    binaries = find_all()
    parser = argparse.ArgumentParser(
        prog="scripts/faults", description="Put faults between proxy and nodes, at each step of switchovers."
    )
    parser.add_argument("seed", type=int, nargs="?", default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--only", choices=("roads", "tunnel", "cable"), help="all three unless told")
    parser.add_argument("--redis", choices=list(binaries), help="all versions in turn unless told")
    parser.add_argument("--lanes", choices=MODES, help="both modes in turn unless told")
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    versions = [given.redis] if given.redis else list(binaries)
    places = list(itertools.product(versions, [given.lanes] if given.lanes else MODES))
    random.Random(given.seed).shuffle(places)
    played: list[Outcome] = []
    for name, cases in kinds():
        if given.only in (None, name):
            played += play(name, cases, itertools.cycle(places), given.seed)
    return tell(played)


def kinds() -> Iterator[tuple[Kind, Sequence[Case[Any]]]]:
    """What this machine can do. What it cannot is told."""
    yield "roads", ROAD_CASES
    if why := why_not():
        print(f"left out, {2 * len(WIRE_CASES)} cases on wires: {why}")
        return
    yield "tunnel", WIRE_CASES
    if why := why_no_netem():
        unplugging = [case for case in WIRE_CASES if case.what.unplugs]
        print(f"left out, {len(WIRE_CASES) - len(unplugging)} cases on cables: {why}")
        yield "cable", unplugging
    else:
        yield "cable", WIRE_CASES


def play(
    name: Kind, cases: Sequence[Case[Any]], places: Iterator[tuple[str, str]], seed: int
) -> list[Outcome]:
    outcomes: list[Outcome] = []
    left = iter(cases)
    while turn := list(itertools.islice(left, SCENE_CASES)):
        version, lanes = next(places)
        while turn:
            print(f"{name}, redis {version}, {lanes} lanes", flush=True)
            turn = turn[play_until_wrong(name, version, lanes, seed, turn, outcomes) :]
    return outcomes


def play_until_wrong(
    name: Kind, version: str, lanes: str, seed: int, cases: Sequence[Case[Any]], outcomes: list[Outcome]
) -> int:
    """How many cases were played."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="baton-faults-")))
        scene = set_up(stack, name, find_all()[version], directory, lanes, seed)
        for number, case in enumerate(cases, 1):
            outcomes.append(outcome := scene.play(case))
            print(outcome, flush=True)
            if outcome.wrong:
                print(scene.proxy.log()[-LOG_CHARACTERS:], flush=True)
                return number
    return len(cases)


def set_up(stack: ExitStack, name: Kind, binary: Path, directory: Path, lanes: str, seed: int) -> Scene[Any]:
    """On a machine that is very busy a server may not come up in time: then once more."""
    for attempt in itertools.count(1):
        place = directory / str(attempt)
        try:
            if name == "roads":
                return stack.enter_context(scene_on_roads(binary, place, lanes, seed))
            return stack.enter_context(scene_on_wires(binary, place, lanes, seed, name))
        except (AssertionError, redis.ResponseError) as fault:
            if attempt == START_ATTEMPTS:
                raise
            print(f"did not come up: {fault}", flush=True)
    raise AssertionError


def tell(played: Sequence[Outcome]) -> int:
    ended = Counter(" ".join(outcome.answer.split(":")[0].split()[:2]) for outcome in played)
    wrong = [outcome for outcome in played if outcome.wrong]
    closed = sum(bool(outcome.closed) for outcome in played)
    print(f"\n{len(played)} cases: {', '.join(f'{count} {how}' for how, count in ended.most_common())}")
    print(f"{closed} in which clients lost connections, {sum(len(each.closed) for each in played)} in all")
    print(f"{sum(each.tries > 1 for each in played)} after which the next switchover took more than one try")
    print(f"{len(wrong)} in which something was wrong")
    for outcome in wrong:
        print(outcome)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
