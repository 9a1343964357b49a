"""What is growth and what is noise."""

import random
from collections.abc import Callable

import pytest

from scripts.baton_soak.growth import LEAST, SLOW_S, TOLERANCE, course, left_over

SECONDS, SAMPLES = 300.0, 60
HOUR_S = 3600.0
Course = Callable[[float], float]


def line_of(
    name: str,
    level: float,
    noise: float,
    rising: Course,
    seed: int,
    samples: int = SAMPLES,
    seconds: float = SECONDS,
) -> bool:
    """Whether a measure that goes up and down by `noise`, and rises so, is found to grow."""
    dice = random.Random(seed)
    times = [seconds * at / samples for at in range(samples)]
    values = [level + dice.uniform(-noise, noise) + rising(at / seconds) for at in times]
    return course(name, times, values).grows


LEVELS = {"resident": (60_000.0, 800.0), "large": (12_000.0, 2000.0), "blocks": (280_000.0, 6000.0)}
LEVELS |= {"descriptors": (150.0, 40.0)}
LEVELS |= {"tasks": (20.0, 6.0), "spare": (12.0, 12.0), "owed": (8.0, 8.0), "held": (5.0, 5.0)}


@pytest.mark.parametrize("name", LEVELS)
def test_noise_alone_is_no_growth(name: str) -> None:
    assert not any(line_of(name, *LEVELS[name], lambda _: 0.0, seed) for seed in range(50))


@pytest.mark.parametrize("name", LEVELS)
def test_a_leak_of_a_few_times_what_is_allowed_is_found_in_that_noise(name: str) -> None:
    level, noise = LEVELS[name]
    leak = 4 * max(TOLERANCE[name], 0.04 * level, noise)
    seconds = HOUR_S if name in SLOW_S else SECONDS
    assert all(line_of(name, level, noise, lambda at: leak * at, seed, seconds=seconds) for seed in range(50))


def test_what_is_taken_once_in_the_beginning_is_no_growth() -> None:
    assert not line_of("resident", 50_000, 500, lambda at: 15_000 * min(1.0, 4 * at), 1)


def test_memory_that_the_c_library_keeps_step_by_step_is_growth_in_an_hour_and_not_in_five_minutes() -> None:
    steps: Course = lambda at: 3000 * int(5 * at)  # noqa: E731
    assert not line_of("resident", 60_000, 500, steps, 1)
    assert line_of("large", 60_000, 500, steps, 1)
    assert line_of("resident", 60_000, 500, lambda at: 2 * steps(at), 1, seconds=HOUR_S)


def test_a_few_wild_samples_do_not_turn_the_line() -> None:
    times = [float(at) for at in range(SAMPLES)]
    values = [20.0] * SAMPLES
    for at in (-1, -2, -7, -9):
        values[at] = 5000.0
    assert not course("tasks", times, values).grows


def test_a_leak_in_the_last_third_alone_is_found() -> None:
    assert line_of("tasks", 20, 2, lambda at: 100 * max(0.0, at - 0.66), 1)


def test_many_samples_are_drawn_through_their_medians() -> None:
    assert line_of("tasks", 20, 3, lambda at: 60 * at, 1, samples=3000)
    assert not line_of("tasks", 20, 3, lambda at: 0, 1, samples=3000)


def test_few_samples_tell_nothing() -> None:
    times = [float(at) for at in range(LEAST)]
    assert not course("tasks", times, [100.0 * at for at in times]).grows
    assert not course("tasks", [], []).grows


QUIET = {
    "clients": 0,
    "held": 0,
    "private": 0,
    "owed": 0,
    "tasks": 16,
    "descriptors": 17,
    "shared": 0,
    "spare": 0,
    "large": 11_500,
}


def test_of_a_proxy_that_all_have_left_lanes_may_be_left_and_nothing_else() -> None:
    assert left_over(QUIET, QUIET) == []
    assert left_over(QUIET, QUIET | {"shared": 10, "spare": 30, "descriptors": 57}) == []
    assert left_over(QUIET, QUIET | {"large": 12_500}) == []
    assert left_over(QUIET, QUIET | {"descriptors": 16, "tasks": 15}) == []


def test_what_is_made_once_when_it_is_needed_may_be_left_too() -> None:
    assert left_over(QUIET, QUIET | {"descriptors": 18}, late=1) == []
    assert left_over(QUIET, QUIET | {"descriptors": 19}, late=1) != []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"clients": 1}, "1 clients"),
        ({"held": 2}, "2 held"),
        ({"owed": 1}, "1 owed"),
        ({"large": 20_000}, "20,000 KiB in large pieces, where there were 11,500"),
        ({"private": 3, "descriptors": 20}, "3 private"),
        ({"tasks": 17}, "17 tasks, where there were 16"),
        ({"descriptors": 18}, "18 descriptors besides lanes, where there were 17"),
    ],
)
def test_what_is_left_besides_is_told(change: dict[str, float], told: str) -> None:
    assert told in left_over(QUIET, QUIET | change)
