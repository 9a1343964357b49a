"""Waiting for a condition itself, never for a time to have passed.

What is waited for lies in other processes, so it has to be asked again and again; a limit, in seconds, turns
a condition that never comes into a sentence.
"""

import time
from collections.abc import Callable

import trio

POLL_SECONDS = 0.003
LIMIT_SECONDS = 30.0


def wait_until(
    condition: Callable[[], object], what: str | Callable[[], str], limit: float = LIMIT_SECONDS
) -> None:
    """Return once `condition()` is true; fail with `what` was expected when `limit` seconds are over.

    It blocks the thread: in a test that shares its trio loop with the code under test, use `until`.
    """
    end = time.monotonic() + limit
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(_failure(what, limit))
        time.sleep(POLL_SECONDS)


async def until(
    condition: Callable[[], object], what: str | Callable[[], str], limit: float = LIMIT_SECONDS
) -> None:
    """The same as `wait_until`, while other trio tasks go on."""
    with trio.move_on_after(limit):
        while not condition():
            await trio.sleep(POLL_SECONDS)
        return
    raise AssertionError(_failure(what, limit))


def _failure(what: str | Callable[[], str], limit: float) -> str:
    return f"not within {limit:g} s: {what if isinstance(what, str) else what()}"
