"""The locks in requirements/: read, and held against pyproject.toml. Every finding is a sentence.

A lock is a requirements file of pip as ./scripts/lock writes it: each package with one version, a marker,
hashes, and in comments who asked for it. Nothing is asked of the network here.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from attrs import frozen
from packaging.markers import default_environment
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

NAMES = ("baton", "build", "dev", "lock")
"""What is installed: in the image, to build it, in .venv, to write the locks."""

SERVERS = "servers"
"""The lock of what is only unpacked: old servers, which the tests run against."""

PYTHONS = ("3.11.9", "3.12.9", "3.13.9", "3.14.1")
MACHINES = ("x86_64", "aarch64")
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


@frozen
class Pin:
    """One package of a lock."""

    requirement: Requirement
    asked_by: frozenset[str]
    """Canonical names of packages."""
    hashes: frozenset[str]
    """SHA-256 of each file that may be installed, in hexadecimal."""

    @property
    def name(self) -> str:
        return canonicalize_name(self.requirement.name)

    @property
    def version(self) -> str:
        return next(iter(self.requirement.specifier)).version

    def holds(self, environment: Mapping[str, str]) -> bool:
        marker = self.requirement.marker
        return marker is None or marker.evaluate(dict(environment))


def environments() -> Iterator[dict[str, str]]:
    """All that a lock is to hold for."""
    for python in PYTHONS:
        for machine in MACHINES:
            yield {
                **_here(),
                "python_version": python.rpartition(".")[0],
                "python_full_version": python,
                "platform_machine": machine,
            }


def _here() -> dict[str, str]:
    return {**{name: str(value) for name, value in default_environment().items()}, "extra": ""}


def read(text: str) -> tuple[list[Pin], list[str]]:
    """The pins of a lock, and what is wrong with its lines."""
    pins, wrong = [], []
    joined = text.replace("\\\n", " ")
    for entry in re.split(r"\n(?=[^\s#])", joined):
        lines = [line for line in entry.splitlines() if line.strip()]
        said = [line for line in lines if not line.lstrip().startswith("#")]
        if not said:
            continue
        words, options = said[0].partition(" --")[0], HASH.findall(said[0])
        rest = HASH.sub("", said[0]).removeprefix(words).strip()
        if len(said) > 1 or rest or "://" in entry:
            wrong.append(f"{words.strip()}: something stands there besides a version, a marker and hashes")
        try:
            requirement = Requirement(words)
        except InvalidRequirement:
            wrong.append(f"{words.strip()}: not a package")
            continue
        specifiers = [*requirement.specifier]
        if len(specifiers) != 1 or specifiers[0].operator != "==" or "*" in specifiers[0].version:
            wrong.append(f"{words.strip()}: not one version")
            continue
        if not options:
            wrong.append(f"{words.strip()}: no hash")
        hashes = frozenset(option.rpartition(":")[2] for option in options)
        pins.append(Pin(requirement, _asked_by("\n".join(lines)), hashes))
    return pins, wrong


def _asked_by(entry: str) -> frozenset[str]:
    """Out of uv's comments, "# via" and what follows: the packages that are named there."""
    _, _, told = entry.partition("# via")
    names = {line.strip(" #") for line in told.splitlines()}
    return frozenset(canonicalize_name(name) for name in names if re.fullmatch(r"[\w.-]+", name))


def asked(pyproject: Path) -> dict[str, list[Requirement]]:
    """What pyproject.toml asks of each lock."""
    told = tomllib.loads(pyproject.read_text("utf-8"))
    running = told["project"]["dependencies"]
    building = [*told["build-system"]["requires"], *told["dependency-groups"]["install"]]
    working = [*running, *building, *told["project"]["optional-dependencies"]["dev"]]
    lists = {"baton": running, "build": building, "dev": working}
    lists |= {name: told["dependency-groups"][name] for name in ("lock", SERVERS)}
    return {name: [Requirement(text) for text in texts] for name, texts in lists.items()}


def drift(wanted: list[Requirement], pins: list[Pin]) -> Iterator[str]:
    """Where a lock is not what pyproject.toml asks for: something is missing, other, or too much."""
    for environment in environments():
        there = {pin.name: pin for pin in pins if pin.holds(environment)}
        where = f"Python {environment['python_version']} on {environment['platform_machine']}"
        for requirement in wanted:
            if requirement.marker and not requirement.marker.evaluate(environment):
                continue
            pin = there.get(canonicalize_name(requirement.name))
            if pin is None:
                yield f"{requirement.name}: not locked for {where}"
            elif not requirement.specifier.contains(pin.version):
                yield f"{requirement.name}: {pin.version} is locked, {requirement.specifier} is asked for"
    asked_for: set[str] = {canonicalize_name(requirement.name) for requirement in wanted}
    while more := {pin.name for pin in pins if pin.asked_by & asked_for} - asked_for:
        asked_for |= more
    for pin in pins:
        if pin.name not in asked_for:
            yield f"{pin.name}: locked, and nobody asks for it"


def lacking(wanted: list[Requirement], pins: list[Pin]) -> Iterator[str]:
    """Where something is asked for with an extra, of which the lock has not all: pip takes that for complete.

    Looked up in what is installed here; what is not is told by `not_installed`.
    """
    there = {pin.name for pin in here(pins)}
    for requirement in wanted:
        if not requirement.extras or canonicalize_name(requirement.name) not in there:
            continue
        for needed in map(Requirement, requires(requirement.name) or []):
            environments = [{**_here(), "extra": extra} for extra in requirement.extras]
            if needed.marker is None or not any(needed.marker.evaluate(each) for each in environments):
                continue
            if canonicalize_name(needed.name) not in there:
                yield f"{requirement}: {needed.name}, which it takes, is not locked"


def apart(locks: Mapping[str, list[Pin]]) -> Iterator[str]:
    """Where two locks have different versions of a package: what is tested is then not what is shipped."""
    working = {(pin.name, pin.version) for pin in locks["dev"]}
    for name in ("baton", "build"):
        for pin in locks[name]:
            if (pin.name, pin.version) not in working:
                yield f"{name}.txt: {pin.name} {pin.version} is not so in dev.txt"


def here(pins: list[Pin]) -> list[Pin]:
    """Those that hold for this Python on this machine."""
    return [pin for pin in pins if pin.holds(_here())]


def not_installed(pins: list[Pin]) -> Iterator[str]:
    """Where what is installed is not what is locked."""
    for pin in here(pins):
        try:
            there = version(pin.name)
        except PackageNotFoundError:
            yield f"{pin.name}: locked and not installed; ./scripts/setup"
            continue
        if there != pin.version:
            yield f"{pin.name}: {there} is installed, {pin.version} is locked"


def faults(root: Path) -> list[str]:
    """All that is wrong with the locks of the project at `root`."""
    wanted = asked(root / "pyproject.toml")
    locks: dict[str, list[Pin]] = {}
    wrong = []
    for name in (*NAMES, SERVERS):
        locks[name], said = read((root / "requirements" / f"{name}.txt").read_text("utf-8"))
        wrong += [f"requirements/{name}.txt: {each}" for each in said]
        wrong += [
            f"requirements/{name}.txt: {each}" for each in dict.fromkeys(drift(wanted[name], locks[name]))
        ]
    unknown = {path.name for path in (root / "requirements").iterdir()} - {f"{name}.txt" for name in locks}
    wrong += [f"requirements/{name}: nobody looks at it" for name in sorted(unknown)]
    return wrong + [f"requirements/{each}" for each in apart(locks)]
