"""redis-py, asyncio: what every loop has, a task each."""

from __future__ import annotations

import asyncio
import sys
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import redis
import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from scripts.baton_clients.ledger import FIRST_LOAD, SOCKET_TIMEOUT_S, UNKNOWN, History, Ledger, pace_s, tell

Api = Any
"""redis-py's client: its annotations promise "awaitable or not" for every reply."""
READY_LIMIT_S = 60
END_LIMIT_S = 40
QUIET_LIMIT_S = 5
"""When the publisher has ended, and nothing came for so long, nothing more will come."""


class Program:
    def __init__(self, host: str, port: int) -> None:
        self.ledger = Ledger("redis-py-asyncio")
        self.address: dict[str, Any] = {"host": host, "port": port}
        self.loops: list[Callable[[], Awaitable[None]]] = []
        self.at_work: dict[Callable[[int], Awaitable[None]], asyncio.Event] = {}
        self.server_version: tuple[int, ...] = ()

    async def client(
        self, name: str, *, protocol: int, db: int = 0, connections: int = 1, **options: Any
    ) -> Api:
        """Asked once and never again; as many tasks at a time as it has connections."""
        ledger = self.ledger
        ledger.wanted += connections

        class Counted(redis.asyncio.Connection):
            async def _connect(self) -> None:
                ledger.open_one()
                await super()._connect()  # type: ignore[no-untyped-call]

        settings: dict[str, Any] = {"socket_timeout": SOCKET_TIMEOUT_S, **options}
        pool = redis.asyncio.BlockingConnectionPool(
            connection_class=Counted,
            max_connections=connections,
            **self.address,
            db=db,
            protocol=protocol,
            client_name=ledger.key(name),
            decode_responses=True,
            **settings,
            retry=Retry(NoBackoff(), 0),
            retry_on_error=[],
            health_check_interval=0,
        )
        api: Api = redis.asyncio.Redis(connection_pool=pool)
        # All at once, so that each opens a connection, and none is opened later.
        blocked = [api.blpop([ledger.key("nothing")], timeout=0.5) for _ in range(connections - 1)]
        await asyncio.gather(api.ping(), *blocked)
        return api

    async def ask_version(self) -> None:
        api = await self.client("asks-the-version", protocol=2)
        told = (await api.info("server"))["redis_version"]
        self.server_version = tuple(map(int, told.split(".")[:2]))

    async def ask(self, reply: Awaitable[Any], *, operations: int = 1) -> Any:
        began_s = time.monotonic()
        told = await self.attempt(reply)
        if told is not UNKNOWN:
            self.ledger.answered(began_s, operations)
        return told

    async def attempt(self, reply: Awaitable[Any]) -> Any:
        """Like `ask`, where something is waited for: not timed."""
        try:
            return await reply
        except redis.WatchError as error:
            if "Watched variable changed" in str(error):
                self.ledger.count("EXEC answered nil")
                return None
            self.ledger.fault(repr(error), broken=True)
        except redis.RedisError as error:
            broken = isinstance(error, redis.ConnectionError | redis.TimeoutError)
            self.ledger.fault(repr(error)[:300], broken=broken)
        await asyncio.sleep(pace_s())
        return UNKNOWN

    async def messages(self, subscription: Any) -> AsyncIterator[dict[str, Any]]:
        """What arrives, until long after the work is over: who knows what comes last stops asking before."""
        heard_s = time.monotonic()
        while self.ledger.goes_on() or time.monotonic() - heard_s < QUIET_LIMIT_S:
            message = await self.attempt(subscription.get_message(timeout=1))
            if message is not None and message is not UNKNOWN:
                heard_s = time.monotonic()
                yield message

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
        at_work = asyncio.Event()
        self.at_work[body] = at_work

        async def run() -> None:
            number = 0
            while self.ledger.goes_on():
                number += 1
                await body(number)
                if number == first:
                    at_work.set()
                await asyncio.sleep(pace_s())
            if last is not None:
                await last()

        self.loops.append(run)

    def reader(self, body: Callable[[], Awaitable[None]]) -> None:
        """A task that ends by itself once it has read the last of all."""
        self.loops.append(body)

    async def run(self) -> None:
        tasks = [asyncio.create_task(self.guarded(loop)) for loop in self.loops]
        working = [asyncio.ensure_future(at_work.wait()) for at_work in self.at_work.values()]
        _, waiting = await asyncio.wait(working, timeout=READY_LIMIT_S)
        if waiting:
            idle = [body.__qualname__ for body, at_work in self.at_work.items() if not at_work.is_set()]
            sys.exit(f"never came to work: {idle}: {self.ledger.problems}")
        tell(ready={"client": "redis-py, asyncio", "version": redis.__version__})
        words = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(words), sys.stdin
        )
        while await words.readline() == b"stop\n":
            self.ledger.over.set()
            late = (await asyncio.wait(tasks, timeout=END_LIMIT_S))[1]
            for task in late:
                self.ledger.fault("a task was still waiting long after the work had ended")
                task.cancel()
            tell(report=self.ledger.report())

    async def guarded(self, loop: Callable[[], Awaitable[None]]) -> None:
        try:
            await loop()
        except Exception as error:
            self.ledger.fault(f"a task gave up: {error!r}")
            traceback.print_exc()  # the others go on
