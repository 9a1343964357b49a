"""Asking a server one thing, straight and without the proxy, over a connection of its own."""

from __future__ import annotations

from typing import Any, NamedTuple, Self

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry


class Address(NamedTuple):
    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """The address written as host:port; ValueError if it is not one."""
        host, _, port = text.rpartition(":")
        return cls(host, int(port))

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def connect(address: Address, *, timeout_s: float = 10, db: int = 0) -> Any:
    """A redis-py client of RESP2 that asks once and never again.

    Typed as Any: redis-py's annotations promise "awaitable or not" for every reply.
    """
    return redis.Redis(
        host=address.host,
        port=address.port,
        db=db,
        protocol=2,
        socket_timeout=timeout_s,
        retry=Retry(NoBackoff(), 0),
        driver_info=None,  # no CLIENT SETINFO: the admin port is asked by this, too
    )


def ask(address: Address, *command: str, timeout_s: float = 10) -> Any:
    """The reply to one command. Raises redis-py's errors."""
    with connect(address, timeout_s=timeout_s) as client:
        return client.execute_command(*command)
