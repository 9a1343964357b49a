"""``./scripts/check [--offline] [--registry ADDRESS]``."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from scripts.baton_check import advisories, bills, licences, locks

HOLDS, WRONG, UNKNOWN = 0, 1, 2
ROOT = Path(__file__).resolve().parents[2]


def _say(what: str, findings: Sequence[str], fine: str) -> bool:
    for each in findings:
        print(f"check: {what}: {each}")
    if not findings:
        print(f"check: {what}: {fine}")
    return not findings


def told(pins: list[locks.Pin], at: str) -> int:
    """Say what a registry knows against these packages, and return the status to end with."""
    answers = advisories.look_up(pins, at)
    wrong = [f"{name}: {each}" for name, answer in answers.items() for each in answer.wrong]
    unknown = [f"{name}: {answer.unknown}" for name, answer in answers.items() if answer.unknown]
    learned = len(answers) - len(unknown)
    _say("advisories", wrong, f"none against the {learned} packages that the registry tells of")
    for each in unknown:
        print(f"check: advisories: NOT KNOWN of {each}")
    if unknown:
        print(f"check: advisories: nothing was learned of {len(unknown)} of {len(answers)} packages")
    return WRONG if wrong else UNKNOWN if unknown else HOLDS


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="check", description="What Baton takes from others, and whether it may."
    )
    parser.add_argument("--offline", action="store_true", help="ask nobody for advisories")
    parser.add_argument("--registry", help="where the JSON of packages lies; else what pip is set to use")
    given = parser.parse_args(arguments)

    pins = {
        name: locks.read((ROOT / f"requirements/{name}.txt").read_text("utf-8"))[0] for name in locks.NAMES
    }
    every = list({(pin.name, pin.version): pin for some in pins.values() for pin in some}.values())
    held = [
        _say(
            "locks",
            locks.faults(ROOT),
            f"{len(every)} packages, by version and by hash, as pyproject.toml asks",
        ),
        _say(
            "licences",
            licences.faults(ROOT),
            "each is in the list, in what is shipped and in what is worked with",
        ),
        _say("bill", bills.faults_here(pins["baton"]), "well-formed, and names what is locked"),
    ]
    if given.offline:
        print("check: advisories: NOT ASKED FOR, as --offline says: whether there are any is not known")
        status = HOLDS
    else:
        status = told(every, given.registry or advisories.registry())
    print("check: the base image is Debian's and Python's: nothing here looks for advisories against it")
    return status if all(held) else WRONG


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
