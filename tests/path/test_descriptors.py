"""The proxy takes all the descriptors that it may, whatever soft limit it is started with."""

import resource
from collections.abc import Callable

from tests.baton import BatonProcess
from tests.servers import Pair


def test_the_proxy_takes_all_the_descriptors_that_it_may(
    pair: Pair, baton: Callable[..., BatonProcess]
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (128, hard))
    try:
        proxy = baton(pair.primary, pair.replica)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    clients = [proxy.raw() for _ in range(100)]
    for client in clients:
        client.sendall(b"PING\r\n")
        assert client.recv(100) == b"+PONG\r\n"
    assert proxy.switchover()["outcome"] == "done"
    for client in clients:
        client.sendall(b"PING\r\n")
        assert client.recv(100) == b"+PONG\r\n"
