"""What is thrown at by the fuzzers: one module for each way in from outside.

Each has ``throw(data)``, which raises where the code did what it must never do; whatever else may come of the
bytes is a matter of course. ``WORDS`` is what a fuzzer may put in. Under ``tests/fuzz/corpus`` each has a
folder of inputs that were of use: a few for every way through the code, and all that ever found a fault.

``tests/fuzz/test_targets.py`` throws the corpus, and mutations of it for some seconds; ``python -m
tests.fuzz`` (``./scripts/fuzz SECONDS [SEED] --target NAME``) is guided by what code an input reaches.
"""

from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

NAMES = (
    *("requests", "replies", "sessions", "shared", "private"),
    *("node", "console", "http", "settings", "proxied"),
)
CORPUS = Path(__file__).parent.parent / "corpus"


class Target(Protocol):
    """A module of this folder."""

    WORDS: tuple[bytes, ...]

    @staticmethod
    def throw(data: bytes) -> None: ...


def target(name: str) -> Target:
    return cast(Target, import_module(f"tests.fuzz.targets.{name}"))


def corpus(name: str) -> Iterable[Path]:
    """The inputs that are kept for a target."""
    return sorted((CORPUS / name).iterdir())
