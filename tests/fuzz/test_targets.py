"""Every input that was of use once, and some seconds of new ones, at every way in from outside."""

from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest

from tests.fuzz.blind import maker
from tests.fuzz.limits import LIMITS
from tests.fuzz.targets import CORPUS, NAMES, corpus, target

SIZE_MAX = 4096
KEPT_MAX = 300


@pytest.mark.parametrize("name", NAMES)
def test_what_once_was_of_use_does_no_harm(name: str) -> None:
    for file in corpus(name):
        try:
            target(name).throw(file.read_bytes())
        except Exception as fault:
            raise AssertionError(f"{file}: {fault}") from fault


@pytest.mark.parametrize("name", NAMES)
def test_what_is_made_of_it_does_no_harm(name: str, rounds: Callable[[], Iterator[Random]]) -> None:
    make, throw = maker(name), target(name).throw
    for random in rounds():
        for _ in range(20):
            data = make(random)
            try:
                throw(data)
            except Exception as fault:
                raise AssertionError(f"{data!r}: {fault}") from fault


def test_each_target_has_a_corpus_that_is_small() -> None:
    assert {folder.name for folder in CORPUS.iterdir()} == set(NAMES)
    for name in NAMES:
        files = list(corpus(name))
        assert 0 < len(files) <= KEPT_MAX
        assert all(file.stat().st_size <= SIZE_MAX for file in files)
        assert len({file.read_bytes() for file in files}) == len(files), "each once"


def test_the_limits_that_the_fuzzers_lower_are_still_there() -> None:
    from importlib import import_module

    for module, name in LIMITS:
        assert hasattr(import_module(module), name), f"{module} has no {name} any more"


def test_every_target_has_a_module_and_every_module_is_a_target() -> None:
    folder = Path(__file__).parent / "targets"
    assert {file.stem for file in folder.glob("*.py")} == {"__init__", *NAMES}
