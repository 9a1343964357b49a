"""Clients that write without a pause, and remember what they were told.

A writer appends numbers to a list of its own. Its acknowledged numbers must be there in the end, each once
and in order; those whose answer was lost may be there.
"""

import threading
from collections.abc import Sequence
from typing import Self

import attrs
import redis

from tests.servers import RedisServer, direct_client
from tests.waiting import wait_until

WRITERS = 4
PATIENCE_SECONDS = 40.0
AGAIN_SECONDS = 0.01


@attrs.define(eq=False)
class Writer:
    """One client."""

    key: str
    port: int
    acknowledged: list[int] = attrs.field(factory=list)
    unknown: list[int] = attrs.field(factory=list)
    closed: list[str] = attrs.field(factory=list)
    """Why each connection was lost."""
    errors: list[str] = attrs.field(factory=list)
    _stopping: threading.Event = attrs.field(factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> Self:
        self._thread = threading.Thread(target=self._write, name=self.key)
        self._thread.start()
        return self

    def stop(self) -> None:
        """End it; the answer that it waits for must be on its way."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def goes_on(self) -> None:
        """Wait until something more is acknowledged."""
        count = len(self.acknowledged)
        wait_until(
            lambda: len(self.acknowledged) > count + 1,
            lambda: f"{self.key} goes on; errors {self.errors[-3:]}, closed {self.closed[-3:]}",
        )

    def check(self, server: RedisServer) -> None:
        """Everything acknowledged is on this server, once and in order, and nothing that was never sent."""
        found = [int(number) for number in server.command("LRANGE", self.key, 0, -1)]
        assert sorted(set(found)) == found, f"{self.key}: doubled or out of order"
        assert sorted(set(self.acknowledged) - set(found)) == [], f"{self.key}: acknowledged and lost"
        assert sorted(set(found) - set(self.acknowledged) - set(self.unknown)) == [], (
            f"{self.key}: refused yet there"
        )

    def _write(self) -> None:
        number = 0
        with direct_client(self.port, socket_timeout=PATIENCE_SECONDS) as client:
            while not self._stopping.is_set():
                number += 1
                try:
                    client.rpush(self.key, number)
                except (redis.ConnectionError, redis.TimeoutError) as fault:
                    self.unknown.append(number)
                    self.closed.append(str(fault))
                    self._stopping.wait(AGAIN_SECONDS)
                except redis.ResponseError as fault:
                    self.errors.append(str(fault))
                    self._stopping.wait(AGAIN_SECONDS)
                else:
                    self.acknowledged.append(number)


@attrs.define(eq=False)
class Load:
    """Writers through the proxy, and one that goes past it, straight to the primary."""

    writers: Sequence[Writer]
    bypassing: Writer

    @classmethod
    def start(cls, port: int, primary: RedisServer) -> Self:
        writers = [Writer(f"writer:{number}", port).start() for number in range(WRITERS)]
        load = cls(writers, Writer("bypassing", primary.port).start())
        load.goes_on()
        load.bypassing.goes_on()
        return load

    def goes_on(self) -> None:
        """Wait until every writer has something more acknowledged."""
        for writer in self.writers:
            writer.goes_on()

    def stop(self) -> None:
        for writer in (*self.writers, self.bypassing):
            writer.stop()

    def check(self, server: RedisServer, bypassing: bool = True) -> None:
        """Once stopped: nothing acknowledged is missing on the server, nothing is doubled."""
        for writer in (*self.writers, *([self.bypassing] if bypassing else [])):
            writer.check(server)

    @property
    def noticed(self) -> list[str]:
        """What the clients of the proxy saw of it all."""
        return [fault for writer in self.writers for fault in (*writer.errors, *writer.closed)]
