"""Between the proxy and its nodes addresses may be translated: a load balancer, another network."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from tests.baton import BatonProcess
from tests.servers import Pair
from tests.valve import Valve
from tests.waiting import wait_until


@pytest.mark.parametrize("protocol", [2, 3])
def test_who_is_blocked_behind_translated_addresses_stays_blocked_on_the_new_primary(
    pair: Pair, baton: Callable[..., BatonProcess], protocol: int
) -> None:
    """The node lists the lane under another address than the proxy's own; its id is asked for instead."""
    with ExitStack() as ways, ThreadPoolExecutor(1) as other:
        primary, replica = Valve(pair.primary), Valve(pair.replica)
        ways.callback(primary.close)
        ways.callback(replica.close)
        seen = (f"127.0.0.1:{valve.port}" for valve in (primary, replica))
        announce = " ".join(
            f"{way}={node.address}" for way, node in zip(seen, (pair.primary, pair.replica), strict=True)
        )
        nodes = [f"--node=127.0.0.1:{valve.port}" for valve in (primary, replica)]
        proxy = baton(*nodes, environment={"BATON_NODES_ANNOUNCE": announce})
        client = proxy.client(socket_timeout=40, protocol=protocol)
        popped = other.submit(client.blpop, ["queue"], 30)
        wait_until(lambda: pair.primary.info("clients")["blocked_clients"] == 1, "the client to be blocked")
        assert proxy.switchover()["outcome"] == "done"
        wait_until(lambda: pair.replica.info("clients")["blocked_clients"] == 1, "it to be blocked there")
        assert not popped.done()
        pair.replica.client().rpush("queue", "element")
        assert popped.result() is not None
