"""redis-py, synchronous: what every loop has, a thread each."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from scripts.baton_clients.ledger import FIRST_LOAD, SOCKET_TIMEOUT_S, UNKNOWN, History, Ledger, pace_s, tell

Api = Any
"""redis-py's client: its annotations promise "awaitable or not" for every reply."""
READY_LIMIT_S = 60
QUIET_LIMIT_S = 5
"""When the publisher has ended, and nothing came for so long, nothing more will come."""
END_LIMIT_S = 40
RELAXED = "timeouts that FAILING_OVER relaxed"
RESTORED = "timeouts that FAILED_OVER restored"


class Program:
    def __init__(self, host: str, port: int) -> None:
        self.ledger = Ledger("redis-py")
        self.address: dict[str, Any] = {"host": host, "port": port}
        self.loops: list[Callable[[], None]] = []
        self.at_work: dict[Callable[[int], None], threading.Event] = {}
        told = self.client("asks-the-version", protocol=2).info("server")["redis_version"]
        self.server_version = tuple(map(int, told.split(".")[:2]))

    def client(self, name: str, *, protocol: int, db: int = 0, **options: Any) -> Api:
        """One connection, asked once and never again."""
        ledger = self.ledger
        ledger.wanted += 1

        class Counted(redis.Connection):
            def _connect(self) -> Any:
                ledger.open_one()
                return super()._connect()  # type: ignore[no-untyped-call]

            def set_tmp_settings(self, *told: Any, **options: Any) -> None:
                """What redis-py does with FAILING_OVER: its timeouts are relaxed."""
                ledger.count(RELAXED)
                super().set_tmp_settings(*told, **options)

            def reset_tmp_settings(self, *told: Any, **options: Any) -> None:
                """What it does with FAILED_OVER."""
                ledger.count(RESTORED)
                super().reset_tmp_settings(*told, **options)

        settings: dict[str, Any] = {"socket_timeout": SOCKET_TIMEOUT_S, **options}
        pool: Any = redis.ConnectionPool(
            connection_class=Counted,
            max_connections=1,
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
        api = redis.Redis(connection_pool=pool)
        api.ping()
        return api

    def ask(self, call: Callable[..., Any], *arguments: Any, operations: int = 1, **options: Any) -> Any:
        began_s = time.monotonic()
        reply = self.attempt(call, *arguments, **options)
        if reply is not UNKNOWN:
            self.ledger.answered(began_s, operations)
        return reply

    def attempt(self, call: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """Like `ask`, for a call that waits for something to happen: not timed."""
        try:
            return call(*arguments, **options)
        except redis.WatchError as error:
            if "Watched variable changed" in str(error):
                self.ledger.count("EXEC answered nil")
                return None
            self.ledger.fault(repr(error), broken=True)
        except redis.RedisError as error:
            broken = isinstance(error, redis.ConnectionError | redis.TimeoutError)
            self.ledger.fault(f"{getattr(call, '__name__', call)}: {error!r}"[:300], broken=broken)
        time.sleep(pace_s())
        return UNKNOWN

    def messages(self, subscription: Any) -> Iterator[dict[str, Any]]:
        """What arrives, until long after the work is over: who knows what comes last stops asking before."""
        heard_s = time.monotonic()
        while self.ledger.goes_on() or time.monotonic() - heard_s < QUIET_LIMIT_S:
            message = self.attempt(subscription.get_message, timeout=1)
            if message is not None and message is not UNKNOWN:
                heard_s = time.monotonic()
                yield message

    def note(self, history: History, number: int, reply: Any) -> None:
        (history.unknown if reply is UNKNOWN else history.acknowledged).append(number)

    def loop(
        self, body: Callable[[int], None], *, last: Callable[[], None] | None = None, first: int = FIRST_LOAD
    ) -> None:
        """A thread that does `body` with 1, 2, 3 … until the work is over, and then `last`."""
        at_work = threading.Event()
        self.at_work[body] = at_work

        def run() -> None:
            number = 0
            while self.ledger.goes_on():
                number += 1
                body(number)
                if number == first:
                    at_work.set()
                time.sleep(pace_s())
            if last is not None:
                last()

        self.loops.append(run)

    def reader(self, body: Callable[[], None]) -> None:
        """A thread that ends by itself once it has read the last of all."""
        self.loops.append(body)

    def run(self) -> None:
        threads = [threading.Thread(target=self.guarded, args=(loop,), daemon=True) for loop in self.loops]
        for thread in threads:
            thread.start()
        deadline_s = time.monotonic() + READY_LIMIT_S
        for body, at_work in self.at_work.items():
            if not at_work.wait(deadline_s - time.monotonic()):
                sys.exit(f"{body.__qualname__} never came to work: {self.ledger.problems}")
        tell(ready={"client": "redis-py, threads", "version": redis.__version__})
        for line in sys.stdin:
            if line == "stop\n":
                self.ledger.over.set()
                deadline_s = time.monotonic() + END_LIMIT_S
                for thread in threads:
                    thread.join(max(0.0, deadline_s - time.monotonic()))
                    if thread.is_alive():
                        self.ledger.fault("a thread was still waiting long after the work had ended")
                counts = self.ledger.counts
                self.ledger.expect("timeouts restored", counts.get(RESTORED, 0), counts.get(RELAXED, 0))
                tell(report=self.ledger.report())
            else:
                return

    def guarded(self, loop: Callable[[], None]) -> None:
        try:
            loop()
        except Exception as error:
            self.ledger.fault(f"a thread gave up: {error!r}")
            traceback.print_exc()  # the others go on
