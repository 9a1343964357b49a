"""A proxy that died before CONFIG REWRITE left old roles on disk; the one that starts next mends that."""

from collections.abc import Callable

from tests.baton import BatonProcess
from tests.kills.conftest import DURABLE, follow
from tests.servers import RedisServer
from tests.waiting import wait_until


def test_roles_are_kept_on_disk_by_the_proxy_that_starts_after_a_crash(
    redis_server: Callable[..., RedisServer], baton: Callable[..., BatonProcess]
) -> None:
    a, b = redis_server(*DURABLE), redis_server(*DURABLE)
    follow(b, a)
    a.wait_replicas(1)
    proxy = baton(a, b)
    assert proxy.switchover()["outcome"] == "done"  # a's file says now: replicaof b
    proxy.kill()
    # What the story does from the promotion to the demotion; here the proxy dies.
    a.command("REPLICAOF", "NO", "ONE")
    b.command("REPLICAOF", "127.0.0.1", a.port)
    b.command("CLIENT", "UNPAUSE")
    b.wait_link_up()
    proxy.restart()
    client = proxy.client()
    assert client.set("k", "v")
    client.close()
    wait_until(
        lambda: "replicaof 127.0.0.1" not in a.config_file.read_text(),
        "the primary's file says that it is one",
        4,
    )
    a.kill()
    a.restart()
    assert proxy.client().get("k") == "v"
