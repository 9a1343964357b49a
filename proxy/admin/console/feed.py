"""Events on their way to one subscriber, so many at most: who does not read is given up, and nobody waits."""

import json
from collections import deque
from collections.abc import Callable

import trio
from attrs import define, field

from proxy.telling import Told, listen

CHANNEL = "events"
EVENTS_MAX = 1024
"""Events that may wait for one subscriber. A switchover tells some fifteen."""


@define
class Feed:
    """One visitor's. What happens is only put here; it is made into bytes in the visitor's own time."""

    lost: bool = False
    """More happened than could wait: the visitor does not read, and is to be closed."""
    _waiting: deque[Told] = field(factory=deque)
    _stop: Callable[[], None] | None = None
    _more: trio.Event = field(factory=trio.Event)

    @property
    def on(self) -> bool:
        """It is subscribed."""
        return self._stop is not None

    def begin(self) -> None:
        """Listen from now on."""
        if self._stop is None:
            self._stop = listen(self._take)

    def end(self) -> None:
        """Listen no more; what waits is dropped."""
        if self._stop is not None:
            self._stop()
            self._stop = None
        self._waiting.clear()

    def _take(self, told: Told) -> None:
        if len(self._waiting) >= EVENTS_MAX:
            self.end()
            self.lost = True
        else:
            self._waiting.append(told)
        self._more.set()

    async def wait(self) -> None:
        """Until something waits, or it is lost."""
        while not (self._waiting or self.lost):
            self._more = trio.Event()
            await self._more.wait()

    def next(self) -> str | None:
        """The next event as one JSON object, if one waits still."""
        return json.dumps(dict(self._waiting.popleft()), ensure_ascii=False) if self._waiting else None
