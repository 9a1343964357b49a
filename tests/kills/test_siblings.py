"""A switchover that was cut off between promote and demote is finished for the siblings too."""

from collections.abc import Callable

from tests.baton import BatonProcess
from tests.servers import Trio
from tests.waiting import wait_until


def test_a_sibling_follows_the_new_primary_once_a_half_done_switchover_is_finished(
    trio_of_nodes: Trio, baton: Callable[..., BatonProcess]
) -> None:
    old, new, sibling = trio_of_nodes
    new.command("REPLICAOF", "NO", "ONE")  # what the proxy that died did last
    proxy = baton(*trio_of_nodes)
    wait_until(
        lambda: [node.info().get("master_port") for node in (old, sibling)] == [new.port] * 2,
        lambda: f"both follow the new primary: {proxy.admin('NODES')}",
    )
    for node in (old, sibling):
        node.wait_link_up()
    assert proxy.switchover(sibling.address)["outcome"] == "done"
