"""A node that is slow: its clients wait, as they would without a proxy, and nobody is closed."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from tests.baton import BatonProcess
from tests.servers import Pair, RedisServer
from tests.waiting import wait_until


def test_who_needs_a_lane_while_the_node_is_busy_gets_it_when_it_is_not(
    redis_server: Callable[..., RedisServer], baton: Callable[..., BatonProcess]
) -> None:
    node = redis_server()
    proxy = baton(node, environment={"BATON_LIMITS_CONNECT_TIMEOUT_MS": "100"})
    resident, blocking, newcomer, elsewhere = (proxy.client(socket_timeout=60) for _ in range(4))
    resident.ping(), blocking.ping()
    with ThreadPoolExecutor(4) as others:
        node.freeze()
        waiting: list[Future[object]] = [
            others.submit(blocking.blpop, ["queue"], 50),
            others.submit(newcomer.incr, "counter"),
            others.submit(elsewhere.execute_command, "SELECT", 3),
            others.submit(resident.set, "key", "value"),
        ]
        wait_until(lambda: "-nodes-amiss" in proxy.log(), "the proxy to miss it: a second, ten of its limits")
        node.thaw()
        node.client().rpush("queue", "element")
        assert [each.result() for each in waiting] == [("queue", "element"), 1, True, True]
    assert "-client-closed" not in proxy.log() and "-clients-closed" not in proxy.log()


def test_a_check_is_not_refused_because_somebody_else_asked_less_patiently(
    pair: Pair, baton: Callable[..., BatonProcess]
) -> None:
    """Who watches over the nodes gives up after a second, and with it the link over which CHECK asks, too."""
    proxy = baton(*pair, environment={"BATON_LIMITS_CONNECT_TIMEOUT_MS": "4000"})
    with ThreadPoolExecutor(1) as operator:
        pair.primary.freeze()
        found = operator.submit(proxy.admin, "CHECK")
        wait_until(lambda: "-nodes-amiss" in proxy.log(), "the proxy to miss it")
        pair.primary.thaw()
        assert [line for line in found.result() if "answers" in line] == []
