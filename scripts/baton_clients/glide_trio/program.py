"""valkey-glide: what every loop has, a task each.

It cannot be told not to connect again: the driver learns of that from the proxy, which counts connections.
"""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import Any

import glide  # type: ignore[import-not-found]  # it is in the programs' own venv
import trio

from scripts.baton_clients.ledger import FIRST_LOAD, SOCKET_TIMEOUT_S, UNKNOWN, History, Ledger, pace_s, tell

Api = Any
READY_LIMIT_S = 60
END_LIMIT_S = 40
BROKEN = (glide.ConnectionError, glide.ClosingError, glide.TimeoutError)


class Program:
    def __init__(self, host: str, port: int) -> None:
        self.ledger = Ledger("glide")
        self.address = glide.NodeAddress(host, port)
        self.loops: list[Callable[[], Awaitable[None]]] = []
        self.at_work: dict[Callable[[int], Awaitable[None]], trio.Event] = {}
        self.server_version: tuple[int, ...] = ()

    async def client(self, name: str, *, protocol: int, db: int = 0, **options: Any) -> Api:
        """One connection, over which any number of tasks may ask at a time."""
        config = glide.GlideClientConfiguration(
            [self.address],
            request_timeout=int(SOCKET_TIMEOUT_S * 1000),
            reconnect_strategy=glide.BackoffStrategy(num_of_retries=0, factor=1, exponent_base=2),
            database_id=db,
            client_name=self.ledger.key(name),
            protocol=glide.ProtocolVersion.RESP2 if protocol == 2 else glide.ProtocolVersion.RESP3,
            **options,
        )
        api: Api = await glide.GlideClient.create(config)
        if not self.server_version:
            told = (await api.info([glide.InfoSection.SERVER])).decode()
            found = next(line for line in told.splitlines() if line.startswith("redis_version:"))
            self.server_version = tuple(map(int, found.partition(":")[2].split(".")[:2]))
        return api

    async def ask(self, call: Callable[..., Awaitable[Any]], *arguments: Any, operations: int = 1) -> Any:
        began_s = time.monotonic()
        reply = await self.attempt(call, *arguments)
        if reply is not UNKNOWN:
            self.ledger.answered(began_s, operations)
        return reply

    async def attempt(self, call: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
        """Like `ask`, where something is waited for: not timed."""
        try:
            return await call(*arguments)
        except glide.GlideError as error:
            what = f"{getattr(call, '__name__', call)}: {type(error).__name__}: {error}"
            self.ledger.fault(what[:300], broken=isinstance(error, BROKEN))
        await trio.sleep(pace_s())
        return UNKNOWN

    def note(self, history: History, number: int, reply: Any) -> None:
        (history.unknown if reply is UNKNOWN else history.acknowledged).append(number)

    def loop(
        self,
        body: Callable[[int], Awaitable[None]],
        *,
        last: Callable[[], Awaitable[Any]] | None = None,
        first: int = FIRST_LOAD,
    ) -> None:
        """A task that does `body` with 1, 2, 3 … until the work is over, and then `last`."""
        at_work = trio.Event()
        self.at_work[body] = at_work

        async def run() -> None:
            number = 0
            while self.ledger.goes_on():
                number += 1
                await body(number)
                if number == first:
                    at_work.set()
                await trio.sleep(pace_s())
            if last is not None:
                await last()

        self.loops.append(run)

    def reader(self, body: Callable[[], Awaitable[None]]) -> None:
        """A task that ends by itself once it has read the last of all."""
        self.loops.append(body)

    async def run(self) -> None:
        async with trio.open_nursery() as nursery:
            ended = [trio.Event() for _ in self.loops]
            for loop, event in zip(self.loops, ended, strict=True):
                nursery.start_soon(self.guarded, loop, event)
            with trio.move_on_after(READY_LIMIT_S):
                for at_work in self.at_work.values():
                    await at_work.wait()
            idle = [body.__qualname__ for body, at_work in self.at_work.items() if not at_work.is_set()]
            if idle:
                sys.exit(f"never came to work: {idle}: {self.ledger.problems}")
            tell(ready={"client": "valkey-glide, trio", "version": version("valkey-glide")})
            while await trio.to_thread.run_sync(sys.stdin.readline) == "stop\n":
                self.ledger.over.set()
                with trio.move_on_after(END_LIMIT_S) as limit:
                    for event in ended:
                        await event.wait()
                if limit.cancelled_caught:
                    self.ledger.fault("a task was still waiting long after the work had ended")
                tell(report=self.ledger.report())
            nursery.cancel_scope.cancel()

    async def guarded(self, loop: Callable[[], Awaitable[None]], ended: trio.Event) -> None:
        try:
            await loop()
        except Exception as error:
            self.ledger.fault(f"a task gave up: {error!r}")
            traceback.print_exc()  # the others go on
        finally:
            ended.set()
