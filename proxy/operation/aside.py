"""Files, read in a thread beside the loop: a FIFO that nobody writes to, or a network disk that has gone, is
not to stop the clients.

One reading at a time. One that does not come back is given up, and its thread left behind: so many at most,
then nothing more is read until one of them comes back.
"""

from collections.abc import Callable
from typing import TypeVar

import trio
from attrs import define, field

READ_WITHIN_S = 5.0
LEFT_MAX = 8
"""Threads that are left behind."""

T = TypeVar("T")


class Unanswered(OSError):
    """A file does not answer."""

    def __init__(self) -> None:
        super().__init__(f"a file does not answer within {READ_WITHIN_S:g} s")


@define(eq=False)
class Aside:
    """Of one process."""

    _one: trio.CapacityLimiter = field(factory=lambda: trio.CapacityLimiter(1))
    _left: list[trio.CapacityLimiter] = field(factory=list)
    """Of readings that were given up."""

    async def read(self, act: Callable[[], T]) -> T:
        """What `act` returns or raises; Unanswered where it takes too long."""
        one = self._one
        with trio.move_on_after(READ_WITHIN_S):
            return await trio.to_thread.run_sync(act, abandon_on_cancel=True, limiter=one)
        self._left = [each for each in self._left if each.borrowed_tokens]
        if one is self._one and len(self._left) < LEFT_MAX:
            self._left.append(one)
            self._one = trio.CapacityLimiter(1)
        raise Unanswered
