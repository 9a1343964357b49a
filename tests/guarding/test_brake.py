"""Who guesses at passwords is slowed down, and keeps nobody out."""

import time

import pytest
import trio

from proxy.admin import roles
from proxy.admin.roles import ADDRESSES_MAX, FORGET_S, FREE, LONGEST_S, Brake
from tests.admin.talking import answered, connect
from tests.guarding.conftest import PASSWORD

RIGHT = b"AUTH '%s'\r\n" % PASSWORD.encode()
WRONGPASS = b"-WRONGPASS invalid username-password pair or user is disabled.\r\n"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the brake takes for the time."""
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def wrong(brake: Brake, host: str, times: int) -> None:
    for _ in range(times):
        brake.failed(host)


def test_the_first_mistakes_cost_nothing_and_the_next_twice_as_much_each(clock: list[float]) -> None:
    brake, seconds = Brake(), []
    for _ in range(FREE + 6):
        seconds.append(brake.seconds("10.0.0.1"))
        brake.failed("10.0.0.1")
    assert seconds == [0.0] * FREE + [0.1, 0.2, 0.4, 0.8, LONGEST_S, LONGEST_S]
    wrong(brake, "10.0.0.1", 5000)
    assert brake.seconds("10.0.0.1") == LONGEST_S


def test_others_are_not_slowed_down_and_it_is_forgotten(clock: list[float]) -> None:
    brake = Brake()
    wrong(brake, "10.0.0.1", 20)
    assert brake.seconds("10.0.0.2") == 0
    clock[0] += FORGET_S + 1
    assert brake.seconds("10.0.0.1") == 0


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:10.0.0.1", "::ffff:10.0.0.2", False),
        ("fe80::1%eth0", "fe80::2%eth0", True),
        ("somebody", "somebody else", False),
    ],
)
def test_whoever_has_a_network_of_addresses_is_one(one: str, other: str, same: bool) -> None:
    brake = Brake()
    wrong(brake, one, 20)
    assert (brake.seconds(other) > 0) is same


def test_no_more_than_so_many_addresses_are_remembered() -> None:
    brake = Brake()
    for number in range(3 * ADDRESSES_MAX):
        brake.failed(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert len(brake._wrong) == ADDRESSES_MAX


async def test_no_more_than_so_many_wait() -> None:
    brake = Brake(most=2)
    wrong(brake, "10.0.0.1", 20)
    answers: list[bool] = []

    async def attempt() -> None:
        answers.append(await brake.wait("10.0.0.1"))

    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(attempt)
        await trio.testing.wait_all_tasks_blocked()
        assert answers == [False]
    assert sorted(answers) == [False, True, True]


async def test_on_the_console_it_brakes_and_the_right_one_is_let_in_all_the_same(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roles, "FIRST_S", 0.05)
    monkeypatch.setattr(roles, "LONGEST_S", 0.2)
    took: list[float] = []
    async with await connect(port) as stream:
        for _ in range(FREE + 4):
            began = trio.current_time()
            await answered(stream, b"AUTH wrong\r\n", WRONGPASS)
            took.append(trio.current_time() - began)
    assert min(took[FREE:]) >= 0.05 and min(took[-2:]) >= 0.2
    async with await connect(port) as operator:  # from the same address
        with trio.fail_after(5):
            await answered(operator, RIGHT + b"PING\r\n", b"+OK\r\n+PONG\r\n")
