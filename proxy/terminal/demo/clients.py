"""A real redis-py client, its retries switched off, that counts what goes wrong instead of raising it."""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import Enum
from typing import Any, Final

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from proxy.terminal.stage.direct import Address

from .tally import Tally

SOCKET_TIMEOUT_S: Final = 10.0
"""A reply that takes longer is an error: what hangs is counted, and the demo ends."""

AFTER_A_BREAK_S: Final = 0.05
"""Pause of a client whose connection broke, before it asks again."""


class NoAnswer(Enum):
    UNKNOWN = "the client got an error: whether the command was applied, it cannot tell"
    CHANGED = "EXEC answered nil: a watched key was touched, and nothing was applied"


UNKNOWN: Final = NoAnswer.UNKNOWN
CHANGED: Final = NoAnswer.CHANGED


class CountingPool(redis.ConnectionPool):
    """Counts every connection made, also those that redis-py makes on its own to replace a closed one."""

    def __init__(self, tally: Tally, **settings: Any) -> None:
        self.tally = tally
        super().__init__(**settings)

    def make_connection(self) -> Any:
        connection: Any = super().make_connection()
        connection.register_connect_callback(self._opened)
        return connection

    def _opened(self, connection: object) -> None:
        self.tally.opened += 1
        if self.tally.opened - 1 > self.tally.broken:
            self.tally.remember("its connection had broken: redis-py opened another")


class Client:
    """One application with one connection, to be used by one thread.

    `redis` is the redis-py client (typed as Any: its annotations promise "awaitable or not" for every reply).
    """

    def __init__(self, address: Address, who: str, *, protocol: int, db: int = 0) -> None:
        self.tally = Tally(who)
        pool = CountingPool(
            self.tally,
            host=address.host,
            port=address.port,
            db=db,
            protocol=protocol,
            client_name=who.replace(" ", "-"),
            socket_timeout=SOCKET_TIMEOUT_S,
            socket_connect_timeout=SOCKET_TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),  # the default of redis-py 8 is ten retries
            retry_on_error=[],
            health_check_interval=0,
        )
        self.redis: Any = redis.Redis(connection_pool=pool)

    def ask(self, call: Callable[..., Any], *args: Any, answers: int = 1, **options: Any) -> Any:
        """What `call` returns, timed and counted; UNKNOWN after an error, CHANGED where EXEC answered nil."""
        began = time.monotonic()
        reply = self.attempt(call, *args, **options)
        if reply is not UNKNOWN:
            self.tally.answered(began, answers)
        return reply

    def attempt(self, call: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """Like `ask`, for a call that waits for something to happen: neither timed nor an operation."""
        try:
            return call(*args, **options)
        except redis.WatchError as error:
            # redis-py raises this for EXEC's nil and for a connection that broke under a WATCH alike.
            if "Watched variable changed" in str(error):
                return CHANGED
            self.tally.broke(f"{type(error).__name__}: {error}")
        except redis.ConnectionError as error:
            self.tally.broke(f"{type(error).__name__}: {error}")
        except redis.RedisError as error:
            self.tally.fault(f"{type(error).__name__}: {error}")
        time.sleep(AFTER_A_BREAK_S)
        return UNKNOWN
